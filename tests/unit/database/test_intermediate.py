"""What a region's authority can vouch for, by the verdict of OpenSSL and of `cryptography` on real certificates."""

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import openssl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from components.database import intermediate
from components.database.region_authority import constraints
from tests.unit.database.conftest import Authority
from tests.unit.database.signing import NAMES, POD_CIDR, POD_IP, handshake, region_authority, request

FOREIGN = "permitted subtree violation"


def leaf(root: Authority, folder: Path, dns: list[str], addresses: list[str]) -> tuple[Path, Path]:
    """(Chain, key), signed by the region's authority without asking whether it may: as a thief of its key would."""
    signer = region_authority(root, folder / "authority")
    key, text = request(folder, dns=dns, addresses=addresses)
    signed = openssl.sign(text, dns, addresses, signer / "tls.crt", signer / "tls.key", 30)
    chain, key_file = folder / "chain.crt", folder / "chain.key"
    chain.write_text(signed + (signer / "tls.crt").read_text())
    key_file.write_text(key)
    return chain, key_file


GOOD = ["localhost", "*.cockroachdb.us-east1.svc.cluster.local"]
HOSTS = [POD_IP, "10.1.16.26", "127.0.0.1", "cockroachdb-2.cockroachdb.us-east1.svc.cluster.local"]


@pytest.mark.parametrize("host", HOSTS)
def test_peers_take_a_nodes_certificate_for_all_that_it_names(authority: Authority, tmp_path: Path, host: str) -> None:
    pair = leaf(authority, tmp_path, GOOD, [POD_IP, "10.1.16.26", "127.0.0.1"])
    handshake(pair, authority.ca_file, host)


def test_a_peer_that_was_dialled_at_another_address_is_refused(authority: Authority, tmp_path: Path) -> None:
    pair = leaf(authority, tmp_path, GOOD, [POD_IP])
    with pytest.raises(ssl.SSLError, match="IP address mismatch"):
        handshake(pair, authority.ca_file, "10.1.128.8")


@pytest.mark.parametrize(
    ("dns", "addresses", "host"),
    [
        (GOOD, [POD_IP, "10.2.128.7"], "10.2.128.7"),
        (GOOD, [POD_IP, "10.2.16.26"], "10.2.16.26"),
        (GOOD, [POD_IP, "10.1.16.53"], "10.1.16.53"),
        (GOOD, [POD_IP, "10.1.0.1"], "10.1.0.1"),
        ([*GOOD, "cockroachdb-0.cockroachdb.us-west1.svc.cluster.local"], [POD_IP],
         "cockroachdb-0.cockroachdb.us-west1.svc.cluster.local"),
        ([*GOOD, "*.us-east1.svc.cluster.local"], [POD_IP], "x.us-east1.svc.cluster.local"),
    ],
)  # fmt: skip
def test_the_name_of_anyone_else_is_worth_nothing(
    authority: Authority, tmp_path: Path, dns: list[str], addresses: list[str], host: str
) -> None:
    pair = leaf(authority, tmp_path, dns, addresses)
    with pytest.raises(ssl.SSLError, match=FOREIGN):
        handshake(pair, authority.ca_file, host)
    with pytest.raises(openssl.OpensslError, match=FOREIGN):
        openssl.verify(pair[0], Path(authority.ca_file), POD_IP)


@pytest.mark.parametrize(("address", "good"), [(POD_IP, True), ("10.2.128.7", False)])
def test_cryptographys_own_verifier_agrees(authority: Authority, tmp_path: Path, address: str, good: bool) -> None:
    chain, _ = leaf(authority, tmp_path, GOOD, [address])
    first, second = x509.load_pem_x509_certificates(chain.read_bytes())
    store = Store([x509.load_pem_x509_certificate(Path(authority.ca_file).read_bytes())])
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.IPAddress(ip_address(address)))
    if good:
        assert len(verifier.verify(first, [second])) == 3
    else:
        with pytest.raises(VerificationError):
            verifier.verify(first, [second])


def test_no_authority_below_it(authority: Authority, tmp_path: Path) -> None:
    made = x509.load_pem_x509_certificate((region_authority(authority, tmp_path) / "tls.crt").read_bytes())
    found = {extension.oid: extension for extension in made.extensions}
    basic = found[x509.BasicConstraints.oid]
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(ca=True, path_length=0))
    names = found[x509.NameConstraints.oid]
    assert names.critical
    assert names.value.excluded_subtrees is None


def test_constraints_are_the_regions_names_and_ranges() -> None:
    assert constraints(NAMES, POD_CIDR) == [
        "localhost",
        "cockroachdb-public.us-east1",
        "cockroachdb.us-east1.svc.cluster.local",
        "127.0.0.1/32",
        "10.1.16.26/32",
        POD_CIDR,
    ]


def test_it_never_outlives_the_root(authority: Authority, tmp_path: Path) -> None:
    made = (region_authority(authority, tmp_path, days=4000) / "tls.crt").read_text()
    assert intermediate.ends(made) == authority.certificate.not_valid_after_utc


def test_when_it_is_due(authority: Authority, tmp_path: Path) -> None:
    made = (region_authority(authority, tmp_path, days=20) / "tls.crt").read_text()
    now = datetime.datetime.now(datetime.UTC)
    month = datetime.timedelta(days=10)
    assert not intermediate.due(made, month, now)
    assert intermediate.due(made, month, now + datetime.timedelta(days=11))


def test_a_request_that_is_not_signed_by_its_own_key_proves_nothing(authority: Authority, tmp_path: Path) -> None:
    _, text = request(tmp_path)
    assert openssl.proves_its_key(text)
    der = bytearray(x509.load_pem_x509_csr(text.encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    broken = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST")
    assert not openssl.proves_its_key(broken)
    signer = region_authority(authority, tmp_path / "authority")
    with pytest.raises(openssl.OpensslError):
        openssl.sign(broken, [], [POD_IP], signer / "tls.crt", signer / "tls.key", 30)
