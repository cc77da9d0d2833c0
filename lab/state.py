"""A lab's own memory: which faults are in force, and a lock so that two commands don't change one lab at once."""

from __future__ import annotations

import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TextIO

from lab import processes
from lab.paths import LabPaths
from lab.shell import LabError

LOCK_SECONDS = 300.0
"""How long a command waits for another one on the same lab; a slow `up` takes about that."""


@dataclass(slots=True)
class Faults:
    """What has been broken on purpose, by name; `lab up` leaves it broken."""

    cut: list[str]
    """Regions off the core router."""
    unbalanced: list[str]
    """Regions whose DNS balancers don't answer."""
    stopped: list[str]
    """Regions whose API server is stopped."""
    dropped: list[str]
    """Hosts that are off."""
    unresolved: list[str] = field(default_factory=list[str])
    """Regions in which the cloud's own DNS does not answer."""
    silent: list[str] = field(default_factory=list[str])
    """Addresses of name servers outside of the regions that nobody reaches."""

    @property
    def any(self) -> bool:
        return any((self.cut, self.unbalanced, self.stopped, self.dropped, self.unresolved, self.silent))


def read_faults(paths: LabPaths) -> Faults:
    """The faults in force."""
    file = paths.root / "faults.json"
    return Faults(**json.loads(file.read_text())) if file.exists() else Faults([], [], [], [])


def write_faults(paths: LabPaths, faults: Faults) -> None:
    file = paths.root / "faults.json"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(faults)))
    fresh.replace(file)


@contextmanager
def locked(paths: LabPaths, name: str = "lock", seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold one of the lab's locks; a process that dies lets go of it. Waits for another holder, and says so.

    Raises LabError where it is still held after `seconds`.
    """
    paths.root.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (paths.root / name).open("a") as lock:
        if not _taken(lock):
            sys.stderr.write(f"another command is at work on the lab {paths.name!r}: waiting for it to end\n")
            if not processes.wait_for(lambda: _taken(lock), seconds):
                raise LabError(f"another command has been at work on the lab {paths.name!r} for {seconds:g} s")
        yield


@contextmanager
def held(paths: LabPaths, name: str) -> Iterator[None]:
    """Hold a lock that is never held for long, such as while a file is read, changed and written."""
    paths.root.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (paths.root / name).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
