"""Keys, requests and certificates by the openssl program, which the tools image has: Python's library makes none."""

from __future__ import annotations

import secrets
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

TIMEOUT_SECONDS = 30
SUBJECT = "/O=Cockroach/CN=node"
"""CockroachDB knows its nodes by CN `node`."""


class OpensslError(RuntimeError):
    """The program's own words."""


def key_and_request(folder: Path, dns_names: Sequence[str], addresses: Sequence[str]) -> tuple[str, str]:
    """A new key and a request for these names, both PEM. `folder` may be read by this user alone."""
    names = ",".join([*(f"DNS:{name}" for name in dns_names), *(f"IP:{address}" for address in addresses)])
    config = folder / "request.cnf"
    config.write_text("[req]\ndistinguished_name=subject\n[subject]\n", encoding="utf-8")
    _run(
        *("req", "-new", "-batch", "-config", str(config), "-subj", SUBJECT, "-addext", f"subjectAltName={names}"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-sha256"),
        *("-keyout", str(folder / "node.key"), "-out", str(folder / "node.csr")),
    )
    return _text(folder / "node.key"), _text(folder / "node.csr")


def sign(
    request: str, dns_names: Sequence[str], addresses: Sequence[str], certificate: Path, private_key: Path, days: int
) -> str:
    """The leaf, PEM, that names exactly these, whatever the request names; its key is the request's.

    Raises OpensslError, also where the request isn't signed by its own key.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "request.csr").write_text(request, encoding="utf-8")
        (folder / "leaf.cnf").write_text(leaf_extensions(dns_names, addresses), encoding="utf-8")
        return _run(
            *("x509", "-req", "-sha256", "-in", str(folder / "request.csr"), "-days", str(days)),
            *("-CA", str(certificate), "-CAkey", str(private_key), "-set_serial", f"0x{secrets.token_hex(16)}"),
            *("-extfile", str(folder / "leaf.cnf"), "-extensions", "leaf"),
        )


def proves_its_key(request: str) -> bool:
    """Whether the request is signed by the key that it asks a certificate for. Some versions' exit code doesn't say."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "request.csr"
        path.write_text(request, encoding="utf-8")
        done = _call("req", "-verify", "-noout", "-in", str(path))
    return done.returncode == 0 and "verify OK" in done.stdout + done.stderr


def leaf_extensions(dns_names: Sequence[str], addresses: Sequence[str]) -> str:
    """An openssl configuration: what the certificate of a node says beside its subject."""
    names = [f"DNS.{n} = {name}" for n, name in enumerate(dns_names, 1)]
    names += [f"IP.{n} = {address}" for n, address in enumerate(addresses, 1)]
    return "\n".join(
        [
            "[leaf]",
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature",
            "extendedKeyUsage = serverAuth, clientAuth",
            "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid",
            "subjectAltName = @names",
            "[names]",
            *names,
            "",
        ]
    )


def verify(chain: Path, authority: Path, address: str) -> None:
    """The first certificate of `chain` is signed by way of the others, valid now, and for `address`.

    Raises OpensslError.
    """
    _run("verify", "-CAfile", str(authority), "-untrusted", str(chain), "-verify_ip", address, str(chain))


def end(chain: Path) -> float:
    """When the first of a file's certificates to end does so, in Unix seconds. Raises OpensslError."""
    begin = "-----BEGIN CERTIFICATE-----"
    certificates = [begin + rest for rest in _text(chain).split(begin)[1:]]
    said = [_run("x509", "-noout", "-enddate", given=each).strip() for each in certificates]
    if not said:
        raise OpensslError(f"{chain} holds no certificate")
    return min(float(ssl.cert_time_to_seconds(each.removeprefix("notAfter="))) for each in said)


def _call(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["openssl", *words], input=given, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OpensslError(f"openssl {words[0]}: {error}") from error


def _run(*words: str, given: str | None = None) -> str:
    done = _call(*words, given=given)
    if done.returncode != 0:
        raise OpensslError(f"openssl {words[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
