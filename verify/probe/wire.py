"""One CockroachDB node, asked as a client would: connect, TLS for its name, log in, two questions; and its readiness.

The PostgreSQL protocol is spoken here in the little that verification needs, so that a probe pod needs one image, no
second copy of the database's binary, and learns from one connection whether the route, the certificate and the
cluster behind it are right.
"""

import contextlib
import http.client
import socket
import ssl
import struct
import threading
import time
from typing import Any

from .dns import failure

SSL_REQUEST = struct.pack("!II", 8, 80877103)
PROTOCOL_3 = 196608

EXCHANGES = threading.BoundedSemaphore(4)
"""How many connections go on to TLS and questions at a time: those take the CPU of both ends, and a probe that asks
everybody at once measures how long it keeps them from answering. To wait for the dead takes none."""

TLS_FAULTS = {10: "expired", 9: "not-yet-valid", 62: "wrong-name", 64: "wrong-name"}
"""OpenSSL verify codes. 18 to 21 and 2 all mean: not signed by the expected authority."""


class SqlError(Exception):
    """The server refused a statement or the login."""


def client_context(ca: str, certificate: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """Verifies chain and name against `ca` alone, as a CockroachDB node would, and presents a client certificate.

    Python 3.13 adds RFC 5280 strictness that Go's verifier, and so every node, does without: a probe that refused what
    the nodes accept would report a fault nobody has.
    """
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def check_node(
    name: str,
    address: str,
    port: int,
    credentials: dict[str, str],
    members: bool = False,
    timeout: float = 3.0,
) -> dict[str, Any]:
    """Everything one connection to a node's SQL port shows. Never raises.

    `credentials`: {ca, certificate, key, user}. Returns {connect, tls, sql}, each {status, …}; a step that an
    earlier one made impossible is None. With `members`, sql also carries the node's own view of the cluster.
    """
    result: dict[str, Any] = {"connect": None, "tls": None, "sql": None}
    started = time.monotonic()
    try:
        sock = socket.create_connection((address, port), timeout=timeout)
    except OSError as error:
        result["connect"] = _failed(error, started)
        return result
    result["connect"] = {"status": "ok", "ms": _since(started)}
    with contextlib.closing(sock), EXCHANGES:
        started = time.monotonic()
        try:
            sock.sendall(SSL_REQUEST)
            if sock.recv(1) != b"S":
                result["tls"] = {"status": "refused", "error": "the server answers SSLRequest without TLS"}
                return result
            context = client_context(credentials["ca"], credentials.get("certificate"), credentials.get("key"))
            tls = context.wrap_socket(sock, server_hostname=name)
        except (OSError, ValueError) as error:
            result["tls"] = tls_failure(error, started)
            return result
        with contextlib.closing(tls):
            result["tls"] = {"status": "ok", "ms": _since(started), "daysLeft": days_left(tls)}
            result["sql"] = _ask_cluster(tls, credentials["user"], members)
    return result


def check_ready(name: str, address: str, port: int, ca: str, timeout: float = 3.0) -> dict[str, Any]:
    """GET /health?ready=1 over verified HTTPS: {status: "ok" | "not-ready" | a failure, code, ms}. Never raises."""
    started = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=timeout) as sock, EXCHANGES:
            tls = client_context(ca).wrap_socket(sock, server_hostname=name)
            with contextlib.closing(tls):
                tls.sendall(
                    f"GET /health?ready=1 HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode()
                )
                response = http.client.HTTPResponse(tls)
                response.begin()
                code = response.status
    except (OSError, ValueError, http.client.HTTPException) as error:
        return tls_failure(error, started)
    return {"status": "ok" if code == 200 else "not-ready", "code": code, "ms": _since(started)}


