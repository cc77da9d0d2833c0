"""Waits that end."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import TypeVar

INTERVAL_SECONDS = 1.0
HINT_SECONDS = 60.0
QUIET_SECONDS = 5.0

Result = TypeVar("Result")


class NotYetError(Exception):
    """Not yet so; the message says what is missing."""


class DeadlineError(Exception):
    """The deadline passed; the message says what was still missing."""


def say(message: str) -> None:
    """One line to the pod's log."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {message}", flush=True)  # noqa: T201


class Deadline:
    """A moment that no wait goes beyond."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._end = clock() + seconds

    def wait(self, what: str, attempt: Callable[[], Result], hint: Callable[[], str] | None = None) -> Result:
        """Repeats `attempt` while it raises NotYetError, and returns what it returns. Raises DeadlineError.

        A new reason is logged, at most every few seconds. `hint` looks closer, at a price: it is asked once a minute
        while nothing changes.
        """
        last, hinted = "", self._clock()
        said = hinted - QUIET_SECONDS
        while True:
            try:
                return attempt()
            except NotYetError as error:
                reason = str(error)
                if reason != last and self._clock() - said >= QUIET_SECONDS:
                    say(f"waiting until {what}: {reason}")
                    last, said = reason, self._clock()
                if hint is not None and self._clock() - hinted >= HINT_SECONDS:
                    say(hint())
                    hinted = self._clock()
                if self._clock() >= self._end:
                    raise DeadlineError(f"gave up waiting until {what}: {reason}") from error
            self._pause(INTERVAL_SECONDS)


def end_when_told() -> None:
    """SIGTERM ends the program: by default it does not end a container's first process, and the whole pod would wait
    for its grace period."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def run(main: Callable[[], None]) -> None:
    """Runs a script: an expired deadline, or a refusal, is one line and exit code 1."""
    try:
        main()
    except (DeadlineError, NotYetError, RuntimeError) as error:
        say(f"FAILED: {error}")
        sys.exit(1)
