"""The mesh's policies in the namespace of a region's database."""

from typing import TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ...database import names
from . import values
from .plan import NAMESPACE


class MeshPoliciesArgs(TypedDict):
    """Where the sidecars are, and whom they call."""

    namespace: str
    """The database's."""
    gateways: list[str]
    """Addresses of the other regions' east-west gateways; empty where all regions are on one network."""


class MeshPolicies(pulumi.ComponentResource):
    """What sidecars of a region's database take, and where they may call."""

    def __init__(self, name: str, args: MeshPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:MeshPolicies", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        ports = (names.RPC_PORT, names.HTTP_PORT)
        specs = {
            "default": values.strict_spec(),
            names.APP: values.database_spec(names.selector_labels(), ports),
        }
        for policy, spec in specs.items():
            k8s.apiextensions.CustomResource(
                f"{name}-{policy}",
                api_version="security.istio.io/v1",
                kind="PeerAuthentication",
                metadata={"name": policy, "namespace": args["namespace"]},
                spec=spec,
                opts=child,
            )
        k8s.networking.v1.NetworkPolicy(
            f"{name}-sidecars",
            metadata={"name": f"{names.APP}-sidecars", "namespace": args["namespace"]},
            spec=values.sidecar_egress_spec(NAMESPACE, args["gateways"]),
            opts=child,
        )
        self.register_outputs({})
