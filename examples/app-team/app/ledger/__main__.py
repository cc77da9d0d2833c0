"""`python3 -m ledger serve` books a payment now and then and reads all accounts; `… schema` makes the tables, and ends.

Environment: `DATABASE_URL`, `CERTIFICATES` (a folder: see `Database`), `REGION` and `POD` (what it calls itself),
`PAYMENT_SECONDS` (between two payments).
"""

import os
import random
import signal
import sys
import threading
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import psycopg

from . import books
from .database import Database, GaveUp, SerializationFailure
from .status import Status, log, now, serve

PAYMENT_TIMEOUT, READ_TIMEOUT, SCHEMA_TIMEOUT = 30.0, 5.0, 240.0
"""Seconds of attempts, after which something is given up."""
READ_SECONDS = 2.0
"""Between two reads."""


def main() -> int:
    """0 when told to stop, or when the schema is there. Raises what the database says of a wrong statement."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    status = Status(os.environ["REGION"], os.environ["POD"])
    if sys.argv[1:] == ["schema"]:
        return schema(status, stop)
    serve(status)
    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(work, status, stop) for work in (pay, read)]
        # Whichever ends first was told to stop, or met what no attempt would mend: Kubernetes makes the pod anew.
        wait(working, return_when=FIRST_COMPLETED)
        stop.set()
    for each in working:
        each.result()
    return 0


def schema(status: Status, stop: threading.Event) -> int:
    """Make what is missing; 1 where no attempt came through."""
    database = connect(status, stop)
    try:
        database.statement(books.create, SCHEMA_TIMEOUT)
    except GaveUp as error:
        log("gave up", what="schema", error=str(error))
        return 1
    log("schema", tables=database.statement(books.localities, READ_TIMEOUT))
    database.close()
    return 0


def pay(status: Status, stop: threading.Event) -> None:
    """Book payments, one after the other."""
    database = connect(status, stop)
    pause = float(os.environ.get("PAYMENT_SECONDS", "1"))
    while not stop.wait(pause):
        # Its id is the payment's for good: however often it is sent, it is booked once.
        payment, amount = uuid.uuid4(), random.randrange(1, 100_00)  # noqa: S311
        begun = time.monotonic()
        try:
            database.transaction(lambda on: books.pay(on, payment, amount), PAYMENT_TIMEOUT)  # noqa: B023
        except GaveUp as error:
            status.count("unknown")
            log("gave up", what="payment", id=str(payment), error=str(error))
            continue
        status.paid()
        log("paid", id=str(payment), amount=amount, ms=round(1000 * (time.monotonic() - begun)))
    database.close()


def read(status: Status, stop: threading.Event) -> None:
    """Read every region's account."""
    database = connect(status, stop)
    while not stop.wait(READ_SECONDS):
        try:
            gateway = database.statement(books.gateway, READ_TIMEOUT)
            accounts = database.statement(books.accounts, READ_TIMEOUT)
        except (GaveUp, psycopg.errors.UndefinedTable) as error:
            # A read of a few seconds ago does not see a table that is younger.
            log("gave up", what="read", error=str(error))
            continue
        found = {region: asdict(account) for region, account in accounts.items()}
        status.change(gateway=gateway, accounts=found, last_read=now())
        log("read", gateway=gateway, accounts=found)
    database.close()


def connect(status: Status, stop: threading.Event) -> Database:
    """A thread's own access, whose failed attempts are told and counted."""

    def told(error: psycopg.OperationalError, attempt: int) -> None:
        conflict, words = isinstance(error, SerializationFailure), str(error).strip().partition("\n")[0]
        status.count("conflicts" if conflict else "failures")
        if not conflict:
            status.change(last_error=f"{now()} {words}")
        log("retry", attempt=attempt, sqlstate=error.sqlstate, error=words)

    return Database(os.environ["DATABASE_URL"], Path(os.environ["CERTIFICATES"]), stop, told)


if __name__ == "__main__":
    sys.exit(main())
