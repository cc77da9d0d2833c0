"""Whether a pod of one region reaches a node of another, ten times a second, while something happens to it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from tests.lab.asking import Asker, asker
from tests.lab.stack import RunningStack, wait_until

STEADY = 10
"""Attempts in a row without a failure: a second of them."""

_PROGRAM = """
def attempt(begun):
    try:
        connect(resolve(sys.argv[1], 1), int(sys.argv[2]), 1).close()
        said = "ok"
    except OSError as error:
        said = f"{type(error).__name__}: {error}"
    os.write(1, (json.dumps([begun, said]) + chr(10)).encode())

while True:
    begun = time.time()
    threading.Thread(target=attempt, args=(begun,), daemon=True).start()
    time.sleep(max(0, begun + 0.1 - time.time()))
"""
"""Each attempt for itself, so that a slow one does not hold the next one up."""


@dataclass(frozen=True, order=True)
class Attempt:
    """One name and one connection, by when they began (seconds since the epoch; a lab has one clock)."""

    begun: float
    said: str

    @property
    def failed(self) -> bool:
        return self.said != "ok"


@dataclass(frozen=True)
class Watcher:
    """The pod that asks."""

    pod: Asker

    def attempts(self) -> list[Attempt]:
        """All that have ended, in the order in which they began."""
        whole, _, _ = self.pod.printed().rpartition("\n")
        return sorted(Attempt(*json.loads(line)) for line in whole.splitlines())

    def until_steady(self) -> None:
        """Returns once the attempts of a second, from now on, have all succeeded."""
        now = time.time()
        wait_until(60, "the watcher reaches the node", lambda: is_steady(self.attempts(), now))


@contextmanager
def watcher(stack: RunningStack, source: str, host: str, port: int) -> Iterator[Watcher]:
    """Of a node's name or address, from a pod in `source`; from when it is reached."""
    with asker(stack, source, _PROGRAM, host, str(port)) as pod:
        wait_until(60, f"{pod.name} runs", lambda: pod.phase == "Running")
        watching = Watcher(pod)
        watching.until_steady()
        yield watching


def is_steady(attempts: Sequence[Attempt], since: float) -> bool:
    """Whether the last ones all succeeded."""
    last = attempts[-STEADY:]
    return len(last) == STEADY and last[0].begun >= since and not any(one.failed for one in last)


def figures(attempts: Sequence[Attempt], fault: float, healed: float | None = None) -> dict[str, float]:
    """In seconds. `outage`: for how long in all attempts failed after the fault, until it was healed; `lasted`: until
    when that was; `recovered`: when the last attempt failed, after it was healed, or after the fault where that heals
    by itself. 0: none failed then.
    """
    seen = [one for one in attempts if one.begun >= fault]
    end = healed or math.inf
    failed = [(one.begun, after.begun) for one, after in pairwise(seen) if one.failed]
    told = {
        "outage": sum(after - begun for begun, after in failed if begun < end),
        "recovered": max([0.0, *(begun - (healed or fault) for begun, _ in failed)]),
        **({} if healed is None else {"lasted": healed - fault}),
    }
    return {name: round(seconds, 1) for name, seconds in told.items()}
