"""Strategy `host-network`: what nodes need of their hosts stands with the nodes, so there is no more to connect."""

import pulumi

from ..connection import Connection, Offers, Site, connect_by_plan
from .options import options


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> Connection:
    """Nothing; a region whose nodes could not move off a host that dies is warned of."""
    hosts = options(site.region).hosts
    if hosts and len(hosts) <= site.region.nodes and not site.lost:
        pulumi.log.warn(
            f"{site.region.name}: every host in `hosts` carries a node. The node of one that dies is down until "
            "another is in its place there and `pulumi up` has run; list a spare (docs/strategies/host-network.md)"
        )
    return connect_by_plan(site, offers, opts)
