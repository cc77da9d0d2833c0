"""One connection to the own region's SQL endpoint, and transactions that outlive conflicts, drained nodes and cuts."""

import itertools
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.errors import SerializationFailure

Connection = psycopg.Connection[tuple[Any, ...]]
Result = TypeVar("Result")

STATEMENT_SECONDS = 5
"""A statement that takes longer is cancelled by the server: a region that is cut off has nobody to agree with."""
ANSWER_SECONDS = 15.0
"""A connection on which an attempt takes longer is broken off from here: a node that hangs cancels nothing."""
CONNECTION_SECONDS = 300.0
"""A connection is left after this long: so load spreads to nodes that came later, and renewed certificates are read."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between attempts: doubled each time, and drawn at random below that."""

LINK = {
    "connect_timeout": 5,
    # A node that vanished answers nothing, not even that the connection is gone.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "ledger",
    "options": f"-c statement_timeout={STATEMENT_SECONDS}s",
}


class GaveUp(Exception):  # noqa: N818 - it is what happened
    """No attempt was acknowledged in time. Whether one took effect is unknown; the cause is the last one's error."""


class Database:
    """Not to be shared by threads.

    `url`: the output `databaseUrls`, with user and `sslmode=verify-full`. `certificates`: a folder with `ca.crt`,
    `client.crt` and `client.key`. `told`: called with the error and the number of each attempt that failed.
    """

    def __init__(
        self,
        url: str,
        certificates: Path,
        stop: threading.Event,
        told: Callable[[psycopg.OperationalError, int], None] = lambda error, attempt: None,
    ) -> None:
        self._url = url
        self._files = {
            "sslrootcert": str(certificates / "ca.crt"),
            "sslcert": str(certificates / "client.crt"),
            "sslkey": str(certificates / "client.key"),
        }
        self._stop = stop
        self._told = told
        self._connection: Connection | None = None
        self._leave_at = 0.0

    def transaction(self, work: Callable[[Connection], Result], seconds: float) -> Result:
        """The result of `work`, committed. It runs again after a conflict or a lost connection, for so many seconds.

        An attempt whose COMMIT was not answered may have taken effect, so `work` has to do nothing where it did. Raises
        GaveUp, and whatever the database says of statements that no further attempt would mend.
        """

        def committed(connection: Connection) -> Result:
            with connection.transaction():
                return work(connection)

        return self.statement(committed, seconds)

    def statement(self, work: Callable[[Connection], Result], seconds: float) -> Result:
        """The same for work that is no transaction of several statements: a stale read, a schema change."""
        deadline = time.monotonic() + seconds
        for attempt in itertools.count(1):
            try:
                connection = self._connected()
                with answered_within(connection, ANSWER_SECONDS):
                    return work(connection)
            except psycopg.OperationalError as error:
                self._told(error, attempt)
                if not isinstance(error, SerializationFailure):
                    self.close()
                pause = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))  # noqa: S311
                if time.monotonic() + pause > deadline or self._stop.wait(pause):
                    raise GaveUp(f"not acknowledged in {attempt} attempts within {seconds:.0f} s") from error
        raise AssertionError("attempts have no end")

    def close(self) -> None:
        """Leave the connection; the next statement makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is not None and (self._connection.closed or time.monotonic() > self._leave_at):
            self.close()
        if self._connection is None:
            self._connection = psycopg.connect(make_conninfo(self._url, **LINK, **self._files), autocommit=True)
            # Not all at once, where many were made at once.
            self._leave_at = time.monotonic() + CONNECTION_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
        return self._connection


@contextmanager
def answered_within(connection: Connection, seconds: float) -> Iterator[None]:
    """What still waits for an answer after so many seconds gets psycopg.OperationalError."""
    with socket.socket(fileno=os.dup(connection.fileno())) as link:
        timer = threading.Timer(seconds, _break_off, [link])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _break_off(link: socket.socket) -> None:
    with suppress(OSError):  # the other side was first
        link.shutdown(socket.SHUT_RDWR)
