"""Whether an EKS region's pods get the names that another's nodes are found by, from Route 53."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Failure
from ..graph import UNKNOWN, Graph
from . import kinds
from .site import Site

HOP = "names"


def found(graph: Graph, source: Site, target: Site) -> Iterator[Failure]:
    """A hosted zone has the planned name and is shown to the source's VPC, whose resolver answers for private zones.

    Route 53's documentation, «Considerations when working with a private hosted zone».
    """
    name = target.region.private_zone
    if name is None:
        return
    zones = [zone for zone in graph.holding(kinds.ZONE, "name", name) if zone.says("vpcs")]
    if not zones:
        yield Failure(HOP, f"no private zone of Route 53 is called {name}; declare one with vpcs", target.cluster.urn)
    elif not any(source.vpc in graph.follow(zone, "vpcs.*.vpcId", kinds.VPC) for zone in zones):
        yield Failure(HOP, f"{zones[0].label} is not shown to {source.vpc.label}; add that to vpcs", zones[0].urn)
    for setting, default in (("enableDnsSupport", True), ("enableDnsHostnames", False)):
        if source.vpc.get(setting, default) not in (True, UNKNOWN):
            yield Failure(HOP, f"{source.vpc.label} is not answered for private zones; set {setting}", source.vpc.urn)
