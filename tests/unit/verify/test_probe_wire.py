"""What one connection to a node shows: TLS for its name, the login, the cluster behind it."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.unit.verify.tls_servers import Authority, Behaviour, NodeServer
from verify.probe import wire

NAME = "cockroachdb-0.cockroachdb.us-east1.svc.cluster.local"
WILDCARD = "*.cockroachdb.us-east1.svc.cluster.local"
MEMBERS = [["1", f"{NAME}:26257", "region=us-east1,zone=a", "t"], ["2", "other:26257", "region=us-west1", "f"]]
STATES = [["1", "f", "active"], ["2", "t", "decommissioning"]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> tuple[str, str]:
    return authority.issue("node", ("localhost", WILDCARD))


@pytest.fixture
def credentials(authority: Authority) -> dict[str, str]:
    certificate, key = authority.issue("verifier")
    return {"ca": authority.ca, "certificate": certificate, "key": key, "user": "verifier"}


@pytest.fixture
def serve(authority: Authority) -> Iterator[Callable[..., NodeServer]]:
    running: list[NodeServer] = []

    def start(certificate: tuple[str, str], behaviour: Behaviour | None = None) -> NodeServer:
        running.append(NodeServer(authority, certificate, behaviour or Behaviour()))
        return running[-1]

    yield start
    for server in running:
        server.close()


def check(server: NodeServer, credentials: dict[str, str], **options: Any) -> dict[str, Any]:
    return wire.check_node(NAME, "127.0.0.1", server.sql_port, credentials, **{"timeout": 1.0, **options})


def test_a_good_node_shows_its_cluster_and_its_members(serve, good, credentials) -> None:
    server = serve(good, Behaviour(members=MEMBERS, states=STATES))
    result = check(server, credentials, members=True)
    assert result["connect"]["status"] == result["tls"]["status"] == result["sql"]["status"] == "ok"
    assert result["sql"]["clusterId"] == "0f3a"
    assert result["sql"]["members"] == [
        {
            "id": 1,
            "address": f"{NAME}:26257",
            "locality": "region=us-east1,zone=a",
            "live": True,
            "draining": False,
            "membership": "active",
        },
        {
            "id": 2,
            "address": "other:26257",
            "locality": "region=us-west1",
            "live": False,
            "draining": True,
            "membership": "decommissioning",
        },
    ]
    assert 89 < result["tls"]["daysLeft"] < 91
    assert server.users == ["verifier"]
    assert server.statements[0] == "SET allow_unsafe_internals = on"


def test_members_are_asked_for_only_where_wanted(serve, good, credentials) -> None:
    server = serve(good)
    assert "members" not in check(server, credentials)["sql"]
    assert not any("gossip" in statement for statement in server.statements)


def test_an_older_server_without_the_setting_is_asked_all_the_same(serve, good, credentials) -> None:
    assert check(serve(good, Behaviour(knows_allow_unsafe=False)), credentials)["sql"]["status"] == "ok"


@pytest.mark.parametrize("step", ["node", "ready"])
@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda mine, other: mine.issue("node", ("*.cockroachdb.elsewhere.svc.cluster.local",)), "wrong-name"),
        (lambda mine, other: mine.issue("node", (WILDCARD,), days=-1), "expired"),
        (lambda mine, other: other.issue("node", (WILDCARD,)), "wrong-authority"),
    ],
    ids=["wrong name", "expired", "other authority"],
)
def test_a_certificate_that_does_not_verify_is_told_by_kind(
    serve,
    authority,
    credentials,
    tmp_path: Path,
    make: Callable[[Authority, Authority], tuple[str, str]],
    status: str,
    step: str,
) -> None:
    server = serve(make(authority, Authority(tmp_path)))
    if step == "ready":
        assert wire.check_ready(NAME, "127.0.0.1", server.http_port, authority.ca)["status"] == status
        return
    result = check(server, credentials)
    assert result["connect"]["status"] == "ok"
    assert result["tls"]["status"] == status
    assert result["sql"] is None


def test_a_server_without_tls_is_told(serve, good, credentials) -> None:
    assert check(serve(good, Behaviour(tls=False)), credentials)["tls"]["status"] == "refused"


@pytest.mark.parametrize(
    ("refuse", "said"),
    [
        ("login", "certificate authentication failed for user verifier (28000)"),
        ("password", "the server wants a password"),
        ("cluster_id", "does not have VIEWCLUSTERMETADATA"),
        ("gossip_nodes", "does not have VIEWCLUSTERMETADATA"),
    ],
)
def test_a_refusal_is_told_in_the_server_s_words(serve, good, credentials, refuse: str, said: str) -> None:
    result = check(serve(good, Behaviour(refuse=refuse)), credentials, members=True)
    assert result["tls"]["status"] == "ok"
    assert result["sql"]["status"] == "refused"
    assert said in result["sql"]["error"]


def test_a_client_certificate_of_another_authority_is_not_let_in(serve, good, credentials, tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("verifier")
    result = check(serve(good), {**credentials, "certificate": certificate, "key": key})
    assert result["sql"] is None or result["sql"]["status"] != "ok"


def test_a_node_that_answers_no_query_times_out(serve, good, credentials) -> None:
    started = time.monotonic()
    result = check(serve(good, Behaviour(mute=True)), credentials, timeout=0.3)
    assert result["sql"]["status"] == "timeout"
    assert time.monotonic() - started < 5


def test_missing_credentials_are_told(serve, good, credentials, tmp_path: Path) -> None:
    gone = {**credentials, "ca": str(tmp_path / "ca.crt")}
    assert check(serve(good), gone)["tls"]["status"] == "no-credentials"
    assert wire.check_ready(NAME, "127.0.0.1", serve(good).http_port, gone["ca"])["status"] == "no-credentials"


def test_a_closed_port_is_refused(credentials) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = wire.check_node(NAME, "127.0.0.1", port, credentials)
    assert (result["connect"]["status"], result["tls"], result["sql"]) == ("refused", None, None)
    assert wire.check_ready(NAME, "127.0.0.1", port, credentials["ca"])["status"] == "refused"


@pytest.mark.parametrize(("code", "status"), [(200, "ok"), (503, "not-ready"), (404, "not-ready")])
def test_readiness_is_the_status_code(serve, good, credentials, code: int, status: str) -> None:
    server = serve(good, Behaviour(ready=code))
    result = wire.check_ready(NAME, "127.0.0.1", server.http_port, credentials["ca"])
    assert (result["status"], result["code"]) == (status, code)


class Slow(socketserver.ThreadingTCPServer):
    """Takes every connection, and a while for each question; counts how many wait for it at a time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SlowAnswer)
        self.lock, self.asking, self.most = threading.Lock(), 0, 0


class SlowAnswer(socketserver.BaseRequestHandler):
    """Says that it takes no TLS."""

    def handle(self) -> None:
        assert isinstance(self.server, Slow)
        self.request.recv(len(wire.SSL_REQUEST))
        with self.server.lock:
            self.server.asking += 1
            self.server.most = max(self.server.most, self.server.asking)
        time.sleep(0.1)
        with self.server.lock:
            self.server.asking -= 1
        self.request.sendall(b"N")


def test_a_probe_does_not_keep_nodes_from_answering_by_asking_all_at_once() -> None:
    with Slow() as server, ThreadPoolExecutor(24) as pool:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        asked = [
            pool.submit(wire.check_node, "n", "127.0.0.1", port, {"ca": "", "user": "u"}, timeout=0.5)
            for _ in range(24)
        ]
        seen = {result.result()["tls"]["status"] for result in asked}
        server.shutdown()
    assert seen == {"refused"}, "whoever waits for its turn has not been timed out by it"
    assert 1 < server.most <= 4
