"""The example app's process: it ends when it is told to, and when nothing would mend what it met."""

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ledger import __main__ as ledger_main
from ledger import books
from psycopg import errors


@pytest.fixture(autouse=True)
def pod(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    variables = {"REGION": "us-east1", "POD": "ledger-0", "PAYMENT_SECONDS": "0.01"}
    for name, value in {**variables, "DATABASE_URL": "postgresql://app@db/bank", "CERTIFICATES": "/"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ledger_main, "serve", lambda status: None)
    monkeypatch.setattr("sys.argv", ["ledger", "serve"])
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Answers:
    """In place of a `Database`: transactions do what `transaction` does; statements answer nothing."""

    def __init__(self, transaction: Any) -> None:
        self.transaction = lambda work, seconds: transaction()

    def statement(self, work: Any, seconds: float) -> Any:
        return {} if work is books.accounts else "us-east1"

    def close(self) -> None: ...


def test_it_stops_in_order_when_told_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    enough = threading.Event()
    monkeypatch.setattr(ledger_main, "connect", lambda status, stop: Answers(enough.set))

    def tell() -> None:
        assert enough.wait(30)
        os.kill(os.getpid(), signal.SIGTERM)

    teller = threading.Thread(target=tell)
    teller.start()
    assert ledger_main.main() == 0
    teller.join()
    assert '"event":"paid"' in capsys.readouterr().out


def test_a_statement_that_is_wrong_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise errors.InsufficientPrivilege("user app does not have INSERT privilege")

    monkeypatch.setattr(ledger_main, "connect", lambda status, stop: Answers(refused))
    with pytest.raises(errors.InsufficientPrivilege):
        ledger_main.main()
