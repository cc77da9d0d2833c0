"""Region authorities, requests and API objects as the tests of certificates for pods' own addresses use them."""

import base64
import datetime
import ssl
from pathlib import Path
from typing import Any

import approval
import openssl
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.database import intermediate
from components.database.region_authority import constraints
from tests.unit.database.conftest import Authority

NAMES = [
    "localhost",
    "127.0.0.1",
    "cockroachdb-public.us-east1",
    "*.cockroachdb.us-east1.svc.cluster.local",
    "10.1.16.26",
]
POD_CIDR, POD_IP = "10.1.128.0/17", "10.1.128.7"
SIGNER = "cockroachdb-multiregion.io/us-east1"
POLICY = approval.policy(SIGNER, "us-east1", "cockroachdb", "cockroachdb", NAMES)
USAGES = ["client auth", "digital signature", "server auth"]


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    made = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return made.decode()


def region_authority(root: Authority, folder: Path, days: float = 365, names: list[str] | None = None) -> Path:
    """A folder with `tls.crt` and `tls.key`, as the signer's Secret is mounted."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = intermediate.certificate(
        Path(root.ca_file).read_text(),
        pem(root.key),
        public_pem(key),
        "Cockroach CA us-east1",
        constraints(NAMES if names is None else names, POD_CIDR),
        datetime.timedelta(days=days),
        datetime.datetime.now(datetime.UTC),
    )
    folder.mkdir(exist_ok=True)
    (folder / "tls.crt").write_text(certificate)
    (folder / "tls.key").write_text(pem(key))
    return folder


def request(folder: Path, *, dns: list[str] | None = None, addresses: list[str] | None = None) -> tuple[str, str]:
    """Key and request of a node, by openssl."""
    dns_names, static = approval.split(NAMES)
    return openssl.key_and_request(
        folder, dns_names if dns is None else dns, [*static, POD_IP] if addresses is None else addresses
    )


def odd_request(
    subject: list[tuple[x509.ObjectIdentifier, str]] | None = None,
    names: list[x509.GeneralName] | None = None,
    key: Any = None,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> str:
    """A request as no node makes it."""
    usual = [(NameOID.ORGANIZATION_NAME, "Cockroach"), (NameOID.COMMON_NAME, "node")]
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in (usual if subject is None else subject)])
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def csr(text: str, **changes: Any) -> dict[str, Any]:
    """The API's object, as it notes a request of pod cockroachdb-0."""
    return {
        "metadata": {"name": "us-east1-cockroachdb-0-x7k2p", "resourceVersion": "1"},
        "spec": {
            "request": base64.b64encode(text.encode()).decode(),
            "signerName": SIGNER,
            "usages": USAGES,
            "username": "system:serviceaccount:us-east1:cockroachdb",
            "extra": {
                "authentication.kubernetes.io/pod-name": ["cockroachdb-0"],
                "authentication.kubernetes.io/pod-uid": ["pod-uid"],
                "authentication.kubernetes.io/node-name": ["host-1"],
            },
            **changes,
        },
        "status": {},
    }


def pod(**changes: Any) -> dict[str, Any]:
    """Pod cockroachdb-0. `changes` are of its metadata, `status` of its status."""
    status = {"phase": "Pending", "podIP": POD_IP, **changes.pop("status", {})}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "name": "cockroachdb",
        "uid": "set-uid",
        "controller": True,
    }
    metadata = {"name": "cockroachdb-0", "namespace": "us-east1", "uid": "pod-uid", "ownerReferences": [owner]}
    return {"metadata": {**metadata, **changes}, "status": status}


def stateful_set(uid: str = "set-uid") -> dict[str, Any]:
    return {"metadata": {"name": "cockroachdb", "namespace": "us-east1", "uid": uid}}


def handshake(server: tuple[Path, Path], ca_file: str, host: str) -> None:
    """TLS between a node and a peer that dials `host`, both of which show `server`. Raises ssl.SSLError."""
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepting.load_cert_chain(*server)
    accepting.load_verify_locations(ca_file)
    accepting.verify_mode = ssl.CERT_REQUIRED
    dialling = ssl.create_default_context(cafile=ca_file)
    dialling.load_cert_chain(*server)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = dialling.wrap_bio(back, there, server_hostname=host)
    node = accepting.wrap_bio(there, back, server_side=True)
    waiting = [client, node]
    for _ in range(20):
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    assert not waiting, "the handshake did not end"
    # With TLS 1.3 the server checks the client's certificate after the client's own part is over.
    client.write(b"ping")
    assert node.read(4) == b"ping"
