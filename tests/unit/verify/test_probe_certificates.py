"""When certificates end that no connection shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from verify.probe import certificates

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def authority(days: float) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {days}")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_authorities_and_users(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(authority(3000) + authority(20))
    (tmp_path / "declared").write_text(json.dumps({"root": "2026-12-06T00:00:00Z", "app": "2026-11-25T01:00:00+01:00"}))
    found = certificates.ends(str(tmp_path / "ca.crt"), tmp_path / "declared", NOW.timestamp())
    assert {one["name"]: one["daysLeft"] for one in found} == {
        "authority": 20,
        "authority 2": 3000,
        "client app": -1,
        "client root": 10,
    }
    assert found[0]["ends"] == (NOW + timedelta(days=20)).timestamp()


def test_what_can_not_be_read_is_not_told_of(tmp_path: Path) -> None:
    assert certificates.ends(str(tmp_path / "none"), tmp_path / "none") == []
    (tmp_path / "ca.crt").write_text("no certificate")
    (tmp_path / "declared").write_text('{"root": null}')
    assert certificates.ends(str(tmp_path / "ca.crt"), tmp_path / "declared") == []
