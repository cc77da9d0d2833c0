"""The example app's attempts: what is made again, on which connection, and when it is given up."""

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ledger import database as ledger_database
from ledger.database import Database, GaveUp
from ledger.status import Status, serve
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

URL = "postgresql://app@10.1.16.26:26257/bank?sslmode=verify-full"


class Connection:
    """Of a database that answers each COMMIT with the next of `answers`: an error, or None."""

    def __init__(self, answers: list[Exception | None]) -> None:
        self.answers = answers
        self.closed = False
        self.link, self.node = socket.socketpair()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer

    def fileno(self) -> int:
        return self.link.fileno()

    def close(self) -> None:
        self.closed = True
        self.link.close()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Every connection that was made. The test says the answers before."""
    found: list[Connection] = []

    def connect(conninfo: str, *, autocommit: bool) -> Connection:
        told = conninfo_to_dict(conninfo)
        assert told.items() >= conninfo_to_dict(URL).items()
        assert (told["sslkey"], autocommit) == ("/certificates/client.key", True)
        found.append(Connection(ANSWERS))
        return found[-1]

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr(ledger_database, "FIRST_PAUSE", 0.001)
    ANSWERS.clear()
    return found


ANSWERS: list[Exception | None] = []


def database(told: Any = lambda error, attempt: None, stop: threading.Event | None = None) -> Database:
    return Database(URL, Path("/certificates"), stop or threading.Event(), told)


def test_a_conflict_is_run_again_on_the_same_connection(made: list[Connection]) -> None:
    ANSWERS[:] = [errors.SerializationFailure(), errors.SerializationFailure(), None]
    attempts: list[int] = []
    assert database(lambda _, attempt: attempts.append(attempt)).transaction(lambda _: "done", 10) == "done"
    assert attempts == [1, 2]
    assert len(made) == 1


@pytest.mark.parametrize(
    "lost",
    [
        errors.StatementCompletionUnknown(),
        errors.AdminShutdown(),
        errors.QueryCanceled(),
        psycopg.OperationalError("server closed the connection unexpectedly"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_another_failure_is_run_again_on_another_connection(made: list[Connection], lost: Exception) -> None:
    ANSWERS[:] = [lost, None]
    runs: list[Any] = []
    database().transaction(runs.append, 10)
    assert [connection.closed for connection in made] == [True, False]
    assert runs == made


def test_what_no_attempt_would_mend_is_raised_at_once(made: list[Connection]) -> None:
    ANSWERS[:] = [errors.CheckViolation(), None]
    with pytest.raises(errors.CheckViolation):
        database().transaction(lambda _: None, 10)
    assert len(ANSWERS) == 1


def test_it_is_given_up_in_time_and_says_why(made: list[Connection]) -> None:
    ANSWERS[:] = [psycopg.OperationalError("lost quorum")] * 1000
    with pytest.raises(GaveUp) as given_up:
        database().transaction(lambda _: None, 0.2)
    assert str(given_up.value.__cause__) == "lost quorum"
    assert len(made) > 1


def test_it_stops_when_told_to(made: list[Connection]) -> None:
    stop = threading.Event()
    stop.set()
    ANSWERS[:] = [psycopg.OperationalError("lost quorum")] * 2
    with pytest.raises(GaveUp):
        database(stop=stop).transaction(lambda _: None, 60)
    assert len(ANSWERS) == 1


def test_a_node_that_hangs_is_left(made: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes bytes, and answers none: nothing on its side ends the statement."""
    ANSWERS[:] = [None, None]
    monkeypatch.setattr(ledger_database, "ANSWER_SECONDS", 0.1)

    def work(connection: Any) -> None:
        if len(made) == 1 and not connection.link.recv(1):
            raise psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")

    database().transaction(work, 10)
    assert [connection.closed for connection in made] == [True, False]


def test_an_old_connection_is_left(made: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    ANSWERS[:] = [None, None, None]
    monkeypatch.setattr(ledger_database, "CONNECTION_SECONDS", 0.0)
    used = database()
    used.transaction(lambda _: None, 10)
    used.transaction(lambda _: None, 10)
    assert [connection.closed for connection in made] == [True, False]


def test_status_is_told_to_whoever_asks() -> None:
    times = iter((10.0, 11.0, 12.5, 13.0))
    status = Status("us-east1", "ledger-0", _clock=lambda: next(times))
    server = serve(status, 0)
    try:
        with pytest.raises(urllib.error.HTTPError, match="503"):
            asked(server.server_port, "/started")
        status.paid()
        status.paid()
        status.count("conflicts")
        assert asked(server.server_port, "/started") == {"payments": 2}
        found = asked(server.server_port, "/status")
    finally:
        server.shutdown()
        server.server_close()
    assert (found["region"], found["payments"], found["conflicts"]) == ("us-east1", 2, 1)
    assert found["longest_gap_seconds"] == 1.0
    assert not [name for name in found if name.startswith("_")]


def asked(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return json.load(answer)
