"""Keys and certificates of one region's control plane, as kubeadm lays them out: one CA, a client per component."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=365)
"""A lab that outlives its certificates is made again; real clusters' leaves live a year too."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate to sign: `name`.crt and `name`.key; `alt_names` make it a server's, otherwise it is a client's."""

    name: str
    common_name: str
    organization: str | None = None
    alt_names: Sequence[str] = ()


def ensure(folder: Path, leaves: Sequence[Leaf]) -> None:
    """Make what is missing in `folder`: `ca.crt`, `ca.key`, the service account key `sa.key`/`sa.pub`, the leaves.

    What exists is kept, so that a lab that is started again keeps its clients.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "ca.crt").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(folder / "ca.key", key)
        _write(folder / "ca.crt", _certificate("lab-ca", None, key, None, key, ()))
    if not (folder / "sa.pub").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(folder / "sa.key", key)
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        _write(folder / "sa.pub", key.public_key().public_bytes(serialization.Encoding.PEM, public))
    missing = [leaf for leaf in leaves if not (folder / f"{leaf.name}.crt").exists()]
    if missing:
        authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
        signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 (the file was written above)
        for leaf in missing:
            key = ec.generate_private_key(ec.SECP256R1())
            _write_key(folder / f"{leaf.name}.key", key)
            signed = _certificate(leaf.common_name, leaf.organization, key, authority, signer, leaf.alt_names)
            _write(folder / f"{leaf.name}.crt", signed)


def _certificate(
    common_name: str,
    organization: str | None,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
    alt_names: Sequence[str],
) -> bytes:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name(attributes)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if authority:
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if alt_names else [])
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if alt_names:
        names = [_general_name(name) for name in alt_names]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PrivateFormat.PKCS8
    _write(file, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, and readable by its owner only."""
    fresh = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
    fresh.replace(file)
