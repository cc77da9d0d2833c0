"""Whether a GKE region's pods get the names that another's nodes are found by, from Cloud DNS."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Failure
from ..graph import Graph, Resource
from . import kinds
from .site import Site

HOP = "names"


def found(graph: Graph, source: Site, target: Site) -> Iterator[Failure]:
    """By the target's cluster, or by a zone that is written into: whichever the plan has names in."""
    yield from _by_cluster(source, target)
    yield from _by_zone(graph, source, target)


def _by_cluster(source: Site, target: Site) -> Iterator[Failure]:
    """The target's cluster has the planned domain in its VPC, which is the source's, whose pods ask Cloud DNS.

    Google's documentation, «Using Cloud DNS for GKE», additive VPC scope.
    """
    zone = target.region.network_zone
    if zone is None:
        return
    for end in (source, target):
        if end.cluster.get("dnsConfig.clusterDns") != "CLOUD_DNS":
            yield Failure(
                HOP,
                f"{end.cluster.label} does not have its names answered by Cloud DNS; "
                "set dnsConfig.clusterDns to CLOUD_DNS",
                end.cluster.urn,
            )
    domain = target.cluster.get("dnsConfig.additiveVpcScopeDnsDomain")
    wanted = zone.partition(".svc.")[2]
    if domain != wanted:
        yield Failure(
            HOP,
            f"{target.cluster.label} shows its pods to its VPC in {domain or 'no domain'}, and the plan says {wanted}; "
            "set dnsConfig.additiveVpcScopeDnsDomain",
            target.cluster.urn,
        )
    if source.network.urn != target.network.urn:
        yield Failure(
            HOP,
            f"Cloud DNS answers for {target.cluster.label} in {target.network.label} alone, and {source.region.name} "
            f"is in {source.network.label}; put both in one VPC",
            target.cluster.urn,
        )


def _by_zone(graph: Graph, source: Site, target: Site) -> Iterator[Failure]:
    """A private zone has the planned name and is shown to the source's VPC. Cluster DNS of any kind asks there for what
    is not its own.
    """
    name = target.region.private_zone
    if name is None:
        return
    zones = [zone for zone in graph.holding(kinds.MANAGED_ZONE, "dnsName", f"{name}.") if private(zone)]
    if not zones:
        yield Failure(HOP, f"no private zone of Cloud DNS is called {name}; declare one", target.cluster.urn)
    elif not any(source.network in graph.follow(zone, SHOWN_TO, kinds.NETWORK) for zone in zones):
        yield Failure(
            HOP,
            f"{zones[0].label} is not shown to {source.network.label}; add that to privateVisibilityConfig.networks",
            zones[0].urn,
        )


SHOWN_TO = "privateVisibilityConfig.networks.*.networkUrl"


def private(zone: Resource) -> bool:
    """Whether a zone is for VPCs alone. Google's default is a public one."""
    return zone.get("visibility", "public") == "private"
