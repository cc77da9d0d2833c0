"""The API client, against a server on loopback that asks for a token over TLS."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from kube import Api, ApiError

from tests.unit.database.conftest import Authority


class Server:
    """Notes each request; answers the next of `answers`."""

    def __init__(self, certificate: tuple[str, str]) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[tuple[int, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                status, text = outer.answers.pop(0)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_DELETE = do_PATCH = do_POST = do_PUT = _any  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def base(self) -> str:
        return f"https://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    made = Server(authority.issue("api", ["127.0.0.1"]))
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def credentials(tmp_path: Path, authority: Authority) -> Path:
    (tmp_path / "ca.crt").write_text(Path(authority.ca_file).read_text())
    (tmp_path / "token").write_text("first\n")
    return tmp_path


def test_each_request_carries_the_token_of_the_moment(server: Server, credentials: Path) -> None:
    api = Api(server.base, credentials)
    server.answers = [(200, '{"kind": "Pod"}'), (200, "{}")]
    assert api.get("/api/v1/pods", labelSelector="a=b,c") == {"kind": "Pod"}
    (credentials / "token").write_text("second")
    api.get("/api/v1/pods")
    assert [(request[1], request[2]["Authorization"]) for request in server.requests] == [
        ("/api/v1/pods?labelSelector=a%3Db%2Cc", "Bearer first"),
        ("/api/v1/pods", "Bearer second"),
    ]


def test_bodies_and_their_types(server: Server, credentials: Path) -> None:
    api = Api(server.base, credentials)
    server.answers = [(200, "{}")] * 4
    api.delete("/pod", {"preconditions": {"uid": "1"}})
    api.patch("/claim", {"spec": {}})
    api.create("/requests", {"kind": "x"})
    api.replace("/requests/1/status", {"status": {}})
    assert [(method, headers["Content-Type"], body) for method, _, headers, body in server.requests] == [
        ("DELETE", "application/json", {"preconditions": {"uid": "1"}}),
        ("PATCH", "application/merge-patch+json", {"spec": {}}),
        ("POST", "application/json", {"kind": "x"}),
        ("PUT", "application/json", {"status": {}}),
    ]


def test_a_watch_gives_each_change_and_ends_with_the_answer(server: Server, credentials: Path) -> None:
    server.answers = [(200, '{"type": "ADDED", "object": {"a": 1}}\n{"type": "MODIFIED", "object": {"a": 2}}\n')]
    found = list(Api(server.base, credentials).watch("/requests", "7", fieldSelector="spec.signerName=x"))
    assert found == [("ADDED", {"a": 1}), ("MODIFIED", {"a": 2})]
    assert server.requests[0][1] == (
        "/requests?fieldSelector=spec.signerName%3Dx&watch=1&resourceVersion=7&timeoutSeconds=240"
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((403, '{"message": "no"}'), 403),
        ((200, '{"type": "ERROR", "object": {"code": 410, "message": "too old"}}\n'), 410),
        ((200, "cut o"), 0),
    ],
)
def test_a_watch_that_fails(answer: tuple[int, str], status: int, server: Server, credentials: Path) -> None:
    server.answers = [answer]
    with pytest.raises(ApiError) as caught:
        list(Api(server.base, credentials).watch("/requests", "7"))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        ((404, '{"message": "pods \\"x\\" not found"}'), 404, 'pods "x" not found'),
        ((503, "not json"), 503, "Service Unavailable"),
        ((200, "not json"), 0, "no answer from the API server"),
    ],
)
def test_errors(answer: tuple[int, str], status: int, message: str, server: Server, credentials: Path) -> None:
    server.answers = [answer]
    with pytest.raises(ApiError, match=message) as caught:
        Api(server.base, credentials).get("/x")
    assert caught.value.status == status


def test_a_server_with_another_authority_is_not_trusted(server: Server, credentials: Path, stranger: Authority) -> None:
    (credentials / "ca.crt").write_text(Path(stranger.ca_file).read_text())
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        Api(server.base, credentials).get("/x")
    assert server.requests == [], "and gets no token"


@pytest.mark.usefixtures("strict_python")
def test_an_authority_without_key_identifiers_is_trusted(server: Server, credentials: Path) -> None:
    """As EKS makes it for its clusters."""
    server.answers = [(200, "{}")]
    assert Api(server.base, credentials).get("/x") == {}


@pytest.mark.usefixtures("strict_python")
def test_a_strangers_certificate_is_refused_all_the_same(
    server: Server, credentials: Path, stranger: Authority
) -> None:
    (credentials / "ca.crt").write_text(Path(stranger.ca_file).read_text())
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        Api(server.base, credentials).get("/x")


def test_the_address_comes_from_the_pods_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    for host, base in (("10.1.32.1", "https://10.1.32.1:443"), ("fd00::1", "https://[fd00::1]:443")):
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
        assert Api.in_cluster()._base == base
