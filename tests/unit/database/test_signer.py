"""The signer over a fake API server, and a node's side of it: with the real openssl, from the request to TLS."""

import base64
import copy
import os
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certificate
import pytest
import signer
from kube import ApiError
from waiting import Deadline, NotYetError

from tests.unit.database.conftest import SCRIPTS, Authority, Clock
from tests.unit.database.signing import (
    NAMES,
    POD_IP,
    POLICY,
    csr,
    handshake,
    pod,
    region_authority,
    request,
    stateful_set,
)

PODS = "/api/v1/namespaces/us-east1/pods/"
SETS = "/apis/apps/v1/namespaces/us-east1/statefulsets/"


class FakeApi:
    """Holds certificate signing requests as an API server does: versions, and subresources that write their part."""

    def __init__(self) -> None:
        self.csrs: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, Any] = {f"{PODS}cockroachdb-0": pod(), f"{SETS}cockroachdb": stateful_set()}
        self.events: list[tuple[str, Any]] = []
        self.failures: dict[str, ApiError] = {}
        self.selectors: set[str] = set()
        self.on_read: Any = lambda: None
        self.written: list[str] = []

    def get(self, path: str, **query: str) -> Any:
        for part, failure in self.failures.items():
            if part in path:
                raise failure
        if path == signer.REQUESTS:
            self.selectors.add(query["fieldSelector"])
            return {"metadata": {"resourceVersion": "7"}, "items": copy.deepcopy(list(self.csrs.values()))}
        if path.startswith(signer.REQUESTS):
            self.on_read()
            return copy.deepcopy(self.csrs[path.rpartition("/")[2]])
        if path not in self.objects:
            raise ApiError(404, "not found")
        return self.objects[path]

    def watch(self, path: str, version: str, **query: str) -> Iterator[tuple[str, Any]]:
        assert (path, version) == (signer.REQUESTS, "7")
        self.selectors.add(query["fieldSelector"])
        yield from self.events

    def create(self, path: str, body: dict[str, Any]) -> Any:
        """As the pod's own token makes it."""
        assert path == signer.REQUESTS
        made = csr("", **{key: body["spec"][key] for key in ("request", "signerName", "usages")})
        made["metadata"]["name"] = body["metadata"]["generateName"] + str(len(self.csrs))
        self.csrs[made["metadata"]["name"]] = made
        return copy.deepcopy(made)

    def replace(self, path: str, body: dict[str, Any]) -> Any:
        name, part = path.removeprefix(f"{signer.REQUESTS}/").split("/")
        held = self.csrs[name]
        if held["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise ApiError(409, "the object has been modified")
        status = held["status"]
        conditions = body["status"].get("conditions", [])
        assert body["kind"] == "CertificateSigningRequest"
        old = {entry["type"] for entry in status.get("conditions", [])}
        new = {entry["type"] for entry in conditions} - old
        # The API server's own rules: `approval` alone approves and denies, and nobody does both.
        assert new <= ({"Approved", "Denied"} if part == "approval" else {"Failed"})
        assert not {"Approved", "Denied"} <= old | new
        assert part == "status" or body["status"].get("certificate") == status.get("certificate")
        held["status"] = copy.deepcopy(body["status"])
        held["metadata"]["resourceVersion"] = str(int(held["metadata"]["resourceVersion"]) + 1)
        self.written.append(part)
        return copy.deepcopy(held)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def made(api: FakeApi, authority: Authority, tmp_path: Path) -> signer.Signer:
    folder = region_authority(authority, tmp_path / "authority")
    return signer.Signer(api, lambda: POLICY, signer.Authority(folder, 30))  # type: ignore[arg-type]


def asked(api: FakeApi, tmp_path: Path, **changes: Any) -> dict[str, Any]:
    """A request that the API server has; its name."""
    found = csr(request(tmp_path, **{key: changes.pop(key) for key in ("dns", "addresses") if key in changes})[1])
    found["spec"] |= changes.pop("spec", {})
    found["status"] |= changes
    api.csrs[found["metadata"]["name"]] = found
    return found


def conditions(csr: dict[str, Any]) -> dict[str, str]:
    return {entry["type"]: entry["message"] for entry in csr["status"].get("conditions", [])}


def test_a_nodes_request_is_approved_and_then_signed(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    found = asked(api, tmp_path)
    made.round()
    assert api.written == ["approval", "status"]
    assert set(conditions(found)) == {"Approved"}
    chain = base64.b64decode(found["status"]["certificate"]).decode()
    assert chain.count("BEGIN CERTIFICATE") == 2, "the leaf, and what signed it"
    assert api.selectors == {f"spec.signerName={POLICY.signer}"}
    made.round()
    assert api.written == ["approval", "status"], "signed once"


def test_everything_else_is_denied_with_its_reason(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    found = asked(api, tmp_path, addresses=[POD_IP, "10.1.128.99"])
    made.round()
    assert conditions(found) == {"Denied": "asks for address 10.1.128.7, 10.1.128.99; pod cockroachdb-0 has 10.1.128.7"}
    assert "certificate" not in found["status"]


def test_another_ones_approval_is_not_believed(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    approved = [{"type": "Approved", "status": "True", "reason": "ByHand", "message": ""}]
    found = asked(api, tmp_path, addresses=["10.1.128.99"], conditions=approved)
    made.round()
    assert set(conditions(found)) == {"Approved", "Failed"}
    assert "certificate" not in found["status"]


def test_what_was_approved_before_the_signer_ended_is_signed(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    approved = [{"type": "Approved", "status": "True", "reason": "NodeOfTheRegion", "message": ""}]
    found = asked(api, tmp_path, conditions=approved)
    made.round()
    assert api.written == ["status"]
    assert found["status"]["certificate"]


def test_changes_come_by_the_watch(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    found = asked(api, tmp_path)
    api.csrs, later = {}, dict(api.csrs)
    api.events = [("ADDED", copy.deepcopy(found)), ("DELETED", csr("gone"))]

    def replace(path: str, body: Any, of: Any = api.replace) -> Any:
        api.csrs = later
        return of(path, body)

    api.replace = replace  # type: ignore[method-assign]
    made.round()
    assert found["status"]["certificate"]


@pytest.mark.parametrize("path", ["/pods/", "/statefulsets/"])
def test_an_api_server_that_fails_denies_nobody(api: FakeApi, made: signer.Signer, tmp_path: Path, path: str) -> None:
    found = asked(api, tmp_path)
    api.failures = {path: ApiError(500, "etcd is away")}
    with pytest.raises(NotYetError, match="1 requests have to wait"):
        made.round()
    assert conditions(found) == {}
    api.failures = {}
    made.round()
    assert found["status"]["certificate"]


def test_one_that_has_to_wait_holds_up_no_other(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    waiting = asked(api, tmp_path)
    waiting["metadata"]["name"] = "first"
    waiting["spec"]["extra"] = {
        "authentication.kubernetes.io/pod-name": ["cockroachdb-1"],
        "authentication.kubernetes.io/pod-uid": ["pod-uid"],
    }
    api.objects[f"{PODS}cockroachdb-1"] = pod(name="cockroachdb-1", status={"podIP": ""})
    api.csrs = {"first": waiting}
    found = asked(api, tmp_path)
    with pytest.raises(NotYetError):
        made.round()
    assert found["status"]["certificate"]
    assert conditions(waiting) == {}


def test_two_signers_do_not_disturb_each_other(api: FakeApi, made: signer.Signer, tmp_path: Path) -> None:
    found = asked(api, tmp_path)
    before = copy.deepcopy(found)
    made.round()
    signed = found["status"]["certificate"]
    api.events = [("MODIFIED", before)]
    made.round()
    assert found["status"]["certificate"] == signed


def test_without_a_key_nothing_is_denied(api: FakeApi, tmp_path: Path) -> None:
    found = asked(api, tmp_path)
    nothing = signer.Signer(api, lambda: POLICY, signer.Authority(tmp_path / "nowhere", 30))  # type: ignore[arg-type]
    with pytest.raises(NotYetError):
        nothing.round()
    assert "Denied" not in conditions(found)
    assert "certificate" not in found["status"]


@pytest.fixture
def node(api: FakeApi, authority: Authority, tmp_path: Path) -> certificate.Node:
    (tmp_path / "names").write_text("\n".join(NAMES))
    (tmp_path / "certs").mkdir()
    environment = {
        "NAMESPACE": "us-east1",
        "POD_NAME": "cockroachdb-0",
        "POD_IP": POD_IP,
        "SIGNER_NAME": POLICY.signer,
        "NAMES_FILE": str(tmp_path / "names"),
        "AUTHORITY_FILE": authority.ca_file,
        "CERTS_DIR": str(tmp_path / "certs"),
    }
    return certificate.Node(api, environment)  # type: ignore[arg-type]


def deadline(clock: Clock) -> Deadline:
    return Deadline(30, clock.time, clock.pause)


def test_a_node_gets_what_its_peers_take(
    api: FakeApi, made: signer.Signer, node: certificate.Node, authority: Authority, clock: Clock
) -> None:
    api.on_read = made.round
    node.obtain(node.wish(), deadline(clock))
    pair = node.folder / "node.crt", node.folder / "node.key"
    for host in (POD_IP, "10.1.16.26", "localhost", "cockroachdb-0.cockroachdb.us-east1.svc.cluster.local"):
        handshake(pair, authority.ca_file, host)
    with pytest.raises(ssl.SSLError):
        handshake(pair, authority.ca_file, "10.1.128.8")
    assert stat.S_IMODE(pair[1].stat().st_mode) == 0o600
    assert certificate.stale(node.folder, node.wish(), clock_of(node)) is None


def clock_of(node: certificate.Node) -> float:
    """Shortly after the node got its certificate."""
    return (node.folder / "node.crt").stat().st_mtime + 1


DAY = 24 * 3600


def test_when_another_certificate_is_needed(
    api: FakeApi, made: signer.Signer, node: certificate.Node, tmp_path: Path, clock: Clock
) -> None:
    assert "there is none" in (certificate.stale(node.folder, node.wish(), 0) or "")
    api.on_read = made.round
    node.obtain(node.wish(), deadline(clock))
    now, wish = clock_of(node), node.wish()
    assert certificate.stale(node.folder, wish, now + 19.9 * DAY) is None
    assert "it ends in 9" in (certificate.stale(node.folder, wish, now + 20.1 * DAY) or "")
    again = certificate.Wish((*wish.names[:-1], "10.1.128.8"), wish.authority)
    assert certificate.stale(node.folder, again, now) == "its names have changed"
    more = certificate.Wish(wish.names, wish.authority * 2)
    assert "authorities" in (certificate.stale(node.folder, more, now) or "")


def test_a_chain_is_as_good_as_what_of_it_ends_first(
    api: FakeApi, made: signer.Signer, node: certificate.Node, tmp_path: Path, clock: Clock
) -> None:
    """A leaf of 30 days below an authority that ends in five: peers would refuse it on the sixth."""
    api.on_read = made.round
    node.obtain(node.wish(), deadline(clock))
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", str(tmp_path / "key"))
    argv = ["openssl", "req", "-x509", *words, "-subj", "/CN=soon", "-days", "5"]
    ends = subprocess.run(argv, capture_output=True, text=True, check=True)
    chain = node.folder / "node.crt"
    leaf, *_ = chain.read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    chain.write_text(f"{leaf}-----END CERTIFICATE-----\n{ends.stdout}", encoding="utf-8")
    assert "it ends in 5" in (certificate.stale(node.folder, node.wish(), time.time()) or "")


def test_a_refusal_ends_the_wait_and_says_why(
    api: FakeApi, made: signer.Signer, node: certificate.Node, clock: Clock
) -> None:
    api.on_read = made.round
    api.objects[f"{PODS}cockroachdb-0"] = pod(ownerReferences=[])
    with pytest.raises(RuntimeError, match="Denied: pod cockroachdb-0 is not one of StatefulSet cockroachdb"):
        node.obtain(node.wish(), deadline(clock))
    assert not list(node.folder.iterdir())


def test_a_certificate_of_another_authority_never_reaches_the_node(
    api: FakeApi, node: certificate.Node, stranger: Authority, tmp_path: Path, clock: Clock
) -> None:
    folder = region_authority(stranger, tmp_path / "strange")
    api.on_read = signer.Signer(api, lambda: POLICY, signer.Authority(folder, 30)).round  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="of no use"):
        node.obtain(node.wish(), deadline(clock))
    assert not list(node.folder.iterdir())


def test_a_renewal_is_seen_by_what_watches_a_secrets_folder(tmp_path: Path) -> None:
    certificate.put(tmp_path, {"node.crt": "one", "node.key": "key one"})
    before = (tmp_path / "..data").readlink()
    certificate.put(tmp_path, {"node.crt": "two", "node.key": "key two"})
    assert (tmp_path / "..data").readlink() != before
    assert [(tmp_path / name).read_text() for name in ("node.crt", "node.key")] == ["two", "key two"]
    assert not (tmp_path / before).exists(), "keys that are out of use are gone"
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("..")) == [
        "node.crt",
        "node.key",
    ]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(ApiError(0, "no answer"), NotYetError), (ApiError(503, "x"), NotYetError), (ApiError(403, "x"), RuntimeError)],
)
def test_only_an_api_server_that_is_away_is_waited_for(
    node: certificate.Node, failure: ApiError, kind: type[Exception]
) -> None:
    def call() -> Any:
        raise failure

    with pytest.raises(kind):
        node._called(call)


@pytest.mark.parametrize("script", ["signer.py", "certificate.py"])
def test_what_runs_for_ever_ends_when_told(script: str, tmp_path: Path, authority: Authority) -> None:
    """As a container's first process it would ignore SIGTERM otherwise, for as long as the database may drain."""
    (tmp_path / "names").write_text("localhost")
    (tmp_path / "certs").mkdir()
    environment = {
        **os.environ,
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "1",
        "NAMESPACE": "us-east1",
        "POD_NAME": "cockroachdb-0",
        "POD_IP": POD_IP,
        "SIGNER_NAME": POLICY.signer,
        "ACCOUNT": "cockroachdb",
        "STATEFUL_SET": "cockroachdb",
        "NAMES_FILE": str(tmp_path / "names"),
        "AUTHORITY_FILE": authority.ca_file,
        "AUTHORITY_DIR": str(tmp_path),
        "CERTS_DIR": str(tmp_path / "certs"),
        "LEAF_DAYS": "30",
        "DEADLINE_SECONDS": "300",
        "RENEW": "true",
    }
    with subprocess.Popen(
        [sys.executable, "-B", str(SCRIPTS / script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        said = process.stdout.readline()
        process.terminate()
        rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0, said + rest
