"""Looking at nodes: real TLS on loopback, and the layer that each failure is blamed on."""

import socket
import threading

import peers
import pytest

from tests.unit.database.conftest import Authority, NodeMaker


def blamed(call: object) -> str:
    with pytest.raises(peers.PeerError) as caught:
        call()  # type: ignore[operator]
    assert peers.FIXES[caught.value.layer] in str(caught.value), "every failure says what likely mends it"
    return caught.value.layer


def test_a_node_that_verifies_passes(nodes: NodeMaker, authority: Authority) -> None:
    (node,) = nodes(1)
    peers.check_rpc(node.host, node.port, authority.ca_file)


@pytest.mark.usefixtures("strict_python")
def test_a_certificate_that_nodes_accept_passes(nodes: NodeMaker, authority: Authority) -> None:
    """Go asks for no key identifiers, so nodes would talk to each other."""
    (node,) = nodes(1)
    peers.check_rpc(node.host, node.port, authority.ca_file)


def test_a_name_that_nobody_knows_is_dns(authority: Authority) -> None:
    assert blamed(lambda: peers.check_rpc("cockroachdb-0.invalid", 26257, authority.ca_file)) == "DNS"


def test_a_closed_port_is_the_process(authority: Authority) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert blamed(lambda: peers.check_rpc("127.0.0.1", port, authority.ca_file)) == "process"


def test_silence_is_the_firewall(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "TIMEOUT_SECONDS", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # A queue that is full lets the kernel drop what comes next, as a firewall does.
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            assert blamed(lambda: peers.check_rpc("127.0.0.1", address[1], authority.ca_file)) == "firewall"
        finally:
            for one in waiting:
                one.close()


def test_no_way_there_is_the_route(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> socket.socket:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    assert blamed(lambda: peers.check_rpc("127.0.0.1", 26257, authority.ca_file)) == "route"


@pytest.mark.parametrize("fault", ["another name", "another authority", "ended"])
def test_a_certificate_that_does_not_verify_is_tls(
    fault: str, nodes: NodeMaker, authority: Authority, stranger: Authority
) -> None:
    certificate = {
        "another name": lambda: authority.issue("elsewhere", ["10.0.0.1", "elsewhere.example"]),
        "another authority": lambda: stranger.issue("stranger", ["127.0.0.1"]),
        "ended": lambda: authority.issue("ended", ["127.0.0.1"], days=-1),
    }[fault]()
    (node,) = nodes(1, certificate)
    assert blamed(lambda: peers.check_rpc(node.host, node.port, authority.ca_file)) == "TLS"


def test_a_server_that_speaks_no_tls_is_tls(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            connection, _ = plain.accept()
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        port = plain.getsockname()[1]
        assert blamed(lambda: peers.check_rpc("127.0.0.1", port, authority.ca_file)) == "TLS"
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "ready", "initialised"),
    [
        (200, "{}", True, True),
        (503, '{"error": "node is waiting for cluster initialization", "code": 14}', False, False),
        (503, '{"error": "node is shutting down", "code": 14}', False, True),
        (503, '{"error": "node is not healthy", "code": 14}', False, True),
        (503, '{"error": "node is not accepting SQL clients", "code": 14}', False, True),
        (500, "boom", False, True),
        (503, "[]", False, True),
    ],
)
def test_health(status: int, body: str, ready: bool, initialised: bool, nodes: NodeMaker, authority: Authority) -> None:
    (node,) = nodes(1)
    node.answers = {"/health?ready=1": (status, body)}
    found = peers.health(node.host, node.port, authority.ca_file)
    assert (found.ready, found.initialised) == (ready, initialised)


def test_many_failures_are_one_line_with_each_fix_once() -> None:
    failures = [peers.PeerError(host, layer, "down") for host, layer in (("a", "DNS"), ("b", "DNS"), ("c", "route"))]
    assert peers.summary(failures) == f"DNS: down: a, b ({peers.FIXES['DNS']}); route: down: c ({peers.FIXES['route']})"
    assert peers.summary([]) == ""


def test_metrics_are_read_whatever_their_labels() -> None:
    text = """\
# HELP ranges_unavailable Number of ranges
# TYPE ranges_unavailable gauge
ranges_unavailable{store="1",node_id="1"} 2
ranges_unavailable{store="2"} 3e+00
liveness_livenodes 9
liveness_livenodes_other 4
"""
    found = peers.metrics(text, {"ranges_unavailable", "liveness_livenodes", "missing"})
    assert found == {"ranges_unavailable": [2.0, 3.0], "liveness_livenodes": [9.0], "missing": []}
