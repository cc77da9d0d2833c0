"""The way to a cluster's DNS objects, over TLS on loopback."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
import urllib3.connection
import yaml
from urllib3.util.ssl_ import create_urllib3_context

from components.network.cluster_dns import ClusterUnreachable, connect
from tests.unit.database.conftest import Authority, make_authority


class ApiServer(BaseHTTPRequestHandler):
    """Has one ConfigMap, and no Deployment."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(unquote(self.path))
        of_map = {"metadata": {"name": "coredns", "resourceVersion": "7"}, "data": {"Corefile": ".:53 {}"}}
        body = json.dumps({"items": []} if "/deployments" in self.path else of_map)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One without key identifiers, as EKS makes it for its clusters."""
    return make_authority(tmp_path)


@pytest.fixture
def kubeconfig(tmp_path: Path, authority: Authority) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("api", ["127.0.0.1"]))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    certificate, key = authority.issue("me", ["me"])
    server = HTTPServer(("127.0.0.1", 0), ApiServer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    cluster = {"server": f"https://127.0.0.1:{server.server_port}", "certificate-authority": authority.ca_file}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "me", "user": {"client-certificate": certificate, "client-key": key}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    yield str(path)
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def strict_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS as urllib3 sets it up by default on Python 3.13 and newer, whichever Python runs the tests."""

    def strict(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        made = create_urllib3_context(*args, **kwargs)
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    monkeypatch.setattr(urllib3.connection, "create_urllib3_context", strict)


def test_an_authority_without_key_identifiers_is_trusted(kubeconfig: str) -> None:
    found = connect(kubeconfig, "here").read("coredns")
    assert found is not None
    assert (found.version, found.data) == ("7", {"Corefile": ".:53 {}"})


def test_a_stranger_is_not_trusted(kubeconfig: str, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    Path(authority.ca_file).write_bytes(Path(make_authority(tmp_path / "other").ca_file).read_bytes())
    with pytest.raises(ClusterUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        connect(kubeconfig, "here").read("coredns")


def test_without_an_authority_the_systems_are_trusted(
    kubeconfig: str, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    document = yaml.safe_load(Path(kubeconfig).read_text())
    del document["clusters"][0]["cluster"]["certificate-authority"]
    Path(kubeconfig).write_text(yaml.safe_dump(document))
    assert connect(kubeconfig, "here").read("coredns") is not None


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_kubeconfig_that_says_not_to_verify_is_believed(kubeconfig: str, tmp_path: Path) -> None:
    document = yaml.safe_load(Path(kubeconfig).read_text())
    cluster = document["clusters"][0]["cluster"]
    del cluster["certificate-authority"]
    cluster["insecure-skip-tls-verify"] = True
    Path(kubeconfig).write_text(yaml.safe_dump(document))
    assert connect(kubeconfig, "here").read("coredns") is not None


def test_only_what_the_cluster_came_with_is_restarted(kubeconfig: str) -> None:
    ApiServer.asked.clear()
    assert connect(kubeconfig, "here").restart("note", "value") == 0
    (path,) = ApiServer.asked
    selector = "labelSelector=k8s-app=kube-dns,app.kubernetes.io/part-of!=cockroachdb-multiregion"
    assert path == f"/apis/apps/v1/namespaces/kube-system/deployments?{selector}"
