"""What goes over the wires between regions: every TCP connection to the database's ports, by its first bytes.

`python -m tests.lab.wire PORT…` reads all packets that enter the network namespace it is started in (root's to do),
until its input ends, and prints the connections that began meanwhile.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, takewhile

from lab.paths import PROJECT, LabPaths

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's wish for TLS, which the server answers with `S`."""
RECORDS = (b"\x16\x03", b"\x15\x03")
"""How TLS begins, on either side: a handshake, or the refusal of one."""
FIRST = 16
"""Bytes of each side that are kept."""

SYN, ACK = 0x02, 0x10
IPV4, TCP = 0x0800, 6
RECEIVE_BUFFER_FORCE, PACKET, PACKET_STATISTICS = 33, 263, 6
"""`SO_RCVBUFFORCE`, `SOL_PACKET` and `PACKET_STATISTICS` of Linux's headers."""

Place = tuple[str, int]
"""Address and port."""


@dataclass(frozen=True)
class Flow:
    """One connection: who called whom, and what each said first."""

    client: str
    server: str
    port: int
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
            ways = (_Side(sequence + 1), _Side())
            sides[source, target], sides[target, source] = ways
            found.append((source, target, *ways))
        elif known and flags & SYN:
            known.start = sequence + 1
        elif known:
            length = struct.unpack_from("!H", packet, 2)[0] or len(packet)
            known.put(sequence, packet[size + (words >> 4) * 4 : length])
    return [Flow(client[0], *server, one.words, other.words) for client, server, one, other in found]


@contextmanager
def read(paths: LabPaths, ports: Sequence[int]) -> Iterator[list[Flow]]:
    """What passes between all regions meanwhile; the list has it afterwards."""
    inside = [sys.executable, "-m", "lab", "exec", "--name", paths.name, "core", "--", sys.executable]
    words = [*inside, "-m", "tests.lab.wire", *map(str, ports)]
    reader = subprocess.Popen(words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    heard: list[Flow] = []
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        yield heard
    finally:
        printed, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0, "packets were lost"
    for client, server, port, asked, said in json.loads(printed):
        heard.append(Flow(client, server, port, bytes.fromhex(asked), bytes.fromhex(said)))


def main(ports: Sequence[int]) -> int:
    """Read until standard input ends. 1: the kernel had packets that were not read in time."""
    packets: list[bytes] = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4)) as link:
        link.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 26)
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        while sys.stdin not in (ready := select.select([link, sys.stdin], [], [])[0]):
            if link in ready:
                packets.append(link.recv(20 + 60 + FIRST))
        lost = struct.unpack("II", link.getsockopt(PACKET, PACKET_STATISTICS, 8))[1]
    told = [[one.client, one.server, one.port, one.asked.hex(), one.said.hex()] for one in flows(packets, ports)]
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))
