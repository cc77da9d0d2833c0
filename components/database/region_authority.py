"""A region's own authority: what its signer holds. Who steals it can pass for any node of the region and, as X.509's
name constraints are about hosts and not about users, for any SQL user.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import pulumi
import pulumi_tls as tls
from pulumi import dynamic
from pulumi.runtime.rpc import UNKNOWN

from .certificates import ALGORITHM, CURVE, LEAF_DAYS, RENEW_DAYS, split_names

_COMPARED = ("authority_certificate", "public_key", "common_name", "permitted")


class ConstrainedCertificateProvider(dynamic.ResourceProvider):
    """Signs, and signs anew what ends soon.

    The state holds a pickle of this class's import path, not of its code (see `network.dns_forwards`). The signing key
    is an input, never an output. `cryptography` is imported where something is signed: no other strategy needs it.
    """

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Another key beneath the same subject is a change in place too: nothing here is ever replaced."""
        from . import intermediate

        if UNKNOWN in json.dumps({key: _news.get(key) for key in _COMPARED}, default=str):
            return dynamic.DiffResult(changes=True)
        changed = any(_olds.get(key) != _news.get(key) for key in _COMPARED)
        return dynamic.DiffResult(
            changes=changed or intermediate.due(_olds["certificate"], timedelta(days=RENEW_DAYS)), replaces=[]
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["common_name"], _signed(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(_signed(_news))


def _signed(props: dict[str, Any]) -> dict[str, Any]:
    from . import intermediate

    made = intermediate.certificate(
        props["authority_certificate"],
        props["authority_private_key"],
        props["public_key"],
        props["common_name"],
        props["permitted"],
        timedelta(days=LEAF_DAYS),
        datetime.now(UTC),
    )
    return {**{key: props[key] for key in _COMPARED}, "certificate": made}


class ConstrainedCertificate(dynamic.Resource, module="cockroachdb-multiregion", name="ConstrainedCertificate"):
    """An authority's certificate, valid for some names only."""

    certificate: pulumi.Output[str]
    """PEM."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ConstrainedCertificateProvider(), name, {**props, "certificate": None}, opts)


class RegionAuthorityArgs(TypedDict):
    """What a region's authority may vouch for."""

    authority_certificate: pulumi.Input[str]
    """The root authority's certificate, PEM."""
    authority_private_key: pulumi.Input[str]
    """The root authority's key, PEM: a secret, which stays in the state."""
    region: str
    """Name of the region, part of the certificate's subject."""
    names: list[str]
    """DNS names and addresses that every node of the region has."""
    address_cidr: str
    """Range of the region's pods, or of its hosts: each node has an address of it."""


class RegionAuthority(pulumi.ComponentResource):
    """An authority for the nodes of one region, signed by the root.

    X.509 name constraints, which every peer checks, hold what it signs to the region's pods, names and load balancers.
    The key is made here, kept in the encrypted state, and given to the region's signer.
    """

    certificate: pulumi.Output[str]
    """PEM."""
    private_key: pulumi.Output[str]
    """PEM, a secret."""

    def __init__(self, name: str, args: RegionAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:RegionAuthority", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm=ALGORITHM, ecdsa_curve=CURVE, opts=child)
        self.private_key = pulumi.Output.secret(key.private_key_pem)
        self.certificate = ConstrainedCertificate(
            f"{name}-certificate",
            {
                "authority_certificate": args["authority_certificate"],
                "authority_private_key": pulumi.Output.secret(args["authority_private_key"]),
                "public_key": key.public_key_pem,
                "common_name": f"Cockroach CA {args['region']}",
                "permitted": constraints(args["names"], args["address_cidr"]),
            },
            child,
        ).certificate
        self.register_outputs({"certificate": self.certificate, "private_key": self.private_key})


def constraints(names: list[str], address_cidr: str) -> list[str]:
    """DNS names (each with all below it) and IPv4 ranges that the authority is held to."""
    dns_names, addresses = split_names(names)
    parents = [name.removeprefix("*.") for name in dns_names]
    return list(dict.fromkeys([*parents, *(f"{address}/32" for address in addresses), address_cidr]))
