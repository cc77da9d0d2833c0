"""Whose request is signed, and everything that is refused."""

import copy
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import approval
import pytest
import signing_request
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from waiting import NotYetError

from tests.unit.database.signing import NAMES, POD_IP, POLICY, csr, odd_request, pod, request, stateful_set

EXTRA = "authentication.kubernetes.io"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return request(tmp_path_factory.mktemp("request"))[1]


def judged(text: str, asked: Any = None, found: Any = None, owner: Any = None) -> approval.Leaf:
    return approval.judge(asked or csr(text), found or pod(), owner or stateful_set(), text, POLICY)


def test_a_node_gets_the_names_of_its_region_and_its_own_address(text: str) -> None:
    leaf = judged(text)
    assert set(leaf.dns_names) | set(leaf.addresses) == {*NAMES, POD_IP}


def test_fewer_of_the_regions_names_are_fine(tmp_path: Path) -> None:
    _, text = request(tmp_path, dns=["localhost"], addresses=[POD_IP])
    assert judged(text) == approval.Leaf(("localhost",), (POD_IP,))


def without(path: str) -> dict[str, list[str]]:
    extra = copy.deepcopy(csr("")["spec"]["extra"])
    del extra[f"{EXTRA}/{path}"]
    return extra


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signerName": "kubernetes.io/kubelet-serving"}, "signerName is kubernetes.io/kubelet-serving"),
        ({"signerName": "cockroachdb-multiregion.io/us-west1"}, "signerName is cockroachdb-multiregion.io/us-west1"),
        ({"username": "system:serviceaccount:us-east1:default"}, "asked by system:serviceaccount:us-east1:default"),
        ({"username": "system:serviceaccount:us-west1:cockroachdb"}, "asked by .*us-west1"),
        ({"username": "system:node:host-1"}, "asked by system:node:host-1"),
        ({"extra": without("pod-name")}, "bound to no pod"),
        ({"extra": without("pod-uid")}, "bound to no pod"),
        ({"extra": None}, "bound to no pod"),
        ({"extra": {f"{EXTRA}/pod-name": ["a", "b"], f"{EXTRA}/pod-uid": ["u"]}}, "bound to no pod"),
        ({"extra": {f"{EXTRA}/pod-name": ["cockroachdb-0"], f"{EXTRA}/pod-uid": ["old"]}}, "uid old does not exist"),
        ({"usages": ["digital signature", "server auth"]}, "usages are not exactly"),
        ({"usages": ["digital signature", "server auth", "client auth", "cert sign"]}, "usages are not exactly"),
        ({"usages": []}, "usages are not exactly"),
    ],
)
def test_who_asks_and_for_which_use(text: str, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(approval.RefusedError, match=why):
        judged(text, asked=csr(text, **changes))


OWNER = pod()["metadata"]["ownerReferences"][0]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (pod(uid="another"), "uid pod-uid does not exist"),
        (pod(namespace="default"), "not in namespace us-east1"),
        (pod(deletionTimestamp="2026-01-01T00:00:00Z"), "has ended, or is about to"),
        (pod(status={"phase": "Failed"}), "has ended"),
        (pod(status={"phase": "Succeeded"}), "has ended"),
        (pod(ownerReferences=[]), "is not one of StatefulSet cockroachdb"),
        (pod(ownerReferences=[{**OWNER, "uid": "another"}]), "is not one of StatefulSet"),
        (pod(ownerReferences=[{**OWNER, "name": "another"}]), "is not one of StatefulSet"),
        (pod(ownerReferences=[{**OWNER, "kind": "ReplicaSet"}]), "is not one of StatefulSet"),
        (pod(ownerReferences=[{**OWNER, "apiVersion": "acme.io/v1"}]), "is not one of StatefulSet"),
        (pod(ownerReferences=[{**OWNER, "controller": False}]), "is not one of StatefulSet"),
        (pod(status={"podIP": "10.1.128.8"}), r"asks for address 10\.1\.128\.7; pod cockroachdb-0 has 10\.1\.128\.8"),
    ],
)
def test_which_pod_it_is(text: str, found: Any, why: str) -> None:
    with pytest.raises(approval.RefusedError, match=why):
        judged(text, found=found)


