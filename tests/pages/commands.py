"""The commands that Markdown pages show in blocks of ```sh, and how each of them is tested: `commands.yaml`."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from docs.hooks import ROOT, listed

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s+)#\s[^#]*$")
HOW = Path(__file__).with_name("commands.yaml")


@dataclass(frozen=True)
class Command:
    """One command of a page, a loop being one; without its comment."""

    page: str
    text: str


def commands(page: str) -> list[Command]:
    """Those of a page, in order: of its blocks of `sh`, and what stands behind a prompt in blocks of no language."""
    return [Command(page, text) for block in [*blocks(page, "sh"), *prompted(page)] for text in split(block)]


def every_command() -> list[Command]:
    """Those of every page of the repository."""
    return [each for page in listed() if page.endswith(".md") for each in commands(page)]


def blocks(page: str, language: str) -> list[str]:
    """What stands in a page's fences of a language; "": of none."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [found for _, named, found in FENCE.findall(text) if named == language]


def prompted(page: str) -> list[str]:
    """What a reader is shown to have typed, a line each."""
    return [line.removeprefix("$ ") for block in blocks(page, "") for line in block.splitlines() if line[:2] == "$ "]


def split(block: str) -> Iterator[str]:
    """A block's commands. Raises ValueError where the shell finds no end."""
    pending: list[str] = []
    for line in block.splitlines():
        pending.append(line.rstrip() if pending else COMMENT.sub("", line).rstrip())
        text = "\n".join(pending)
        if not text.strip():
            pending = []
        elif not text.endswith("\\") and complete(text):
            yield text
            pending = []
    if pending:
        raise ValueError(f"no shell command: {pending}")


def complete(text: str) -> bool:
    """Whether the shell can read it to its end."""
    read = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False)
    return read.returncode == 0 and "here-document" not in read.stderr


def how() -> dict[str, Any]:
    """`commands.yaml`."""
    return yaml.safe_load(HOW.read_text(encoding="utf-8"))


def covered(command: Command) -> str | None:
    """How a command is tested, or why not; None where nothing says so."""
    words = command.text.split("\n")[0].split()
    told = how()
    if any(command.text.startswith(start) for start in told["quick"]):
        return "quick"
    if command.page in told["walked"]:
        return "walked"
    for entry in [*told["tested"], *told["not-run"]]:
        if command.page in entry["pages"] and any(words == each.split() for each in entry["commands"]):
            return entry.get("test") or entry["reason"]
    return None


def scratch(folder: Path) -> Path:
    """A copy of the repository as it is here, uncommitted changes and new files too, with the same `.venv`."""
    for name in listed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder
