"""A lab's own memory: which faults are in force, and a lock so that two commands don't change one lab at once."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from lab.paths import LabPaths
from lab.shell import LabError


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

    @property
    def any(self) -> bool:
        return bool(self.cut or self.unbalanced or self.stopped or self.dropped)


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
def locked(paths: LabPaths) -> Iterator[None]:
    """Hold the lab's lock; a process that dies lets go of it. Raises LabError where another command has it."""
    paths.root.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (paths.root / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(f"another command is changing the lab {paths.name!r}: wait for it to end") from error
        yield
