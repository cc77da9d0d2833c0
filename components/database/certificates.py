"""The cluster's own certificates: one authority for all regions, a certificate per region's nodes, one per SQL user.

Every name in a certificate comes from the address plan. Private keys are secrets from birth: encrypted in the state, in
the cluster only where a component puts them, and the authority's never.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import NotRequired, TypedDict

import pulumi
import pulumi_tls as tls

ALGORITHM = "ECDSA"
CURVE = "P256"

HOURS_PER_DAY = 24
AUTHORITY_DAYS = 3652
"""Ten years, as `cockroach cert create-ca` gives. Never renewed by itself: that needs an overlap (`beside`)."""
LEAF_DAYS = 365
RENEW_DAYS = 60
"""A leaf is made anew by any `up` within this time before its end."""


class CertificateAuthorityArgs(TypedDict):
    """An authority, and another one beside it while leaves change over."""

    common_name: NotRequired[str]
    """Subject of the authority's certificate. Default `Cockroach CA`; a later generation's has its number too."""
    generation: NotRequired[int]
    """Which one signs: each has a key of its own. Default 1."""
    beside: NotRequired[int]
    """Generation of another one that is made, or kept, and trusted too. Default: none."""
    trusted: NotRequired[list[pulumi.Input[str]]]
    """Further authorities' certificates (PEM) to trust: others' than this component's own."""
    protect: NotRequired[bool]
    """Refuse to delete the key: without it no node can ever be added. Default true."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One generation of an authority."""

    certificate: pulumi.Output[str]
    """PEM."""
    private_key: pulumi.Output[str]
    """PEM, a secret."""


