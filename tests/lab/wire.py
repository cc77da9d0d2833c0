"""What goes over the lab's wires: every TCP connection to the database's ports, by its first bytes.

`python -m tests.lab.wire PORT…` reads all packets that enter or leave the network namespace it is started in (root's to
do), until its input ends, and prints the connections that began meanwhile.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count, takewhile

from lab.paths import PROJECT, LabPaths

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's wish for TLS, which the server answers with `S`."""
RECORDS = (b"\x16\x03", b"\x15\x03")
"""How TLS begins, on either side: a handshake, or the refusal of one."""
FIRST = 24
"""Bytes of each side that are kept: of TLS as far as into its random ones, which begin at the twelfth."""
SIDES = ("asked", "said")

SYN, ACK = 0x02, 0x10
IPV4, TCP, TTL = 0x0800, 6, 64
EVERY_PROTOCOL = 0x0003
"""`ETH_P_ALL`: with any other, what leaves is not shown."""
RECEIVE_BUFFER_FORCE, PACKET, PACKET_STATISTICS = 33, 263, 6
"""`SO_RCVBUFFORCE`, `SOL_PACKET` and `PACKET_STATISTICS` of Linux's headers."""

Place = tuple[str, int]
"""Address and port."""


@dataclass(frozen=True)
class Flow:
    """One connection, as it is at one place: who called whom, and what each said first."""

    client: str
    client_port: int
    server: str
    port: int
    start: int
    """The client's first sequence number: the same wherever one connection is seen, unlike addresses and ports."""
    ttl: int
    """The lowest of the client's first packet."""
    asked: bytes
    said: bytes

    @property
    def silent(self) -> bool:
        return not self.asked and not self.said

    @property
    def secret(self) -> bool:
        """Whether both sides spoke TLS, as far as they spoke; after PostgreSQL's question for it, if that was asked."""
        asked, said = self.asked, self.said
        if asked.startswith(SSL_REQUEST):
            if said[:1] not in (b"", b"S"):
                return False
            asked, said = asked.removeprefix(SSL_REQUEST), said[1:]
        return all(not words or words.startswith(RECORDS) for words in (asked, said))


@dataclass
class _Side:
    """One direction's first bytes, in their places, whatever order packets come in."""

    start: int = 0
    """Sequence number of the first one."""
    ttl: int = TTL
    """The lowest of the packet before it."""
    at: dict[int, int] = field(default_factory=dict[int, int])

    def put(self, sequence: int, payload: bytes) -> None:
        place = (sequence - self.start) % 2**32
        for offset, byte in enumerate(payload[: max(0, FIRST - place)]):
            self.at.setdefault(place + offset, byte)

    @property
    def words(self) -> bytes:
        return bytes(self.at[n] for n in takewhile(self.at.__contains__, count()))


def flows(packets: Iterable[bytes], ports: Sequence[int]) -> list[Flow]:
    """The connections to these ports whose beginning is among the packets (IPv4, from its header on)."""
    sides: dict[tuple[Place, Place], _Side] = {}
    found: list[tuple[Place, Place, _Side, _Side]] = []
    for packet in packets:
        size = (packet[0] & 15) * 4
        if packet[9] != TCP or len(packet) < size + 20:
            continue
        source_port, target_port, sequence, _, words, flags = struct.unpack_from("!HHIIBB", packet, size)
        source = (socket.inet_ntoa(packet[12:16]), source_port)
        target = (socket.inet_ntoa(packet[16:20]), target_port)
        begins = flags & (SYN | ACK) == SYN and target_port in ports
        known = sides.get((source, target))
        if begins and (known is None or known.start != sequence + 1):
            ways = (_Side(sequence + 1, packet[8]), _Side())
            sides[source, target], sides[target, source] = ways
            found.append((source, target, *ways))
        elif known and flags & SYN:
            known.start, known.ttl = sequence + 1, min(known.ttl, packet[8])
        elif known:
            length = struct.unpack_from("!H", packet, 2)[0] or len(packet)
            known.put(sequence, packet[size + (words >> 4) * 4 : length])
    return [
        Flow(*client, *server, one.start - 1, one.ttl, one.words, other.words) for client, server, one, other in found
    ]


@dataclass(frozen=True)
class Way:
    """How a connection gets where it goes."""

    connections: int
    """TCP connections that carry it, one after the other: whoever ends one and makes another hears and knows both."""
    rewritten: int
    """How often addresses or ports in its packets are made others."""
    routers: int
    """Hosts and routers that forward its packets."""


def ways(seen: Iterable[Flow], server: str, port: int) -> set[Way]:
    """Of all connections made to the place, by flows from wherever their packets come through, where they begin first.

    What belongs together is known by the client's first bytes, which have to be TLS: random ones are among them.
    """
    alike: dict[bytes, list[Flow]] = {}
    for flow in seen:
        if flow.asked.startswith(RECORDS) and len(flow.asked) == FIRST:
            alike.setdefault(flow.asked, []).append(flow)
    return {_way(flows) for flows in alike.values() if (flows[0].server, flows[0].port) == (server, port)}


def _way(flows: Sequence[Flow]) -> Way:
    starts = {flow.start for flow in flows}
    seen_as = {(flow.start, flow.client, flow.client_port, flow.server, flow.port) for flow in flows}
    least = [min(flow.ttl for flow in flows if flow.start == start) for start in starts]
    return Way(len(starts), len(seen_as) - len(starts), sum(TTL - ttl for ttl in least))


@contextmanager
def read(paths: LabPaths, ports: Sequence[int], places: Iterable[str]) -> Iterator[Mapping[str, Sequence[Flow]]]:
    """What passes meanwhile at each place, `core` (between all regions) or a host; the mapping has it afterwards."""
    readers = {place: _reader(paths, ports, place) for place in places}
    heard: dict[str, list[Flow]] = {}
    printed: dict[str, str] = {}
    try:
        for place, reader in readers.items():
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n", place
        yield heard
    finally:
        for place, reader in readers.items():
            printed[place], _ = reader.communicate(timeout=60)
    for place, reader in readers.items():
        assert reader.returncode == 0, f"packets were lost at {place}"
        told = [json.loads(line) for line in printed[place].splitlines()]
        heard[place] = [Flow(**{**flow, **{side: bytes.fromhex(flow[side]) for side in SIDES}}) for flow in told]


def _reader(paths: LabPaths, ports: Sequence[int], place: str) -> subprocess.Popen[str]:
    inside = [sys.executable, "-m", "lab", "exec", "--name", paths.name, place, "--", sys.executable]
    words = [*inside, "-m", "tests.lab.wire", *map(str, ports)]
    return subprocess.Popen(words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def main(ports: Sequence[int]) -> int:
    """Read until standard input ends. 1: the kernel had packets that were not read in time."""
    packets: list[bytes] = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERY_PROTOCOL)) as link:
        link.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 26)
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        while sys.stdin not in (ready := select.select([link, sys.stdin], [], [])[0]):
            if link in ready:
                packet, (_, protocol, *_) = link.recvfrom(20 + 60 + FIRST)
                packets += [packet] if protocol == IPV4 else []
        lost = struct.unpack("II", link.getsockopt(PACKET, PACKET_STATISTICS, 8))[1]
    for flow in flows(packets, ports):
        told = asdict(flow) | {side: getattr(flow, side).hex() for side in SIDES}
        sys.stdout.write(json.dumps(told) + "\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))
