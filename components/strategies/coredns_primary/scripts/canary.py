"""Asks new DNS servers, before anybody depends on them, what the cluster will ask them.

Environment: SERVER, their address; INSIDE, names that they must know, separated by commas; OUTSIDE, names of which they
must know what the servers in /etc/resolv.conf know; DEADLINE_SECONDS.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from waiting import Deadline, NotYetError, run, say

PORT = 53
ASK_SECONDS = 3.0
ROUNDS = 4
"""Questions about each name over each transport: several servers are behind one address, chosen anew by each."""
A = 1
TRANSPORTS = ("udp", "tcp")


def question(identifier: int, name: str) -> bytes:
    """One recursive question for a name's addresses (RFC 1035)."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split("."))
    return struct.pack("!HHHHHH", identifier, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", A, 1)


def outcome(message: bytes, identifier: int) -> tuple[int, int]:
    """(response code, number of records in the answer). Raises OSError where it is no answer to this question."""
    if len(message) < 12:
        raise OSError(f"{len(message)} bytes are no DNS message")
    found, flags, _, answers, _, _ = struct.unpack("!HHHHHH", message[:12])
    if found != identifier or not flags & 0x8000:
        raise OSError("not an answer to this question")
    return flags & 0xF, answers


def ask(server: str, name: str, transport: str, port: int = PORT) -> tuple[int, int]:
    """One question to one server. Raises OSError where none or no right answer comes."""
    identifier = secrets.randbelow(1 << 16)
    query = question(identifier, name)
    if transport == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(ASK_SECONDS)
            link.connect((server, port))
            link.send(query)
            return outcome(link.recv(65535), identifier)
    with socket.create_connection((server, port), ASK_SECONDS) as link:
        link.sendall(struct.pack("!H", len(query)) + query)
        with link.makefile("rb") as answers:
            size = struct.unpack("!H", _exactly(answers.read(2), 2))[0]
            return outcome(_exactly(answers.read(size), size), identifier)


def knows(server: str, name: str, transport: str, port: int = PORT) -> str:
    """Empty where the server has addresses for the name, else what it has instead."""
    try:
        rcode, answers = ask(server, name, transport, port)
    except OSError as error:
        return str(error) or type(error).__name__
    return "" if rcode == 0 and answers else f"response code {rcode}, {answers} records"


def failures(server: str, names: Sequence[str], port: int = PORT) -> Iterator[str]:
    """What the server doesn't know, over which transport. Each name once."""
    for name in names:
        for transport in TRANSPORTS:
            found = {why for _ in range(ROUNDS) if (why := knows(server, name, transport, port))}
            if found:
                yield f"{name} over {transport}: {', '.join(sorted(found))}"
                break


def resolvers(text: str) -> list[str]:
    """The servers that a resolv.conf names."""
    lines = (line.split() for line in text.splitlines())
    return [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]


def known_before(names: Sequence[str], servers: Sequence[str], port: int = PORT) -> list[str]:
    """Those of the names that some of the servers know: no more can be asked of others."""
    return [name for name in names if any(not knows(server, name, "udp", port) for server in servers)]


def look(server: str, names: Sequence[str], port: int = PORT) -> None:
    """Raises NotYetError with everything that the server doesn't know."""
    missing = list(failures(server, names, port))
    if missing:
        raise NotYetError("; ".join(missing))


def listed(text: str) -> list[str]:
    """Names separated by commas."""
    return [name for name in text.split(",") if name]


def main() -> None:
    env = os.environ
    server, inside, outside = env["SERVER"], listed(env["INSIDE"]), listed(env["OUTSIDE"])
    before = known_before(outside, resolvers(Path("/etc/resolv.conf").read_text(encoding="utf-8")))
    for name in outside:
        if name not in before:
            say(f"{name} is known to no DNS server of this cluster now: not asked of the new ones")
    deadline = Deadline(float(env["DEADLINE_SECONDS"]))
    deadline.wait("the new DNS servers know every name", lambda: look(server, [*inside, *before]))
    say(f"the new DNS servers know {', '.join([*inside, *before])}, over UDP and TCP")


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise OSError(f"{len(data)} bytes of {size}")
    return data


if __name__ == "__main__":
    run(main)
