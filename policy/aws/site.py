"""An EKS region in the graph: found by its planned range, so that no id has to be known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..findings import Failure, Severity
from ..graph import Graph, Resource
from ..ranges import network
from ..topology import Region
from . import kinds


@dataclass(frozen=True, slots=True)
class Site:
    """What stands of one region."""

    region: Region
    vpc: Resource
    subnets: tuple[Resource, ...]
    """Where hosts and pods are, a zone each."""
    cluster: Resource
    groups: tuple[Resource, ...]
    """The node groups."""


def site(graph: Graph, region: Region) -> Site | Failure:
    """The region's VPC, cluster and machines; or the first of them that is missing."""
    vpcs = [vpc for vpc in graph.of(kinds.VPC) if network(vpc.get("cidrBlock")) == region.pod_cidr]
    if not vpcs:
        return Failure("VPC", f"no VPC has {region.name}'s planned range {region.pod_cidr}; declare one")
    vpc = vpcs[0]
    inside = graph.pointing(kinds.SUBNET, "vpcId", vpc)
    clusters = [
        cluster
        for cluster in graph.of(kinds.CLUSTER)
        if any(subnet in inside for subnet in graph.follow(cluster, "vpcConfig.subnetIds", kinds.SUBNET))
    ]
    if not clusters:
        return Failure("cluster", f"no EKS cluster is in {vpc.label}; {region.name} has no nodes then", vpc.urn)
    groups = graph.pointing(kinds.NODE_GROUP, "clusterName", clusters[0])
    if not groups:
        return Failure("nodes", f"{clusters[0].label} has no node group; declare one per zone", clusters[0].urn)
    hosting = [
        subnet for subnet in inside if any(subnet in graph.follow(group, "subnetIds", kinds.SUBNET) for group in groups)
    ]
    if not hosting:
        return Failure("subnet", f"the node groups of {clusters[0].label} are in no subnet of {vpc.label}", vpc.urn)
    return Site(region, vpc, tuple(hosting), clusters[0], tuple(groups))


def zones(graph: Graph, site: Site) -> Iterator[Failure]:
    """Machines that are in no subnet, and zones that the plan puts machines in, and where none are."""
    for group in site.groups:
        if not any(subnet in site.subnets for subnet in graph.follow(group, "subnetIds", kinds.SUBNET)):
            yield Failure("subnet", f"{group.label} is in no subnet of {site.vpc.label} that is declared", group.urn)
    served = {subnet.get("availabilityZone") for subnet in site.subnets}
    for zone, hosts in site.region.hosts.items():
        if hosts and zone not in served:
            yield Failure(
                "node group",
                f"{site.cluster.label} has no node group in {zone}, where the plan has {hosts} of its nodes",
                site.cluster.urn,
                Severity.DEGRADED,
            )
