"""Strategy `pod-ip`: signer and load balancer stand with the nodes, so there is no more to connect."""

import pulumi

from ...plan.model import AddressPlan, RegionSettings
from ...platforms import RegionalCluster
from ..connection import Connection


class PodIp(Connection):
    """Nothing: each region's `CockroachRegion` has its signer, and the load balancer whose address the others join."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:PodIp", name, {}, opts)
        self.addresses = pulumi.Output.from_input([])
        self.register_outputs({"addresses": self.addresses})


def connect_region(
    plan: AddressPlan,
    region: RegionSettings,
    cluster: RegionalCluster,
    *,
    owner: str,
    client_cidrs: list[str],
    opts: pulumi.ResourceOptions,
) -> PodIp:
    """See `components.strategies.stub_domains.resources.connect_region`."""
    return PodIp(f"{region.name}-pod-ip", opts)
