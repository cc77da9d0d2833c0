"""A GKE region in the graph: found by its planned ranges, so that no id has to be known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from ..findings import Failure
from ..graph import Graph, Resource
from ..ranges import covered, network, networks
from ..topology import Region
from . import kinds


@dataclass(frozen=True, slots=True)
class Site:
    """What stands of one region."""

    region: Region
    network: Resource
    subnets: tuple[Resource, ...]
    """All subnetworks of the network in this region's location."""
    cluster: Resource
    pools: tuple[Resource, ...]
    ranges: tuple[IPv4Network, ...]
    """Of all its subnetworks, primary and secondary: what the network routes here by itself."""

    @property
    def location(self) -> object:
        """The cloud's own name of the place, as the subnetwork says it."""
        return self.subnets[0].get("region")


def site(graph: Graph, region: Region) -> Site | Failure:
    """The region's network, subnetwork, cluster and machines; or the first of them that is missing."""
    holding = [
        subnet for subnet in graph.of(kinds.SUBNETWORK) if network(subnet.get("ipCidrRange")) == region.node_cidr
    ]
    if not holding:
        return Failure("subnet", f"no subnetwork has {region.name}'s node range {region.node_cidr}; declare one")
    nodes = holding[0]
    networks_of = graph.follow(nodes, "network", kinds.NETWORK)
    if not networks_of:
        return Failure("network", f"{nodes.label} is in no network that is declared here; declare it", nodes.urn)
    clusters = graph.pointing(kinds.CLUSTER, "subnetwork", nodes)
    if not clusters:
        return Failure("cluster", f"no GKE cluster is in {nodes.label}; {region.name} has no nodes then", nodes.urn)
    wrong = _pod_range(region, nodes, clusters[0])
    if wrong is not None:
        return wrong
    pools = graph.pointing(kinds.NODE_POOL, "cluster", clusters[0])
    if not pools:
        return Failure("nodes", f"{clusters[0].label} has no node pool; declare one", clusters[0].urn)
    here = [
        subnet
        for subnet in graph.pointing(kinds.SUBNETWORK, "network", networks_of[0])
        if subnet.urn != nodes.urn and subnet.get("region") == nodes.get("region")
    ]
    subnets = (nodes, *here)
    return Site(region, networks_of[0], subnets, clusters[0], tuple(pools), tuple(ranges(subnets)))


def _pod_range(region: Region, nodes: Resource, cluster: Resource) -> Failure | None:
    """Whether the cluster's pods get their addresses from the planned range."""
    name = cluster.get("ipAllocationPolicy.clusterSecondaryRangeName")
    if name is None and network(cluster.get("ipAllocationPolicy.clusterIpv4CidrBlock")) == region.pod_cidr:
        return None
    ranges = {entry.get("rangeName"): entry.get("ipCidrRange") for entry in nodes.get("secondaryIpRanges") or []}
    if isinstance(name, str) and network(ranges.get(name)) == region.pod_cidr:
        return None
    return Failure(
        "pod range",
        f"{cluster.label} takes pod addresses from secondary range {name!r} of {nodes.label}, which is "
        f"{ranges.get(name)!r}; the plan says {region.pod_cidr}",
        nodes.urn,
    )


def ranges(subnets: tuple[Resource, ...]) -> list[IPv4Network]:
    """Every range of these subnetworks, primary and secondary: what the network routes by itself."""
    found = [text for subnet in subnets for text in subnet.values("ipCidrRange")]
    found += [text for subnet in subnets for text in subnet.values("secondaryIpRanges.*.ipCidrRange")]
    return networks(found)


def routes(graph: Graph, source: Site, target: Site, destination: IPv4Network) -> Iterator[Failure]:
    """Whether `source`'s network leads to `destination` in `target`'s: one network, or two that are peered."""
    if not covered(destination, target.ranges):
        yield Failure(
            "subnet",
            f"no subnetwork of {target.network.label} in {target.region.name} holds {destination}; "
            "declare one with the planned range",
            target.network.urn,
        )
    if source.network.urn == target.network.urn:
        return
    for here, there in ((source, target), (target, source)):
        if not any(
            there.network in graph.follow(peering, "peerNetwork", kinds.NETWORK)
            for peering in graph.pointing(kinds.PEERING, "network", here.network)
        ):
            yield Failure(
                "peering",
                f"{here.network.label} has no NetworkPeering with {there.network.label}; "
                "a peering carries packets only once both networks have declared it",
                here.network.urn,
            )
