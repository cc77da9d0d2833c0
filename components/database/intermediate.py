"""Certificates of authorities that may vouch for a few names only: pure, X.509 by the `cryptography` library.

Pulumi's TLS plugin makes no name constraints.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BACKDATED = timedelta(minutes=5)
"""A clock that is a little behind takes the certificate too."""


def certificate(
    authority_certificate: str,
    authority_private_key: str,
    public_key: str,
    common_name: str,
    permitted: Sequence[str],
    lifetime: timedelta,
    now: datetime,
) -> str:
    """PEM of an authority signed by another. `permitted`: DNS names, each with all below it, and IPv4 ranges.

    Raises ValueError where a range is none, or the signing key isn't of an elliptic curve (as this program's are).
    """
    parent = x509.load_pem_x509_certificate(authority_certificate.encode())
    signing = serialization.load_pem_private_key(authority_private_key.encode(), None)
    own = serialization.load_pem_public_key(public_key.encode())
    if not isinstance(signing, ec.EllipticCurvePrivateKey) or not isinstance(own, ec.EllipticCurvePublicKey):
        raise ValueError("keys of authorities are of elliptic curves")
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(parent.subject)
        .public_key(own)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(now + lifetime, parent.not_valid_after_utc))
        # None below it: what it signs are nodes.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints([_general(name) for name in permitted], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(_authority_key(parent, signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def ends(pem: str) -> datetime:
    """When a certificate ends."""
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def due(pem: str, renewal: timedelta, now: datetime | None = None) -> bool:
    """Whether a certificate ends within `renewal`."""
    return ends(pem) - (now or datetime.now(UTC)) < renewal


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Cockroach"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _general(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_network(name)) if "/" in name else x509.DNSName(name)


def _authority_key(parent: x509.Certificate, key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    try:
        own = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
