"""The canary of `coredns-primary`: new servers are asked over both transports, for no more than old ones know."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import canary
import pytest
from waiting import NotYetError

from tests.unit.verify.dns_server import DnsServer, Zone

HERE = "127.0.0.1"
INSIDE = "kubernetes.default.svc.cluster.local"
OTHER = "kubernetes.default.svc.b.cockroachdb.internal"
OUTSIDE = "registry.example"


@pytest.fixture
def serve() -> Iterator[Callable[..., DnsServer]]:
    made: list[DnsServer] = []

    def start(*names: str, **more: object) -> DnsServer:
        made.append(DnsServer(Zone({name: ["10.0.0.1"] for name in names}, **more)))  # pyright: ignore[reportArgumentType]
        return made[-1]

    yield start
    for server in made:
        server.close()


def test_a_server_that_knows_every_name_is_asked_for_each_over_both_transports(
    serve: Callable[..., DnsServer],
) -> None:
    server = serve(INSIDE, OTHER)
    canary.look(HERE, [INSIDE, OTHER], server.port)
    asked = {(transport, name) for transport, name, _ in server.asked}
    assert asked == {(transport, name) for transport in ("udp", "tcp") for name in (INSIDE, OTHER)}
    assert len(server.asked) == 4 * canary.ROUNDS


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, f"{OTHER} over udp: response code 3, 0 records"),
        ({"rcode": 2}, f"{INSIDE} over udp: response code 2, 0 records; {OTHER}"),
        ({"wrong_id": True}, "not an answer to this question"),
        ({"truncate_udp": True}, f"{INSIDE} over udp: response code 0, 0 records"),
    ],
)
def test_what_it_does_not_know_is_named(serve: Callable[..., DnsServer], more: dict[str, object], why: str) -> None:
    server = serve(INSIDE, **more)
    with pytest.raises(NotYetError) as missing:
        canary.look(HERE, [INSIDE, OTHER], server.port)
    assert why in str(missing.value)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_transport_that_is_shut_is_named(
    serve: Callable[..., DnsServer], transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(canary, "ROUNDS", 1)
    server = serve(INSIDE, silent=(transport,))
    with pytest.raises(NotYetError, match=f"over {transport}: timed out"):
        canary.look(HERE, [INSIDE], server.port)


def test_no_more_is_asked_of_new_servers_than_the_old_ones_know(serve: Callable[..., DnsServer]) -> None:
    old = serve(OUTSIDE)
    assert canary.known_before([OUTSIDE, "unknown.example"], [HERE], old.port) == [OUTSIDE]
    assert canary.known_before([OUTSIDE], [], old.port) == []


def test_resolvers_are_those_of_resolv_conf() -> None:
    text = "search a.svc.cluster.local\nnameserver 10.1.32.10\n# nameserver 1.1.1.1\nnameserver 10.1.32.11\noptions x\n"
    assert canary.resolvers(text) == ["10.1.32.10", "10.1.32.11"]


def test_the_rest_of_an_answer_is_not_left_out() -> None:
    with pytest.raises(OSError, match="3 bytes are no DNS message"):
        canary.outcome(b"abc", 1)
