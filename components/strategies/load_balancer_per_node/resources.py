"""Strategy `load-balancer-per-node`: nodes' load balancers stand with the nodes, so there is no more to connect."""

import pulumi

from ...plan.model import AddressPlan, RegionSettings
from ...platforms import RegionalCluster
from ..connection import Connection


class LoadBalancerPerNode(Connection):
    """Nothing: each region's `CockroachRegion` has the load balancers, whose addresses the plan gave to the others."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:LoadBalancerPerNode", name, {}, opts)
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
) -> LoadBalancerPerNode:
    """See `components.strategies.stub_domains.resources.connect_region`."""
    return LoadBalancerPerNode(f"{region.name}-load-balancer-per-node", opts)
