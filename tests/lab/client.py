"""A SQL client that connects anew for every statement, and what it saw."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from lab.tools import bin_dir
from tests.lab.stack import RunningStack
from tests.lab.watching import start, stop

_PROGRAM = """
import json, select, subprocess, sys, time
answered, failed = [time.time()], []
while not select.select([sys.stdin], [], [], 0.05)[0]:
    try:
        done = subprocess.run(sys.argv[1:], capture_output=True, text=True, timeout=5)
        said = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["nothing said"])[-1]
    except subprocess.TimeoutExpired:
        said = "no answer within 5 s"
    if said:
        failed.append(said)
    else:
        answered.append(time.time())
print(json.dumps({"answered": [*answered, time.time()], "failed": failed}))
"""
"""Asks until its input ends; its first and last moments count as answers, so that silence at either end is seen."""


@dataclass
class Client:
    """Statements one after the other, each over a connection of its own."""

    folder: Path
    """Its `--certs-dir` is a link here: read for each statement."""
    answered: list[float] = field(default_factory=list)
    """When each was answered, in seconds since the epoch."""
    failed: list[str] = field(default_factory=list)
    """Why each of the others was not."""

    @property
    def certificates(self) -> Path:
        """The link."""
        return self.folder / "certificates"

    def renew(self, stack: RunningStack, user: str = "app") -> None:
        """Takes what the outputs have now, all of it at once."""
        made = stack.certificates(Path(tempfile.mkdtemp(dir=self.folder)), user)
        fresh = self.folder / "fresh"
        fresh.symlink_to(made)
        fresh.replace(self.certificates)

    @property
    def longest(self) -> float:
        """Seconds without an answer."""
        return max((after - before for before, after in pairwise(self.answered)), default=0.0)


@contextmanager
def client(stack: RunningStack, folder: Path, region: str = "alpha", source: str = "beta") -> Iterator[Client]:
    """A client of a region's SQL load balancer, on a host of another region, for as long as the block lasts."""
    host = stack.outputs()["sqlEndpoints"][region].partition(":")[0]
    asking = Client(folder)
    asking.renew(stack)
    words = ("sql", f"--certs-dir={asking.certificates}", f"--host={host}", "--user=app", "-e", "SELECT 1")
    place = stack.lab.hosts(source)[0]
    running = {place: start(stack.lab, place, _PROGRAM, str(bin_dir() / "lab-cockroach"), *words)}
    try:
        yield asking
    finally:
        told = stop(running)[place]
        if told:
            seen = json.loads(told)
            asking.answered, asking.failed = seen["answered"], seen["failed"]
    assert len(asking.answered) > 2, f"never answered: {asking.failed[-1:]}"
