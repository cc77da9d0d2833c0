"""Whether hosts reach the internet, from where they fetch images; no region reaches another that way."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from .aws import kinds as aws_kinds
from .aws.routes import best, table
from .aws.site import Site as AwsSite
from .findings import Failure, Severity
from .gcp import kinds as gcp_kinds
from .gcp.site import Site as GcpSite
from .graph import Graph, Resource

SOMEWHERE = IPv4Network("192.0.2.1/32")
"""An address of the internet (RFC 5737)."""


def failures(graph: Graph, site: GcpSite | AwsSite) -> Iterator[Failure]:
    """What keeps a region's hosts from the internet, each failure `degraded`: nodes talk, but none can be replaced."""
    found = _gcp(graph, site) if isinstance(site, GcpSite) else _aws(graph, site)
    for hop, message, resource in found:
        yield Failure(f"egress {hop}", message, resource.urn, Severity.DEGRADED)


def _gcp(graph: Graph, site: GcpSite) -> Iterator[tuple[str, str, Resource]]:
    for router in graph.pointing(gcp_kinds.ROUTER, "network", site.network):
        for nat in graph.pointing(gcp_kinds.ROUTER_NAT, "router", router):
            everything = str(nat.get("sourceSubnetworkIpRangesToNat", "")).startswith("ALL_SUBNETWORKS_ALL_IP_RANGES")
            if router.get("region") == site.location and everything:
                return
    yield (
        "NAT",
        f"{site.network.label} has no RouterNat for all ranges in {site.location}; hosts there cannot fetch images",
        site.network,
    )


def _aws(graph: Graph, site: AwsSite) -> Iterator[tuple[str, str, Resource]]:
    for subnet in site.subnets:
        gateways = _default(graph, subnet, "natGatewayId", aws_kinds.NAT_GATEWAY)
        if not gateways:
            yield "route", f"{subnet.label} has no default route to a NAT gateway", subnet
        for gateway in gateways:
            if gateway.get("connectivityType", "public") == "public" and not graph.follow(
                gateway, "allocationId", aws_kinds.EIP
            ):
                yield "NAT gateway", f"{gateway.label} has no Eip that is declared here", gateway
            public = graph.follow(gateway, "subnetId", aws_kinds.SUBNET)
            if not public:
                yield "NAT gateway", f"{gateway.label} is in no subnet that is declared here", gateway
            for there in public:
                if not any(
                    site.vpc in graph.follow(out, "vpcId", aws_kinds.VPC)
                    for out in _default(graph, there, "gatewayId", aws_kinds.INTERNET_GATEWAY)
                ):
                    yield "internet gateway", f"{there.label} has no default route to an InternetGateway", there


def _default(graph: Graph, subnet: Resource, key: str, kind: str) -> list[Resource]:
    """What the subnet's default route leads to."""
    routes = table(graph, subnet)
    way = best(graph, routes, SOMEWHERE) if routes else None
    return way.leads(graph, key, kind) if way else []
