"""Progress for people: bars that move on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol


class Steps(Protocol):
    """Where work reports to: one task per region (or tool), each of a known number of steps."""

    def step(self, task: str, what: str) -> None:
        """Task `task` has begun `what`."""
        ...

    def done(self, task: str) -> None:
        """Task `task` is complete."""
        ...


class PlainSteps:
    """One line per step on standard error, with seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._lock = Lock()

    def step(self, task: str, what: str) -> None:
        self._say(f"{task}: {what}")

    def done(self, task: str) -> None:
        self._say(f"{task}: ready")

    def _say(self, text: str) -> None:
        with self._lock:
            sys.stderr.write(f"[{time.monotonic() - self._start:6.1f} s] {text}\n")
            sys.stderr.flush()


@contextmanager
def steps(tasks: dict[str, int]) -> Iterator[Steps]:
    """A reporter for `tasks` (name: number of steps): rich bars where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield PlainSteps()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        ids = {name: progress.add_task(name, total=total, what="waiting") for name, total in tasks.items()}

        class Bars:
            def step(self, task: str, what: str) -> None:
                progress.update(ids[task], advance=1, what=what)

            def done(self, task: str) -> None:
                progress.update(ids[task], completed=tasks[task], what="ready")

        yield Bars()
