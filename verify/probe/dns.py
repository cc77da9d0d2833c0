"""A DNS client small enough to read: one question, one server, one transport, no cache, no search list.

The system resolver hides which server answered, over which transport and from which cache; a dead forward can hide
behind any of the three. So the probe builds the packets itself (RFC 1035, with an EDNS0 size of RFC 6891).
"""

import secrets
import socket
import struct
import time
from typing import Any

A = 1
SOA = 6
OPT = 41
IN = 1
EDNS_UDP_SIZE = 1232
"""Bytes: fits every path's MTU unfragmented (the DNS flag day 2020 recommendation)."""
PRIVATE_TYPES = range(65280, 65535)
"""Query types for private use (RFC 6895): a cache is keyed by type, so a random one has never been asked before."""

RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


class MalformedError(ValueError):
    """The bytes are no answer to the question that was asked."""


def private_type() -> int:
    """A query type no cache has seen: a server that has the name answers NOERROR without records."""
    return PRIVATE_TYPES.start + secrets.randbelow(len(PRIVATE_TYPES))


def encode_name(name: str) -> bytes:
    """`a.b` as length-prefixed labels. Raises ValueError for a label that DNS cannot carry."""
    encoded = b""
    for label in name.rstrip(".").split("."):
        raw = label.encode("ascii")
        if not 0 < len(raw) < 64:
            raise ValueError(f"{name!r} has a label of {len(raw)} bytes; 1 to 63 fit")
        encoded += bytes([len(raw)]) + raw
    return encoded + b"\0"


def build_query(identifier: int, name: str, qtype: int) -> bytes:
    """One recursive question with an EDNS0 record that admits `EDNS_UDP_SIZE` bytes."""
    header = struct.pack("!HHHHHH", identifier, 0x0100, 1, 0, 0, 1)
    question = encode_name(name) + struct.pack("!HH", qtype, IN)
    edns = b"\0" + struct.pack("!HHIH", OPT, EDNS_UDP_SIZE, 0, 0)
    return header + question + edns


def read_name(message: bytes, offset: int) -> tuple[str, int]:
    """(lower-case name, offset after it), following compression pointers backwards only. Raises MalformedError."""
    labels: list[str] = []
    end = None
    limit = offset
    while True:
        if offset >= len(message):
            raise MalformedError("a name runs past the end")
        length = message[offset]
        if length & 0xC0 == 0xC0:
            if offset + 1 >= len(message):
                raise MalformedError("a pointer runs past the end")
            pointer = (length & 0x3F) << 8 | message[offset + 1]
            if pointer >= limit:
                raise MalformedError("a pointer does not point backwards")
            end = offset + 2 if end is None else end
            offset = limit = pointer
            continue
        if length & 0xC0:
            raise MalformedError("a label of unknown kind")
        offset += 1
        if length == 0:
            return ".".join(labels), offset if end is None else end
        labels.append(message[offset : offset + length].decode("ascii", "replace").lower())
        offset += length


def parse_response(message: bytes, identifier: int, name: str, qtype: int) -> dict[str, Any]:
    """{rcode, truncated, authoritative, addresses, soa}. Raises MalformedError where it answers something else."""
    if len(message) < 12:
        raise MalformedError(f"{len(message)} bytes are no DNS message")
    found, flags, questions, answers, authorities, _ = struct.unpack("!HHHHHH", message[:12])
    if found != identifier or not flags & 0x8000:
        raise MalformedError("not an answer to this query")
    offset = 12
    for _ in range(questions):
        asked, offset = read_name(message, offset)
        if (asked, struct.unpack_from("!H", message, offset)[0]) != (name.rstrip(".").lower(), qtype):
            raise MalformedError(f"answers a question about {asked}")
        offset += 4
    addresses, soa = [], None
    try:
        for section in range(answers + authorities):
            owner, offset = read_name(message, offset)
            rtype, _, _, size = struct.unpack_from("!HHIH", message, offset)
            offset += 10
            if section < answers and rtype == A and size == 4:
                addresses.append(socket.inet_ntoa(message[offset : offset + 4]))
            elif section >= answers and rtype == SOA:
                soa = owner
            offset += size
    except struct.error as error:
        raise MalformedError("a record runs past the end") from error
    rcode = flags & 0xF
    return {
        "rcode": RCODES.get(rcode, f"RCODE{rcode}"),
        "truncated": bool(flags & 0x0200),
        "authoritative": bool(flags & 0x0400),
        "addresses": sorted(addresses),
        "soa": soa,
    }


def ask(
    server: str,
    name: str,
    qtype: int = A,
    transport: str = "udp",
    timeout: float = 1.5,
    attempts: int = 2,
    port: int = 53,
) -> dict[str, Any]:
    """Ask `server` once per attempt until it answers; a truncated UDP answer is asked again over TCP.

    `timeout` is in seconds per attempt. Never raises: {status, ms, attempts} plus `parse_response`'s fields when
    status is "answered"; otherwise status is "timeout", "refused", "unreachable" or "malformed", with `error`.
    """
    result: dict[str, Any] = {"status": "timeout", "error": "no attempt was made"}
    for attempt in range(1, attempts + 1):
        started = time.monotonic()
        try:
            answer = (_ask_udp if transport == "udp" else _ask_tcp)(server, port, name, qtype, timeout)
            result = {"status": "answered", **answer}
        except OSError as error:
            result = {"status": failure(error), "error": str(error) or type(error).__name__}
        except MalformedError as error:
            result = {"status": "malformed", "error": str(error)}
        result["ms"] = round((time.monotonic() - started) * 1000, 2)
        result["attempts"] = attempt
        if result["status"] == "answered":
            if transport == "udp" and result["truncated"]:
                again = ask(server, name, qtype, "tcp", timeout, 1, port)
                return {**again, "truncated": True, "attempts": attempt}
            return result
    return result


def failure(error: OSError) -> str:
    """One word for why a socket failed: timeout, refused, unreachable, reset or the error's own name."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "reset"
    return "unreachable" if error.errno in (101, 113) else "error"


def _ask_udp(server: str, port: int, name: str, qtype: int, timeout: float) -> dict[str, Any]:
    identifier = secrets.randbelow(65536)
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server, port))
        sock.send(build_query(identifier, name, qtype))
        while True:
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                return parse_response(sock.recv(65535), identifier, name, qtype)
            except MalformedError:
                if time.monotonic() >= deadline:
                    raise


def _ask_tcp(server: str, port: int, name: str, qtype: int, timeout: float) -> dict[str, Any]:
    identifier = secrets.randbelow(65536)
    query = build_query(identifier, name, qtype)
    with socket.create_connection((server, port), timeout=timeout) as sock:
        sock.sendall(struct.pack("!H", len(query)) + query)
        size = struct.unpack("!H", _exactly(sock, 2))[0]
        return parse_response(_exactly(sock, size), identifier, name, qtype)


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        if not chunk:
            raise MalformedError(f"the connection closed after {len(data)} of {size} bytes")
        data += chunk
    return data