def tls_failure(error: Exception, started: float) -> dict[str, Any]:
    """{status, error, ms}: a verification failure by kind, or the socket's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        status = TLS_FAULTS.get(error.verify_code, "wrong-authority")
        return {"status": status, "error": error.verify_message, "ms": _since(started)}
    if isinstance(error, FileNotFoundError):
        return {"status": "no-credentials", "error": str(error), "ms": _since(started)}
    if isinstance(error, ssl.SSLError):
        return {"status": "handshake", "error": error.reason or str(error), "ms": _since(started)}
    if isinstance(error, OSError):
        return _failed(error, started)
    return {"status": "error", "error": str(error) or type(error).__name__, "ms": _since(started)}


def days_left(tls: ssl.SSLSocket) -> float:
    """Days until the verified peer certificate expires."""
    return round((ssl.cert_time_to_seconds(str((tls.getpeercert() or {})["notAfter"])) - time.time()) / 86400, 2)


def _ask_cluster(tls: ssl.SSLSocket, user: str, members: bool) -> dict[str, Any]:
    started = time.monotonic()
    try:
        session = Session(tls, user)
        with contextlib.suppress(SqlError):
            session.query("SET allow_unsafe_internals = on")
        answer: dict[str, Any] = {"clusterId": session.query("SELECT crdb_internal.cluster_id()")[0][0]}
        if members:
            nodes = session.query(
                "SELECT node_id, address, locality, is_live FROM crdb_internal.gossip_nodes ORDER BY node_id"
            )
            states = session.query(
                "SELECT node_id, draining, membership FROM crdb_internal.gossip_liveness ORDER BY node_id"
            )
            answer["members"] = join_members(nodes, states)
        return {"status": "ok", "ms": _since(started), **answer}
    except SqlError as error:
        return {"status": "refused", "error": str(error), "ms": _since(started)}
    except OSError as error:
        return _failed(error, started)
    except (ValueError, IndexError, struct.error) as error:
        return {"status": "malformed", "error": str(error), "ms": _since(started)}


def join_members(nodes: list[list[str]], states: list[list[str]]) -> list[dict[str, Any]]:
    """Rows of gossip_nodes and gossip_liveness as [{id, address, locality, live, draining, membership}], by id."""
    state = {row[0]: row for row in states}
    return [
        {
            "id": int(node),
            "address": address,
            "locality": locality,
            "live": live in ("t", "true"),
            "draining": state.get(node, (node, "f", ""))[1] in ("t", "true"),
            "membership": state.get(node, (node, "f", "unknown"))[2],
        }
        for node, address, locality, live in nodes
    ]


class Session:
    """A logged-in PostgreSQL session on a TLS socket, by client certificate, simple queries only."""

    def __init__(self, sock: socket.socket, user: str, database: str = "defaultdb") -> None:
        self._stream = sock.makefile("rb")
        self._sock = sock
        body = struct.pack("!I", PROTOCOL_3)
        for word in ("user", user, "database", database, "application_name", "$ cockroachdb-multiregion verify", ""):
            body += word.encode() + b"\0"
        sock.sendall(struct.pack("!I", len(body) + 4) + body)
        for kind, payload in self._until_ready():
            if kind == b"R" and struct.unpack("!I", payload[:4])[0] != 0:
                raise SqlError("the server wants a password: the client certificate was not accepted for this user")

    def query(self, statement: str) -> list[list[str]]:
        """Rows as lists of text, NULL as empty. Raises SqlError with the server's words, OSError, ValueError."""
        body = statement.encode() + b"\0"
        self._sock.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        return [_row(payload) for kind, payload in self._until_ready() if kind == b"D"]

    def _until_ready(self) -> list[tuple[bytes, bytes]]:
        messages: list[tuple[bytes, bytes]] = []
        refused: SqlError | None = None
        while True:
            head = self._stream.read(5)
            if len(head) < 5:
                raise refused or ConnectionResetError("the server closed the session")
            kind, size = head[:1], struct.unpack("!I", head[1:])[0]
            payload = self._stream.read(size - 4)
            if kind == b"E":
                refused = SqlError(_error_text(payload))
            elif kind == b"Z":
                if refused:
                    raise refused
                return messages
            else:
                messages.append((kind, payload))
                if kind == b"R" and struct.unpack("!I", payload[:4])[0] != 0:
                    return messages


def _row(payload: bytes) -> list[str]:
    count, offset = struct.unpack("!H", payload[:2])[0], 2
    values: list[str] = []
    for _ in range(count):
        size = struct.unpack_from("!i", payload, offset)[0]
        offset += 4
        values.append("" if size < 0 else payload[offset : offset + size].decode())
        offset += max(size, 0)
    return values


def _error_text(payload: bytes) -> str:
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in payload.split(b"\0") if part}
    return f"{fields.get(b'M', 'no message')} ({fields.get(b'C', '?')})"


def _failed(error: OSError, started: float) -> dict[str, Any]:
    return {"status": failure(error), "error": str(error) or type(error).__name__, "ms": _since(started)}


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 2)
