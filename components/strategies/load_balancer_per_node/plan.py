"""`load-balancer-per-node`, pure side.

A node is the address of a load balancer of its own, which is reserved in advance. Neither names nor pods' addresses
mean anything outside of their cluster, so pod networks need not be routed between regions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...plan.balancers import NODE, NODES, PODS, node_balancer
from ...plan.defaults import HTTP_PORT, MAX_NODES_PER_REGION, SQL_PORT
from ...plan.layout import EKS_BALANCED_NODES_PER_ZONE, NODE_HOST, REGION_PREFIX
from ...plan.model import BalancerPlan, Platform, Problem, RegionSettings, Settings
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols
from ..common import StrategyDefaults, first_nodes
from ..services import service_names


class LoadBalancerPerNodePlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "load-balancer-per-node"

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Nodes for whose load balancers a region's range has no address."""
        for index, region in enumerate(settings.regions):
            if region.state not in RUNNING:
                continue
            most = MAX_NODES_PER_REGION
            if region.platform is Platform.EKS:
                most = EKS_BALANCED_NODES_PER_ZONE * len(region.zones)
            if region.cidr.prefixlen > REGION_PREFIX:
                yield Problem(
                    f"regions[{index}].cidr",
                    f"{region.cidr} has no place for a load balancer per node, which take addresses from a range's "
                    f".16.{NODE_HOST} on; give a /{REGION_PREFIX}, or take another strategy",
                )
            elif region.nodes > most:
                yield Problem(
                    f"regions[{index}].nodes",
                    f"{region.nodes} nodes need a load balancer's address each, and there are {most} here; "
                    "list more regions, or take another strategy",
                )

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The address of the node's load balancer."""
        return node_balancer(region, ordinal).addresses[0]

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', and every node's address: one more node is one more name, which running nodes reload."""
        return (*service_names(region), *(self.node_address(region, ordinal) for ordinal in range(region.nodes)))

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """One per node."""
        return tuple(node_balancer(region, ordinal) for ordinal in range(region.nodes))

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes' load balancers, from pods, or from hosts that stand in for them on the way out."""
        return (
            Port("sql", Protocols.TCP, SQL_PORT, (PODS, NODES), NODE),
            Port("http", Protocols.TCP, HTTP_PORT, (PODS, NODES), NODE),
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Each pod is told its own address."""
        return PodIdentity(advertise_host=None, host_network=False, certificate_source=CertificateSource.PLANNED)


STRATEGY = LoadBalancerPerNodePlan()
