"""Certificates and keys as Secrets."""

import base64
from collections.abc import Callable, Mapping

import pulumi
import pulumi_kubernetes as k8s

from . import names
from .settings import KeyPairArgs


def encoded(pem: pulumi.Input[str]) -> pulumi.Output[str]:
    """Base64, as `data` of a Secret wants it; a secret Output."""
    return pulumi.Output.secret(pem).apply(lambda text: base64.b64encode(text.encode()).decode())


def authority_data(authority: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """`data` of a Secret that holds nobody's key."""
    return {"ca.crt": encoded(authority)}


def key_pair_data(authority: pulumi.Input[str], pair: KeyPairArgs, stem: str) -> dict[str, pulumi.Input[str]]:
    """`data` of a Secret laid out as CockroachDB's `--certs-dir`. Every value is a secret Output."""
    return {
        **authority_data(authority),
        f"{stem}.crt": encoded(pair["certificate"]),
        f"{stem}.key": encoded(pair["private_key"]),
    }


def secrets(
    name: str,
    metadata: Callable[[str], k8s.meta.v1.ObjectMetaArgs],
    authority: pulumi.Input[str],
    node: KeyPairArgs | None,
    clients: Mapping[str, KeyPairArgs],
    opts: pulumi.ResourceOptions,
) -> list[k8s.core.v1.Secret]:
    """The nodes' Secret and one for each SQL user; nobody's key is in another's Secret.

    `node`: None where each pod asks for a certificate of its own.
    """
    made = [
        k8s.core.v1.Secret(
            f"{name}-node",
            metadata=metadata(names.NODE_SECRET),
            type="Opaque",
            data=authority_data(authority) if node is None else key_pair_data(authority, node, "node"),
            opts=opts,
        )
    ]
    for user, pair in clients.items():
        made.append(
            k8s.core.v1.Secret(
                f"{name}-client-{user}",
                metadata=metadata(names.client_secret(user)),
                type="Opaque",
                data=key_pair_data(authority, pair, f"client.{user}"),
                opts=opts,
            )
        )
    return made
