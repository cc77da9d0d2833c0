"""Whether a node is through with a step from one authority to another: real TLS on loopback."""

import contextlib
import shutil
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest
import trust
from waiting import NotYetError

from tests.unit.database.conftest import Authority


@contextlib.contextmanager
def node(certificate: tuple[str, str], *trusted: Authority) -> Iterator[int]:
    """The port of a node that presents a certificate, and takes clients without one, or with one that it trusts."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    for authority in trusted:
        context.load_verify_locations(authority.ca_file)
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = server.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as link:
                        link.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.fixture
def folder(tmp_path: Path, authority: Authority, stranger: Authority) -> Path:
    """What the Job has: `1` signs, `2` is the next one."""
    shutil.copy(authority.ca_file, tmp_path / "signs.crt")
    for name, signer in (("1", authority), ("2", stranger)):
        certificate, key = signer.issue(f"client-{name}", [])
        shutil.copy(certificate, tmp_path / f"{name}.crt")
        shutil.copy(key, tmp_path / f"{name}.key")
    return tmp_path


def ask(port: int, folder: Path) -> None:
    trust.look([{"region": "a", "host": "127.0.0.1", "rpc_port": port}], folder, ["1", "2"], 26257)


def test_a_node_that_trusts_both_is_through(folder: Path, authority: Authority, stranger: Authority) -> None:
    with node(authority.issue("node", ["127.0.0.1"]), authority, stranger) as port:
        ask(port, folder)


def test_a_node_that_has_not_read_the_next_authority_is_waited_for(folder: Path, authority: Authority) -> None:
    with (
        node(authority.issue("node", ["127.0.0.1"]), authority) as port,
        pytest.raises(NotYetError, match="does not trust authority 2 yet"),
    ):
        ask(port, folder)


def test_a_node_with_the_other_ones_certificate_is_waited_for(
    folder: Path, authority: Authority, stranger: Authority
) -> None:
    with (
        node(stranger.issue("node", ["127.0.0.1"]), authority, stranger) as port,
        pytest.raises(NotYetError, match="no certificate of the authority that signs yet"),
    ):
        ask(port, folder)
