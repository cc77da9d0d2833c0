"""The probe's DNS client, against a real server on loopback and against bytes no server should send."""

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.verify.dns_server import DnsServer, Zone
from verify.probe import dns

NAME = "cockroachdb-0.cockroachdb.us-east1.svc.cluster.local"


@pytest.fixture
def zone() -> Zone:
    return Zone(records={NAME: ["10.1.128.5"]})


@pytest.fixture
def server(zone: Zone) -> Iterator[DnsServer]:
    running = DnsServer(zone)
    yield running
    running.close()


def ask(server: DnsServer, name: str = NAME, **options):
    return dns.ask("127.0.0.1", name, port=server.port, **{"timeout": 0.3, **options})


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_address_is_found_over_the_transport_asked_for(server: DnsServer, transport: str) -> None:
    answer = ask(server, transport=transport)
    assert (answer["status"], answer["rcode"], answer["addresses"]) == ("answered", "NOERROR", ["10.1.128.5"])
    assert [asked[0] for asked in server.asked] == [transport]
    assert answer["attempts"] == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_made_up_name_is_denied_by_the_zone_s_authority(server: DnsServer, transport: str) -> None:
    answer = ask(server, "no.such.us-east1.svc.cluster.local", transport=transport)
    assert (answer["rcode"], answer["soa"], answer["addresses"]) == ("NXDOMAIN", "cluster.local", [])


def test_a_private_type_of_a_known_name_is_no_error_without_records(server: DnsServer) -> None:
    qtype = dns.private_type()
    assert qtype >= 65280
    answer = ask(server, qtype=qtype)
    assert (answer["rcode"], answer["addresses"]) == ("NOERROR", [])
    assert server.asked == [("udp", NAME, qtype)]


def test_a_truncated_answer_is_asked_for_again_over_tcp(server: DnsServer, zone: Zone) -> None:
    zone.truncate_udp = True
    answer = ask(server)
    assert answer["addresses"] == ["10.1.128.5"]
    assert answer["truncated"] is True
    assert [asked[0] for asked in server.asked] == ["udp", "tcp"]


def test_a_server_that_fails_says_so(server: DnsServer, zone: Zone) -> None:
    zone.rcode = 2
    assert ask(server)["rcode"] == "SERVFAIL"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_silence_is_a_timeout_after_every_attempt(server: DnsServer, zone: Zone, transport: str) -> None:
    zone.silent = (transport,)
    answer = ask(server, transport=transport, timeout=0.1)
    assert (answer["status"], answer["attempts"]) == ("timeout", 2)
    assert len(server.asked) == 2


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_closed_port_is_refused(transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert dns.ask("127.0.0.1", NAME, transport=transport, timeout=0.3, port=port)["status"] == "refused"


def test_an_answer_to_another_question_is_not_taken(server: DnsServer, zone: Zone) -> None:
    zone.wrong_id = True
    assert ask(server, timeout=0.1)["status"] in ("timeout", "malformed")
    assert ask(server, transport="tcp", timeout=0.1)["status"] == "malformed"


def test_a_query_carries_one_question_and_an_edns_size() -> None:
    query = dns.build_query(7, "a.example", dns.A)
    assert query == (
        b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
        b"\x01a\x07example\x00\x00\x01\x00\x01"
        b"\x00\x00\x29" + struct.pack("!H", 1232) + b"\x00\x00\x00\x00\x00\x00"
    )


def test_a_label_that_dns_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        dns.encode_name("a" * 64 + ".example")
    with pytest.raises(ValueError, match="0 bytes"):
        dns.encode_name("a..example")


def test_a_pointer_loop_is_malformed() -> None:
    header = struct.pack("!HHHHHH", 1, 0x8180, 1, 0, 0, 0)
    with pytest.raises(dns.MalformedError, match="backwards"):
        dns.parse_response(header + b"\xc0\x0c\x00\x01\x00\x01", 1, "a", dns.A)


@given(st.binary(max_size=120))
def test_no_bytes_crash_the_parser(noise: bytes) -> None:
    message = struct.pack("!HHHHHH", 1, 0x8180, 0, 2, 2, 0) + noise
    with contextlib.suppress(dns.MalformedError):
        dns.parse_response(message, 1, NAME, dns.A)
