"""Which labs this machine has: gives each an index of its own, from which its management network is made."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.paths import MACHINE, LabPaths
from lab.shell import LabError

LABS = 200
"""At most this many labs at once: the indices of the /24s used."""


def claim_index(paths: LabPaths) -> int:
    """This lab's index: the one it has, else the lowest free one. Survives kill -9; freed by `release_index`."""
    with _registry() as labs:
        root = str(paths.root)
        for index, owner in labs.items():
            if owner == root:
                return int(index)
        for index in range(LABS):
            owner = labs.get(str(index))
            if owner is None or not Path(owner).exists():
                labs[str(index)] = root
                return index
    raise LabError(f"{LABS} labs are registered on this machine already: take some down")


def release_index(paths: LabPaths) -> bool:
    """Forget this lab. True if it was the last one."""
    with _registry() as labs:
        for index in [index for index, owner in labs.items() if owner == str(paths.root)]:
            del labs[index]
        return not labs


@contextmanager
def _registry() -> Iterator[dict[str, str]]:
    MACHINE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (MACHINE / "labs.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = MACHINE / "labs.json"
        labs = json.loads(file.read_text()) if file.exists() else {}
        before = dict(labs)
        yield labs
        if labs != before:
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(labs))
            fresh.replace(file)
