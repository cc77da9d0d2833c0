"""What counts as spoken in the clear, by the first bytes of a connection as they are on the wire."""

from __future__ import annotations

import socket
import struct

import pytest

from tests.lab.wire import ACK, SSL_REQUEST, SYN, Flow, flows

HELLO, ANSWER = bytes.fromhex("1603010200010001"), bytes.fromhex("160303007a020000")
ALERT = bytes.fromhex("15030300020228")
STARTUP = struct.pack("!II", 21, 196608) + b"user\0app\0\0"
CLIENT, SERVER = ("10.1.128.3", 40000), ("10.2.128.4", 26257)


def packet(source: tuple[str, int], target: tuple[str, int], sequence: int, flags: int, payload: bytes = b"") -> bytes:
    """IPv4 and TCP, with an option in the latter."""
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    header = struct.pack("!BBHHHBBH", 0x45, 0, 44 + len(payload), 0, 0, 64, 6, 0)
    segment = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, 0, 6 << 4, flags, 1024, 0, 0)
    return header + addresses + segment + b"\x02\x04\x05\xb4" + payload


def talk(asked: list[bytes], said: list[bytes], start: int = 2**32 - 3) -> list[bytes]:
    """A connection, numbers that overflow included."""
    packets = [packet(CLIENT, SERVER, start, SYN), packet(SERVER, CLIENT, 70, SYN | ACK)]
    for source, target, number, texts in ((CLIENT, SERVER, start + 1, asked), (SERVER, CLIENT, 71, said)):
        for text in texts:
            packets.append(packet(source, target, number % 2**32, ACK, text))
            number += len(text)
    return packets


def heard(packets: list[bytes]) -> Flow:
    (flow,) = flows(packets, [26257])
    return flow


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([HELLO], [ANSWER]),
        ([SSL_REQUEST, HELLO], [b"S", ANSWER]),
        ([HELLO], [ALERT]),
        ([HELLO], []),
        ([SSL_REQUEST], []),
    ],
)
def test_tls_is_secret(asked: list[bytes], said: list[bytes]) -> None:
    flow = heard(talk(asked, said))
    assert flow.secret
    assert not flow.silent
    assert (flow.client, flow.server, flow.port) == (CLIENT[0], *SERVER)
    assert (flow.asked, flow.said) == (b"".join(asked)[:16], b"".join(said)[:16])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([b"GET /health HTTP/1.1\r\n"], [b"HTTP/1.1 200 OK\r\n"]),
        ([b"GET /health HTTP/1.1\r\n"], []),
        ([b"G", b"ET /"], []),
        ([STARTUP], [b"E"]),
        ([SSL_REQUEST, STARTUP], [b"N"]),
        ([SSL_REQUEST], [b"N"]),
        ([SSL_REQUEST, STARTUP], [b"S"]),
        ([HELLO], [b"HTTP/1.1 400 Bad Request\r\n"]),
        ([b"PRI * HTTP/2.0\r\n"], []),
        ([], [b"220 ready\r\n"]),
    ],
)
def test_anything_else_is_not(asked: list[bytes], said: list[bytes]) -> None:
    assert not heard(talk(asked, said)).secret


def test_a_connection_without_a_word_is_silent() -> None:
    flow = heard(talk([], []))
    assert flow.silent
    assert flow.secret


def test_packets_that_come_twice_or_late_are_put_in_their_places() -> None:
    opened, answered, request, hello = talk([SSL_REQUEST, HELLO], [])
    flow = heard([opened, opened, answered, hello, request, request])
    assert flow.asked == SSL_REQUEST + HELLO


def test_a_port_that_is_used_again_is_another_connection() -> None:
    first, second = flows(talk([HELLO], [ANSWER]) + talk([STARTUP], [b"E"], start=9), [26257])
    assert (first.secret, second.secret) == (True, False)


def test_what_began_before_and_what_goes_elsewhere_is_nobodys() -> None:
    packets = talk([b"GET /"], [])
    assert flows(packets[2:], [26257]) == []
    assert flows(packets, [8080]) == []
    udp = bytearray(packets[0])
    udp[9] = 17
    assert flows([bytes(udp)], [26257]) == []
