"""What the drill's pod runs: restores databases under other names, compares them, drops them, prints one JSON line.

Standard library only; the PostgreSQL protocol is `verify.probe`'s, which lies beside this file in the pod.
"""

import contextlib
import json
import pathlib
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

HERE = pathlib.Path(__file__).resolve().parent
CONNECT_SECONDS = 10
COLUMNS = "database_name, parent_schema_name, object_name, object_type, backup_type, end_time, rows"


class Session(Protocol):
    """One SQL session, as `probe.wire.Session` is."""

    def query(self, statement: str) -> list[list[str]]:
        """Rows as lists of text. Raises Exception with the server's words."""
        ...


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


def drill(session: Session, uri: str, databases: list[str], run: str) -> dict[str, Any]:
    """{backups, databases}, or {error} where the backup can't be read at all."""
    try:
        rows = session.query(f"SELECT {COLUMNS} FROM [SHOW BACKUP FROM LATEST IN {literal(uri)}]")  # noqa: S608
    except Exception as error:
        return {"error": f"the newest backup can't be read: {error}"}
    layers = {row[5]: row[4] for row in rows}
    backups = [{"kind": layers[end], "end": end} for end in sorted(layers)]
    return {"backups": backups, "databases": [_database(session, uri, name, run, rows, backups) for name in databases]}


def _database(
    session: Session, uri: str, name: str, run: str, rows: list[list[str]], backups: list[dict[str, str]]
) -> dict[str, Any]:
    restored = f"drill_{name}_{run}"
    result: dict[str, Any] = {"name": name, "restoredAs": restored, "error": None, "dropped": False, "tables": []}
    started = time.monotonic()
    end = backups[-1]["end"]
    try:
        session.query(
            f"RESTORE DATABASE {identifier(name)} FROM LATEST IN {literal(uri)} "
            f"WITH OPTIONS (new_db_name = {literal(restored)})"
        )
        result["seconds"] = round(time.monotonic() - started, 2)
        # What the backup says of itself is a table's rows only where nothing was laid over them.
        stated = {
            (row[1], row[2]): int(row[6])
            for row in rows
            if row[0] == name and row[3] == "table" and row[5] == end and len(backups) == 1
        }
        listed = {(row[1], row[2]) for row in rows if row[0] == name and row[3] == "table" and row[5] == end}
        result["tables"] = [
            _table(session, name, restored, schema, table, end, stated.get((schema, table)))
            for schema, table in sorted(listed)
        ]
    except Exception as error:
        result["error"] = str(error)
    finally:
        try:
            session.query(f"DROP DATABASE IF EXISTS {identifier(restored)} CASCADE")
            result["dropped"] = True
        except Exception as error:
            result["dropError"] = str(error)
    return result


def _table(
    session: Session, name: str, restored: str, schema: str, table: str, end: str, stated: int | None
) -> dict[str, Any]:
    """Rows that came back, that were there at the backup's time (None: no longer to be known), that it speaks of.

    `differs`: indexes whose contents are others than then; None where that can't be known.
    """
    where = f"{identifier(schema)}.{identifier(table)}"
    copy, original = f"{identifier(restored)}.{where}", f"{identifier(name)}.{where}"
    at = f" AS OF SYSTEM TIME {literal(end)}"
    found: dict[str, Any] = {
        "table": f"{schema}.{table}",
        "restored": _count(session, copy),
        "then": None,
        "stated": stated,
        "differs": None,
    }
    was = None
    with contextlib.suppress(Exception):
        found["then"] = _count(session, original + at)
        was = _fingerprints(session, original, at)
    if was is not None:
        came_back = _fingerprints(session, copy)  # a copy that can't be read has not come back
        found["differs"] = sorted(index for index in {*was, *came_back} if was.get(index) != came_back.get(index))
    return found


# What is put into these is quoted by the callers.


def _count(session: Session, table: str) -> int:
    return int(session.query(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608


def _fingerprints(session: Session, table: str, at: str = "") -> dict[str, str]:
    """Index -> fingerprint of all that is in it. Reads the whole table."""
    shown = f"[SHOW EXPERIMENTAL_FINGERPRINTS FROM TABLE {table}]"
    return {row[0]: row[1] for row in session.query(f"SELECT index_name, fingerprint FROM {shown}{at}")}  # noqa: S608


@contextlib.contextmanager
def connected(given: dict[str, Any]) -> Iterator[Session]:
    """A session of the pod's SQL user. Raises OSError or `SqlError`."""
    from probe import wire  # pyright: ignore[reportMissingImports]  # beside this file, in the pod

    credentials = given["credentials"]
    context = wire.client_context(credentials["ca"], credentials["certificate"], credentials["key"])
    with socket.create_connection((given["host"], given["port"]), timeout=CONNECT_SECONDS) as sock:
        sock.sendall(wire.SSL_REQUEST)
        if sock.recv(1) != b"S":
            raise OSError("the node takes no TLS")
        with context.wrap_socket(sock, server_hostname=given["host"]) as tls:
            session = wire.Session(tls, credentials["user"])
            # A restore takes as long as it takes; the pod's own deadline ends it.
            tls.settimeout(None)
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            yield session


def main() -> None:
    """The report is the one line on stdout."""
    given = json.loads((HERE / "input.json").read_text())
    try:
        with connected(given) as session:
            report = drill(session, given["uri"], given["databases"], given["run"])
    except Exception as error:
        report = {"error": f"no session with {given['host']}:{given['port']}: {error}"}
    sys.stdout.write(
        json.dumps({"run": given["run"], "version": given["version"], **report}, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()
