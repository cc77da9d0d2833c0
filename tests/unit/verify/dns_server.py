"""A DNS server on loopback that answers as told: records, made-up names, truncation, silence."""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

from verify.probe import dns


@dataclass
class Zone:
    """What the server knows. `soa` None: no authority section; `rcode` overrides every answer's."""

    records: dict[str, list[str]] = field(default_factory=dict)
    soa: str | None = "cluster.local"
    rcode: int | None = None
    truncate_udp: bool = False
    silent: tuple[str, ...] = ()
    """Transports that get no answer."""
    wrong_id: bool = False


class DnsServer:
    """Serves UDP and TCP on one loopback port until closed; `asked` lists (transport, name, type)."""

    def __init__(self, zone: Zone, address: str = "127.0.0.1", port: int = 0) -> None:
        self.zone = zone
        self.asked: list[tuple[str, str, int]] = []
        self._tcp = socket.create_server((address, port))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, self.port))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        for sock in (self._tcp, self._udp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                query, client = self._udp.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            answer = self._answer(query, "udp")
            if "udp" not in self.zone.silent:
                self._udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            size = struct.unpack("!H", connection.recv(2))[0]
            answer = self._answer(connection.recv(size), "tcp")
            if "tcp" in self.zone.silent:
                connection.recv(1)
                return
            # In two pieces: a client that reads once sees half.
            framed = struct.pack("!H", len(answer)) + answer
            connection.sendall(framed[:7])
            connection.sendall(framed[7:])

    def _answer(self, query: bytes, transport: str) -> bytes:
        identifier = struct.unpack("!H", query[:2])[0]
        name, end = dns.read_name(query, 12)
        qtype = struct.unpack_from("!H", query, end)[0]
        self.asked.append((transport, name, qtype))
        known = name in self.zone.records
        addresses = self.zone.records.get(name, []) if qtype == dns.A else []
        rcode = self.zone.rcode if self.zone.rcode is not None else (0 if known else 3)
        truncated = transport == "udp" and self.zone.truncate_udp
        if truncated or rcode not in (0, 3):
            addresses = []
        authority = b""
        if not addresses and self.zone.soa is not None and rcode in (0, 3) and not truncated:
            body = (
                dns.encode_name(f"ns.{self.zone.soa}")
                + dns.encode_name("root.x")
                + struct.pack("!IIIII", 1, 2, 3, 4, 5)
            )
            authority = dns.encode_name(self.zone.soa) + struct.pack("!HHIH", dns.SOA, dns.IN, 5, len(body)) + body
        flags = 0x8400 | (0x0200 if truncated else 0) | rcode
        identifier ^= 0xFFFF if self.zone.wrong_id else 0
        header = struct.pack("!HHHHHH", identifier, flags, 1, len(addresses), 1 if authority else 0, 0)
        # Owner names as pointers to the question, as real servers write them.
        answers = b"".join(
            struct.pack("!HHHIH", 0xC00C, dns.A, dns.IN, 5, 4) + socket.inet_aton(address) for address in addresses
        )
        return header + query[12 : end + 4] + answers + authority
