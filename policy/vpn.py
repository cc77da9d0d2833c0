"""Between the clouds: which tunnels are up, what each end learns by BGP, and which route tables take that over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from .aws import kinds as aws_kinds
from .aws.routes import best, no_table, table
from .aws.site import Site as AwsSite
from .findings import Failure, Severity
from .gcp import kinds as gcp_kinds
from .gcp.site import Site as GcpSite
from .gcp.site import ranges
from .graph import Graph, Resource
from .ranges import ANYWHERE, covered, listing, networks, uncovered
from .tunnel import Tunnel, tunnels

TUNNELS_PER_GATEWAY = 4
"""Of one HA VPN gateway to one AWS gateway: two interfaces, and two tunnels of a connection on each."""


@dataclass(frozen=True, slots=True)
class Link:
    """The tunnels between one GCP network and one VPC."""

    up: tuple[Tunnel, ...]
    failures: tuple[Failure, ...]
    """Why there are not all of them, or none."""


def link(graph: Graph, gke: GcpSite, eks: AwsSite) -> Link:
    """What joins the two, and what is missing of it."""
    all_here = [each for each in tunnels(graph) if each.network == gke.network.urn]
    made = [each for each in all_here if each.vpc == eks.vpc.urn]
    up = tuple(each for each in made if each.failure is None)
    failures = [each.failure for each in made if each.failure is not None]
    for gateway in graph.pointing(gcp_kinds.VPN_GATEWAY, "network", gke.network):
        there = [each for each in made if each.gateway == gateway.urn]
        if len(there) == TUNNELS_PER_GATEWAY:
            continue
        # Of a tunnel whose chain breaks before its VPC nobody knows where it led: to one that lacks some.
        lost = [each.failure for each in all_here if not each.vpc and each.gateway == gateway.urn and each.failure]
        failures += lost or [
            Failure(
                "VPN tunnel",
                f"{gateway.label} has {len(there)} tunnels to {eks.vpc.label} and not {TUNNELS_PER_GATEWAY}",
                gateway.urn,
            )
        ]
    if not made and not failures:
        failures.append(
            Failure(
                "VPN tunnel",
                f"no tunnel joins {gke.network.label} and {eks.vpc.label}; a VPN serves only the two networks at its "
                "ends, so each pair of them needs its own",
                gke.network.urn,
            )
        )
    severity = Severity.DEGRADED if up else Severity.BROKEN
    return Link(up, tuple(replace(failure, severity=severity) for failure in dict.fromkeys(failures)))


def to_eks(joined: Link, gke: GcpSite, destination: IPv4Network, eks: AwsSite) -> Iterator[Failure]:
    """From a GKE region: its network learns the VPC's range by BGP, in every region where routing is global."""
    yield from joined.failures
    yield from _everywhere(joined, gke)
    if not covered(destination, networks(eks.vpc.texts("cidrBlock"))):
        yield Failure("VPC", f"{eks.vpc.label} does not hold {destination}", eks.vpc.urn)


def to_gke(
    graph: Graph, joined: Link, starts: tuple[Resource, ...], gke: GcpSite, destination: IPv4Network
) -> Iterator[Failure]:
    """From an EKS region: what the Cloud Routers advertise, if the subnet's route table takes it over."""
    yield from joined.failures
    yield from _everywhere(joined, gke)
    if not covered(destination, gke.ranges):
        yield Failure(
            "subnet", f"no subnetwork of {gke.network.label} in {gke.region.name} holds {destination}", gke.network.urn
        )
    yield from _advertised(graph, joined, gke, destination)
    gateways = {each.vpn_gateway for each in joined.up}
    for subnet in starts:
        routes = table(graph, subnet)
        if routes is None:
            yield no_table(subnet)
            continue
        way = best(graph, routes, destination)
        if way is not None and way.destination != ANYWHERE:
            if not {found.urn for found in way.leads(graph, "gatewayId", aws_kinds.VPN_GATEWAY)} & gateways:
                yield Failure(
                    "route",
                    f"{way.owner.label} leads {destination} elsewhere than to the VPN gateway",
                    way.owner.urn,
                )
        elif gateways and not _propagated(graph, routes) & gateways:
            yield Failure(
                "route propagation",
                f"{routes.label} (of {subnet.label}) takes over no route of the VPN gateway, so none to {destination}; "
                "declare a VpnGatewayRoutePropagation for it",
                routes.urn,
            )


def _propagated(graph: Graph, routes: Resource) -> set[str]:
    found = [
        gateway
        for propagation in graph.pointing(aws_kinds.PROPAGATION, "routeTableId", routes)
        for gateway in graph.follow(propagation, "vpnGatewayId", aws_kinds.VPN_GATEWAY, aws_kinds.VPN_ATTACHMENT)
    ]
    if routes.get("propagatingVgws"):
        found += graph.follow(routes, "propagatingVgws", aws_kinds.VPN_GATEWAY)
    return {
        gateway.urn
        for each in found
        for gateway in (
            [each] if each.type == aws_kinds.VPN_GATEWAY else graph.follow(each, "vpnGatewayId", aws_kinds.VPN_GATEWAY)
        )
    }


def _everywhere(joined: Link, gke: GcpSite) -> Iterator[Failure]:
    """Routes learned in one region are used in others only where the network says so."""
    here = [each for each in joined.up if each.location == gke.location]
    if joined.up and not here and gke.network.get("routingMode") != "GLOBAL":
        yield Failure(
            "routing mode",
            f"{gke.network.label} keeps what its routers learn to their own region, and {gke.region.name} has none; "
            "set routingMode GLOBAL",
            gke.network.urn,
        )


def _advertised(graph: Graph, joined: Link, gke: GcpSite, destination: IPv4Network) -> Iterator[Failure]:
    silent: dict[str, Failure] = {}
    speaking = 0
    for each in joined.up:
        left = uncovered(destination, _advertises(graph, each, gke))
        if left:
            router = graph[each.router]
            silent[router.urn] = Failure(
                "BGP advertisement",
                f"{router.label} does not advertise {listing(left)} ({gke.region.name}) to AWS; add it to its "
                "advertisedIpRanges",
                router.urn,
            )
        else:
            speaking += 1
    severity = Severity.DEGRADED if speaking else Severity.BROKEN
    yield from (replace(failure, severity=severity) for failure in silent.values())


def _advertises(graph: Graph, each: Tunnel, gke: GcpSite) -> list[IPv4Network]:
    """A session's own list goes before its router's; without either, the network's subnets."""
    for resource, prefix in ((graph[each.peer], ""), (graph[each.router], "bgp.")):
        if resource.get(f"{prefix}advertiseMode") == "CUSTOM":
            found = networks(resource.texts(f"{prefix}advertisedIpRanges.*.range"))
            if "ALL_SUBNETS" not in resource.texts(f"{prefix}advertisedGroups"):
                return found
            return found + _subnets(graph, each, gke)
    return _subnets(graph, each, gke)


def _subnets(graph: Graph, each: Tunnel, gke: GcpSite) -> list[IPv4Network]:
    everywhere = gke.network.get("routingMode") == "GLOBAL"
    return ranges(
        tuple(
            subnet
            for subnet in graph.pointing(gcp_kinds.SUBNETWORK, "network", gke.network)
            if everywhere or subnet.get("region") == each.location
        )
    )
