"""Bad configs and their messages: `bad/NAME.yaml` is a stack file, `bad/NAME.txt` what the plan command says of it."""

import contextlib
import io
import os
from pathlib import Path

from stacks.plan import main

FOLDER = Path(__file__).parent / "bad"
ROOT = Path(__file__).parents[2]


def stack_files() -> list[Path]:
    """Every bad config, by name."""
    return sorted(FOLDER.glob("*.yaml"))


def golden_file(stack_file: Path) -> Path:
    """Where the messages of `stack_file` are kept."""
    return stack_file.with_suffix(".txt")


def messages(stack_file: Path) -> str:
    """What `python -m stacks.plan` says of a bad config. Raises AssertionError where it does not exit with code 2."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(ROOT):
        code = main([os.path.relpath(stack_file, ROOT)])
    assert code == 2, f"{stack_file.name}: exit code {code}, not 2"
    assert out.getvalue() == "", f"{stack_file.name}: printed a plan"
    return err.getvalue()
