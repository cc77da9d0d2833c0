"""What counts as spoken in the clear, by the first bytes of a connection as they are on the wire."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace

import pytest

from tests.lab.wire import ACK, FIRST, SSL_REQUEST, SYN, Flow, Way, flows, ways

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
    assert (flow.asked, flow.said) == (b"".join(asked)[:FIRST], b"".join(said)[:FIRST])


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


GREETING = HELLO[:5] + bytes(range(FIRST))
AT_ALPHA = Flow("10.2.128.4", 40000, "10.1.16.10", 26300, 7, 62, GREETING[:FIRST], b"")


def test_one_connection_by_routers_is_known_wherever_it_is_seen() -> None:
    seen = [replace(AT_ALPHA, ttl=ttl) for ttl in (64, 63, 62, 62)]
    assert ways(seen, "10.1.16.10", 26300) == {Way(connections=1, rewritten=0, routers=2)}


def test_what_a_balancer_and_a_masquerade_rewrite_is_one_connection_still() -> None:
    masked = replace(AT_ALPHA, client="10.2.0.10", client_port=1024)
    seen = [AT_ALPHA, masked, replace(masked, server="10.1.128.3", port=26257, ttl=59)]
    assert ways(seen, "10.1.16.10", 26300) == {Way(connections=1, rewritten=2, routers=5)}


def test_a_proxy_makes_a_connection_of_its_own() -> None:
    onward = replace(AT_ALPHA, client="10.1.0.10", server="10.1.128.3", port=26257, start=99, ttl=63)
    assert ways([AT_ALPHA, onward], "10.1.16.10", 26300) == {Way(connections=2, rewritten=0, routers=3)}


def test_what_was_sent_elsewhere_and_came_here_by_a_balancer_is_not_counted() -> None:
    here = replace(AT_ALPHA, server="10.1.128.3", port=26257, ttl=60)
    assert ways([AT_ALPHA, here], "10.1.128.3", 26257) == set()


def test_others_connections_and_those_that_say_nothing_of_themselves_are_left_out() -> None:
    other = replace(AT_ALPHA, asked=HELLO[:5] + bytes(FIRST - 5), start=99)
    short, plain = (replace(AT_ALPHA, asked=words, start=5) for words in (HELLO, b"GET /health HTTP/1.1 ..."))
    elsewhere = replace(AT_ALPHA, server="10.1.16.11")
    assert ways([short, plain], "10.1.16.10", 26300) == set()
    assert ways([elsewhere, short], "10.1.16.10", 26300) == set()
    assert ways([AT_ALPHA, other, short, plain], "10.1.16.10", 26300) == {Way(1, 0, 2)}


def test_the_lowest_ttl_of_the_first_packet_counts() -> None:
    opened, *rest = talk([GREETING], [])
    nearer = bytearray(opened)
    nearer[8] = 61
    (flow,) = flows([opened, bytes(nearer), *rest], [26257])
    assert (flow.ttl, flow.start, flow.client_port) == (61, 2**32 - 3, CLIENT[1])
