"""The schema, and what is written and read. Every row lives in the region whose node took it."""

from dataclasses import dataclass
from uuid import UUID

from .database import Connection

# The region is the first column of each key. Were the key the id alone, CockroachDB would ask every region whether it
# has that id already before it takes a row: writes would cross regions, and wait for one that is cut off.
_REGION = (
    "region crdb_internal_region NOT NULL "
    "DEFAULT default_to_database_primary_region(gateway_region())::crdb_internal_region"
)
SCHEMA = (
    f"""CREATE TABLE IF NOT EXISTS payments (
    {_REGION},
    id UUID NOT NULL,
    amount INT8 NOT NULL CHECK (amount > 0),
    made_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (region, id)
) LOCALITY REGIONAL BY ROW AS region""",
    f"""CREATE TABLE IF NOT EXISTS accounts (
    {_REGION},
    name STRING NOT NULL,
    payments INT8 NOT NULL,
    balance INT8 NOT NULL,
    PRIMARY KEY (region, name)
) LOCALITY REGIONAL BY ROW AS region""",
)
"""Statements that change nothing where they have run already."""

ACCOUNT = "sales"

_PAYMENT = "INSERT INTO payments (id, amount) VALUES (%s, %s) ON CONFLICT (region, id) DO NOTHING RETURNING id"
_BOOKING = """INSERT INTO accounts (name, payments, balance) VALUES (%s, 1, %s)
ON CONFLICT (region, name) DO UPDATE
SET payments = accounts.payments + 1, balance = accounts.balance + excluded.balance"""
# A few seconds old, and so answered by replicas in this region, also of rows that live in one that is cut off.
_ACCOUNTS = """SELECT region::STRING, payments, balance
FROM accounts AS OF SYSTEM TIME follower_read_timestamp() WHERE name = %s ORDER BY region"""


@dataclass(frozen=True)
class Account:
    """One region's. `balance`: cents."""

    payments: int
    balance: int


def create(connection: Connection) -> None:
    """Make the tables that are missing."""
    for statement in SCHEMA:
        connection.execute(statement.encode())


def pay(connection: Connection, payment: UUID, amount: int) -> None:
    """Book a payment of `amount` cents once, however often it is asked for: in a transaction."""
    if connection.execute(_PAYMENT, (payment, amount)).fetchone():
        connection.execute(_BOOKING, (ACCOUNT, amount))


def gateway(connection: Connection) -> str:
    """The region of the node that this connection leads to."""
    row = connection.execute("SELECT gateway_region()").fetchone()
    return str(row[0]) if row else ""


def accounts(connection: Connection) -> dict[str, Account]:
    """Region -> its account, as of a few seconds ago: outside of a transaction."""
    rows = connection.execute(_ACCOUNTS, (ACCOUNT,)).fetchall()
    return {region: Account(payments, balance) for region, payments, balance in rows}


def localities(connection: Connection) -> dict[str, str]:
    """Table -> its locality, as the database has it."""
    rows = connection.execute("SELECT table_name, locality FROM [SHOW TABLES]").fetchall()
    return {str(name): str(locality) for name, locality in rows}
