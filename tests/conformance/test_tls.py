"""Keys and certificates of the tls provider, read with another implementation of X.509."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from tests.conformance.stack import Stack

PROGRAM = """
    import pulumi
    import pulumi_tls as tls

    ca_key = tls.PrivateKey("ca", algorithm="ECDSA", ecdsa_curve="P256")
    ca = tls.SelfSignedCert("ca", private_key_pem=ca_key.private_key_pem, is_ca_certificate=True,
        subject={{"common_name": "Cockroach CA", "organization": "Cockroach"}}, early_renewal_hours={early},
        allowed_uses=["cert_signing", "crl_signing", "digital_signature"], validity_period_hours=100)
    key = tls.PrivateKey("node", algorithm="RSA")
    request = tls.CertRequest("node", private_key_pem=key.private_key_pem, subject={{"common_name": "node"}},
        dns_names={names}, ip_addresses=["127.0.0.1"], uris=["spiffe://a/b"])
    node = tls.LocallySignedCert("node", cert_request_pem=request.cert_request_pem, ca_cert_pem=ca.cert_pem,
        ca_private_key_pem=ca_key.private_key_pem, allowed_uses=["server_auth", "client_auth"],
        validity_period_hours=50)
    for name, value in {{"ca": ca.cert_pem, "node": node.cert_pem, "key": key.private_key_pem, "ca_key":
                        ca_key.private_key_pem, "ready": ca.ready_for_renewal}}.items():
        pulumi.export(name, value)
    """
NAMES = ["localhost", "*.cockroachdb.us-east1.svc.cluster.local"]


def test_a_chain_that_others_verify(bare_stack: Stack, tmp_path: Path) -> None:
    run = bare_stack.up(PROGRAM.format(early=0, names=NAMES))
    outputs = bare_stack.outputs()
    for name in ("ca", "node"):
        (tmp_path / f"{name}.pem").write_text(outputs[name])
    argv = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "ca.pem"), str(tmp_path / "node.pem")]
    verified = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr

    ca = x509.load_pem_x509_certificate(outputs["ca"].encode())
    node = x509.load_pem_x509_certificate(outputs["node"].encode())
    node.verify_directly_issued_by(ca)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not node.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert ca.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Cockroach"
    names = node.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("127.0.0.1")]
    uses = node.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    assert isinstance(uses, x509.ExtendedKeyUsage)
    assert set(uses) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert node.not_valid_after_utc - node.not_valid_before_utc == timedelta(hours=50)

    key = load_pem_private_key(outputs["key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert node.public_key() == key.public_key()
    assert isinstance(load_pem_private_key(outputs["ca_key"].encode(), None), ec.EllipticCurvePrivateKey)
    assert "PRIVATE KEY" not in bare_stack.state_text()
    assert "PRIVATE KEY" not in run.text


def test_what_changes_a_certificate_replaces_it(bare_stack: Stack) -> None:
    bare_stack.up(PROGRAM.format(early=0, names=NAMES))
    assert bare_stack.preview().steps == dict.fromkeys(("ca", "node"), "same")
    later = bare_stack.up(PROGRAM.format(early=99, names=NAMES))
    assert ("update", "ca") in later.order
    assert not [operation for operation, _ in later.order if "replace" in operation]
    renamed = bare_stack.preview(PROGRAM.format(early=99, names=["localhost"]))
    assert ("replace", "node") in renamed.order
    assert ("replace", "ca") not in renamed.order
    due = bare_stack.up(PROGRAM.format(early=101, names=NAMES))
    assert ("replace", "ca") in due.order
    assert bare_stack.outputs()["ready"] is False


def test_other_algorithms_and_refusals(bare_stack: Stack) -> None:
    program = """
        import pulumi
        import pulumi_tls as tls
        key = tls.PrivateKey("key", algorithm={algorithm!r}{more})
        pulumi.export("key", key.private_key_pem)
        pulumi.export("ssh", key.public_key_openssh)
        """
    bare_stack.up(program.format(algorithm="ED25519", more=""))
    outputs = bare_stack.outputs()
    assert isinstance(load_pem_private_key(outputs["key"].encode(), None), ed25519.Ed25519PrivateKey)
    assert outputs["ssh"].startswith("ssh-ed25519 ")
    refused = bare_stack.up(program.format(algorithm="DSA", more=""), fails=True)
    assert "RSA" in refused.text
    assert "DSA" in refused.text
    assert "Traceback" not in refused.text, "a program that is stopped says nothing"
    refused = bare_stack.up(program.format(algorithm="ECDSA", more=", ecdsa_curve='P999'"), fails=True)
    assert "P521" in refused.text
