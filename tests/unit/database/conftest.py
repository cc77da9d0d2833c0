"""What the tests of the database share: example args, certificates, and nodes on loopback that answer over real TLS."""

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCRIPTS = Path(__file__).parents[3] / "components/database/scripts"
WAITING = json.dumps({"error": "node is waiting for cluster initialization", "code": 14})
HEALTHY_VARS = """\
# TYPE liveness_livenodes gauge
liveness_livenodes{tenant="system"} 3
ranges_unavailable{store="1"} 0
ranges_underreplicated{store="1"} 0
"""


@dataclass(frozen=True)
class Authority:
    """A certificate authority that lives as long as a test run."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.crt")

    def issue(self, name: str, hosts: list[str], days: int = 30) -> tuple[str, str]:
        """Paths of a certificate for `hosts` and its key. Fewer than 0 days: one that has ended."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        end = now + datetime.timedelta(days=days)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - datetime.timedelta(days=1))
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(_pem(key))
        return str(paths[0]), str(paths[1])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_authority(folder: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {folder.name}")])
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(folder, key, certificate)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody here trusts."""
    return make_authority(tmp_path_factory.mktemp("stranger"))


@dataclass
class FakeNode:
    """What a node on loopback answers; tests change it as they go."""

    host: str
    port: int
    """Both its HTTP and its RPC port."""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def waiting(self) -> None:
        """As before `cockroach init`."""
        self.answers = {"/health?ready=1": (503, WAITING)}

    def ready(self, variables: str = HEALTHY_VARS) -> None:
        """As a healthy member of a cluster of three."""
        self.answers = {"/health?ready=1": (200, "{}"), "/_status/vars": (200, variables)}

    def draining(self) -> None:
        """As between SIGTERM and exit."""
        self.answers = {"/health?ready=1": (503, json.dumps({"error": "node is shutting down", "code": 14}))}


def _serve(node: FakeNode, certificate: tuple[str, str]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = node.answers.get(self.path, (404, "404 page not found"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that breaks off a handshake is what some tests are about."""

    server = Server((node.host, node.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    # The handshake belongs to the connection's own thread, not to the one that accepts.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


NodeMaker = Callable[..., list[FakeNode]]


@pytest.fixture
def nodes(authority: Authority) -> Iterator[NodeMaker]:
    """Makes nodes on 127.0.0.1, 127.0.0.2, … that share one port, not yet initialised."""
    with ExitStack() as stack:

        def make(count: int = 3, certificate: tuple[str, str] | None = None) -> list[FakeNode]:
            hosts = [f"127.0.0.{last}" for last in range(1, count + 1)]
            port = _free_port(hosts)
            made = []
            for host in hosts:
                node = FakeNode(host, port)
                node.waiting()
                server = _serve(node, certificate or authority.issue(f"node-{host}", [host]))
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
                made.append(node)
            return made

        yield make


def _free_port(hosts: list[str]) -> int:
    """A port that is free on every one of the addresses now."""
    for _ in range(50):
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((hosts[0], 0))
            port = first.getsockname()[1]
            try:
                for host in hosts[1:]:
                    stack.enter_context(socket.socket()).bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free on all of the loopback addresses")


class Clock:
    """Time that passes only while somebody waits; `events` happen in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        for event in list(self.events):
            event()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def strict_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS as Python 3.13 and newer set it up by default, whichever Python runs the tests."""
    lenient = ssl.create_default_context

    def strict(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        context = lenient(*args, **kwargs)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
