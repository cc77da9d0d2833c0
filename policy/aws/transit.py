"""Through Transit Gateways: attachments on both ends, a peering between them, a static route each way."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from ..findings import Failure
from ..graph import Graph, Resource
from ..ranges import network
from . import kinds
from .site import Site


def through(
    graph: Graph,
    gateways: list[Resource],
    source: Site,
    subnet: Resource,
    target: Site,
    destination: IPv4Network,
    route: Resource,
) -> Iterator[Failure]:
    """Whether the Transit Gateway that `route` names carries packets on to `destination`."""
    if not gateways:
        yield Failure(
            "Transit Gateway",
            f"{route.label} leads to no Transit Gateway that is declared here",
            route.urn,
        )
        return
    gateway = gateways[0]
    zone = subnet.get("availabilityZone")
    own = _attachments(graph, gateway, source)
    if not any(zone in _zones(graph, attachment) for attachment in own):
        yield Failure(
            "Transit Gateway attachment",
            f"{gateway.label} has no VpcAttachment of {source.vpc.label} with a subnet in {zone}; attach one",
            gateway.urn,
        )
    if _attachments(graph, gateway, target):
        return
    yield from _by_peering(graph, gateway, target, destination)


def _by_peering(graph: Graph, gateway: Resource, target: Site, destination: IPv4Network) -> Iterator[Failure]:
    static = [
        route
        for route in graph.pointing(kinds.TRANSIT_ROUTE, "transitGatewayRouteTableId", gateway)
        if (there := network(route.get("destinationCidrBlock"))) is not None and destination.subnet_of(there)
    ]
    static.sort(key=lambda route: -(network(route.get("destinationCidrBlock")) or destination).prefixlen)
    if not static:
        yield Failure(
            "Transit Gateway route",
            f"{gateway.label} has no static route to {target.vpc.get('cidrBlock')}; peered gateways learn none, "
            "add one through the peering attachment",
            gateway.urn,
        )
        return
    route = static[0]
    peerings = [
        peering
        for found in graph.follow(route, "transitGatewayAttachmentId", kinds.TRANSIT_PEERING, kinds.TRANSIT_ACCEPTER)
        for peering in (
            [found]
            if found.type == kinds.TRANSIT_PEERING
            else graph.follow(found, "transitGatewayAttachmentId", kinds.TRANSIT_PEERING)
        )
    ]
    if not peerings:
        yield Failure(
            "Transit Gateway peering",
            f"{route.label} leads through no peering attachment that is declared here",
            route.urn,
        )
        return
    peering = peerings[0]
    if not graph.pointing(kinds.TRANSIT_ACCEPTER, "transitGatewayAttachmentId", peering):
        yield Failure(
            "Transit Gateway accepter",
            f"{peering.label} is not accepted: declare a PeeringAttachmentAccepter for it in the peer's region",
            peering.urn,
        )
    far = [
        other
        for key in ("transitGatewayId", "peerTransitGatewayId")
        for other in graph.follow(peering, key, kinds.TRANSIT_GATEWAY)
        if other.urn != gateway.urn
    ]
    if not any(_attachments(graph, other, target) for other in far):
        yield Failure(
            "Transit Gateway attachment",
            f"{target.vpc.label} is attached to no Transit Gateway at the other end of {peering.label}; attach it",
            peering.urn,
        )


def _attachments(graph: Graph, gateway: Resource, site: Site) -> list[Resource]:
    return [
        attachment
        for attachment in graph.pointing(kinds.TRANSIT_ATTACHMENT, "transitGatewayId", gateway)
        if site.vpc in graph.follow(attachment, "vpcId", kinds.VPC)
    ]


def _zones(graph: Graph, attachment: Resource) -> set[object]:
    return {subnet.get("availabilityZone") for subnet in graph.follow(attachment, "subnetIds", kinds.SUBNET)}
