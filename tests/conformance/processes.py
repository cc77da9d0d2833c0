"""Looking at other processes, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("not seen in time")


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _parent(int(entry.name)) == pid:
            found += [int(entry.name), *descendants(int(entry.name))]
    return found


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return None


def command(pid: int) -> str:
    """A process's program and its arguments; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name + " " + Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