class CertificateAuthority(pulumi.ComponentResource):
    """The one authority that every region trusts. Its key stays in the encrypted state, in no cluster."""

    certificate: pulumi.Output[str]
    """The signing authority's certificate, PEM."""
    bundle: pulumi.Output[str]
    """What nodes and clients trust, PEM: this authority's certificate, the one beside it, then each of `trusted`."""
    private_key: pulumi.Output[str]
    """The signing key, PEM, a secret: for the components that sign, and for nothing in a cluster."""

    def __init__(self, name: str, args: CertificateAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:CertificateAuthority", name, {}, opts)
        common_name = args.get("common_name", "Cockroach CA")
        # What signs is kept. The other one is not in use yet, or no more.
        own = self._generation(name, common_name, args.get("generation", 1), protect=args.get("protect", True))
        self._beside = self._generation(name, common_name, args["beside"], protect=False) if "beside" in args else None
        self.private_key, self.certificate = own.private_key, own.certificate
        others = [] if self._beside is None else [self._beside.certificate]
        self.bundle = pulumi.Output.all(self.certificate, *others, *args.get("trusted", [])).apply(bundle)
        self.register_outputs({"certificate": self.certificate, "bundle": self.bundle, "private_key": self.private_key})

    def _generation(self, name: str, common_name: str, generation: int, *, protect: bool) -> "Authority":
        kept = pulumi.ResourceOptions(parent=self, protect=protect)
        key = tls.PrivateKey(numbered(f"{name}-key", generation), algorithm=ALGORITHM, ecdsa_curve=CURVE, opts=kept)
        private_key = pulumi.Output.secret(key.private_key_pem)
        certificate = tls.SelfSignedCert(
            numbered(f"{name}-certificate", generation),
            private_key_pem=private_key,
            is_ca_certificate=True,
            set_subject_key_id=True,
            subject={
                "common_name": common_name if generation == 1 else f"{common_name} {generation}",
                "organization": "Cockroach",
            },
            allowed_uses=["digital_signature", "cert_signing", "crl_signing"],
            validity_period_hours=AUTHORITY_DAYS * HOURS_PER_DAY,
            opts=kept,
        ).cert_pem
        return Authority(certificate, private_key)

    @property
    def beside(self) -> Authority | None:
        """The other generation, where there is one; for the component that checks who trusts it."""
        return self._beside


class NodeCertificateArgs(TypedDict):
    """A region's node certificate."""

    authority_certificate: pulumi.Input[str]
    """The signing authority's certificate, PEM."""
    authority_private_key: pulumi.Input[str]
    """The signing authority's key, PEM: a secret."""
    names: list[str]
    """DNS names and IP addresses at which clients and other nodes reach these nodes."""
    generation: NotRequired[int]
    """Another number is another key and certificate. Default 1."""


class NodeCertificate(pulumi.ComponentResource):
    """One certificate for all CockroachDB nodes of a region: they share the wildcard name of their Service.

    CN `node` and both uses are what CockroachDB asks of it: a node is its peers' server and client.
    """

    certificate: pulumi.Output[str]
    """PEM."""
    private_key: pulumi.Output[str]
    """PEM, a secret."""

    def __init__(self, name: str, args: NodeCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:NodeCertificate", name, {}, opts)
        dns_names, addresses = split_names(args["names"])
        self.certificate, self.private_key, _ = _leaf(
            self,
            name,
            common_name="node",
            dns_names=dns_names,
            ip_addresses=addresses,
            uses=["digital_signature", "server_auth", "client_auth"],
            authority=(args["authority_certificate"], args["authority_private_key"]),
            generation=args.get("generation", 1),
        )
        self.register_outputs({"certificate": self.certificate, "private_key": self.private_key})


class ClientCertificateArgs(TypedDict):
    """A SQL user's certificate."""

    authority_certificate: pulumi.Input[str]
    """The signing authority's certificate, PEM."""
    authority_private_key: pulumi.Input[str]
    """The signing authority's key, PEM: a secret."""
    user: str
    """The SQL user, which becomes the certificate's CN."""
    generation: NotRequired[int]
    """Another number is another key and certificate. Default 1."""


class ClientCertificate(pulumi.ComponentResource):
    """What a SQL user logs in with."""

    certificate: pulumi.Output[str]
    """PEM."""
    private_key: pulumi.Output[str]
    """PEM, a secret."""
    ends: pulumi.Output[str]
    """When, RFC 3339."""

    def __init__(self, name: str, args: ClientCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:ClientCertificate", name, {}, opts)
        self.certificate, self.private_key, self.ends = _leaf(
            self,
            name,
            common_name=args["user"],
            dns_names=[],
            ip_addresses=[],
            uses=["digital_signature", "client_auth"],
            authority=(args["authority_certificate"], args["authority_private_key"]),
            generation=args.get("generation", 1),
        )
        self.register_outputs({"certificate": self.certificate, "private_key": self.private_key, "ends": self.ends})


def numbered(name: str, generation: int) -> str:
    """A resource's name: that of the first generation has no number."""
    return name if generation == 1 else f"{name}-{generation}"


def bundle(certificates: list[str]) -> str:
    """PEM certificates as one file, each once, in the order given."""
    return "".join(dict.fromkeys(certificate.strip() + "\n" for certificate in certificates))


def split_names(names: list[str]) -> tuple[list[str], list[str]]:
    """(DNS names, IP addresses) of a certificate's names, in the order given."""
    addresses = [name for name in names if _is_address(name)]
    return [name for name in names if name not in addresses], addresses


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _leaf(
    parent: pulumi.ComponentResource,
    name: str,
    *,
    common_name: str,
    dns_names: list[str],
    ip_addresses: list[str],
    uses: list[str],
    authority: tuple[pulumi.Input[str], pulumi.Input[str]],
    generation: int,
) -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[str]]:
    """(certificate, private key, end)."""
    opts = pulumi.ResourceOptions(parent=parent)
    key = tls.PrivateKey(numbered(f"{name}-key", generation), algorithm=ALGORITHM, ecdsa_curve=CURVE, opts=opts)
    private_key = pulumi.Output.secret(key.private_key_pem)
    request = tls.CertRequest(
        numbered(f"{name}-request", generation),
        private_key_pem=private_key,
        subject={"common_name": common_name, "organization": "Cockroach"},
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        opts=opts,
    )
    certificate = tls.LocallySignedCert(
        numbered(f"{name}-certificate", generation),
        cert_request_pem=request.cert_request_pem,
        ca_cert_pem=authority[0],
        ca_private_key_pem=pulumi.Output.secret(authority[1]),
        allowed_uses=uses,
        validity_period_hours=LEAF_DAYS * HOURS_PER_DAY,
        early_renewal_hours=RENEW_DAYS * HOURS_PER_DAY,
        set_subject_key_id=True,
        opts=opts,
    )
    return certificate.cert_pem, private_key, certificate.validity_end_time