def test_a_pod_or_a_stateful_set_that_is_gone(text: str) -> None:
    with pytest.raises(approval.RefusedError, match="does not exist"):
        approval.judge(csr(text), None, stateful_set(), text, POLICY)
    with pytest.raises(approval.RefusedError, match="there is no StatefulSet"):
        approval.judge(csr(text), pod(), None, text, POLICY)
    with pytest.raises(approval.RefusedError, match="is not one of StatefulSet"):
        judged(text, owner=stateful_set(uid="made-anew"))


def test_a_pod_without_an_address_yet_has_to_wait(text: str) -> None:
    with pytest.raises(NotYetError, match="has no address yet"):
        judged(text, found=pod(status={"podIP": ""}))


def own(*more: x509.GeneralName) -> list[x509.GeneralName]:
    return [x509.IPAddress(IPv4Address(POD_IP)), *more]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (odd_request(names=[]), "asks for address none"),
        (odd_request(names=None), "asks for address none"),
        (odd_request(names=[x509.IPAddress(IPv4Address("10.1.16.26"))]), "asks for address none"),
        (odd_request(names=own(x509.IPAddress(IPv4Address("10.1.128.8")))), r"address 10\.1\.128\.7, 10\.1\.128\.8"),
        (odd_request(names=own(x509.IPAddress(IPv4Address("10.2.16.26")))), r"10\.2\.16\.26"),
        (odd_request(names=own(x509.DNSName("us-west1.example"))), "asks for the names us-west1.example"),
        (odd_request(names=own(x509.DNSName("*.localhost"))), r"asks for the names \*\.localhost"),
        (odd_request(names=own(x509.DNSName("a, IP Address:10.1.128.7"))), "asks for the names a, IP"),
        (odd_request(names=own(x509.RFC822Name("a@example"))), "more than names: alternative name of kind 1"),
        (odd_request(names=own(x509.UniformResourceIdentifier("spiffe://x"))), "alternative name of kind 6"),
        (odd_request(names=own(), extensions=(x509.BasicConstraints(True, None),)), r"more than names: 2\.5\.29\.19"),
        (odd_request([(NameOID.ORGANIZATION_NAME, "Cockroach"), (NameOID.COMMON_NAME, "root")], own()), "subject"),
        (odd_request([(NameOID.COMMON_NAME, "node")], own()), "subject"),
        (odd_request([], own()), "subject"),
        (odd_request([(NameOID.ORGANIZATION_NAME, "Cockroach"), (NameOID.COMMON_NAME, "node"),
                      (NameOID.COMMON_NAME, "node")], own()), "subject"),
        (odd_request(names=own(), key=rsa.generate_private_key(65537, 2048)), "not of curve P-256"),
        (odd_request(names=own(), key=ec.generate_private_key(ec.SECP384R1())), "not of curve P-256"),
        ("no request at all", "can't be read"),
        (odd_request(names=own()) * 2, "can't be read"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n", "can't be read"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n", "can't be read"),
    ],
)  # fmt: skip
def test_what_is_asked_for(text: str, why: str) -> None:
    with pytest.raises(approval.RefusedError, match=why):
        judged(text)


def test_requests_are_read_as_cryptography_reads_them(text: str) -> None:
    found = signing_request.read(text)
    theirs = x509.load_pem_x509_csr(text.encode())
    names = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(found.dns_names) == names.get_values_for_type(x509.DNSName)
    assert list(found.addresses) == [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert list(found.subject) == [(part.oid.dotted_string, part.value) for part in theirs.subject]
    assert found.others == ()


@pytest.mark.parametrize("length", [1, 120, 127, 128, 255, 256, 400])
def test_names_of_every_length(length: int) -> None:
    """Lengths of up to 127 octets are one octet in DER, longer ones several."""
    name = "a" * length
    assert signing_request.read(odd_request(names=[x509.DNSName(name)])).dns_names == (name,)
