"""The pinned engine's own messages that docs/troubleshooting.md quotes are in its program."""

import mmap
import os
import shutil
from pathlib import Path

import pytest

from lab.tools import bin_dir
from tests.pages import findings, messages

SECTION = "The engine stops"
QUOTED = [
    message
    for section, message in messages.rows(findings.PAGE.read_text(encoding="utf-8"))
    if section == SECTION and not message.startswith(("pulumi ", "eval"))
]


@pytest.mark.parametrize("message", QUOTED)
def test_the_engine_has_it(message: str) -> None:
    """Whichever is taken: PATH's, if it is new enough for the lab, else the lab's own."""
    program = shutil.which("pulumi", path=f"{bin_dir()}:{os.environ.get('PATH', '')}")
    assert program, "make setup"
    with Path(program).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        assert text.find(message.encode()) >= 0


def test_there_are_some() -> None:
    assert len(QUOTED) >= 7
