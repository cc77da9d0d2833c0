"""Where the routes of an AWS route table lead: through peerings, Transit Gateways and VPNs, each as far as it works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lab.clouds.fabric import common, present, unique
from lab.clouds.store import Record, State

if TYPE_CHECKING:
    from lab.clouds.fabric_vpn import Link

VPC = "aws:ec2/vpc:Vpc"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
PEERING = "aws:ec2/vpcPeeringConnection:VpcPeeringConnection"
ACCEPTER = "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter"
TRANSIT_GATEWAY = "aws:ec2transitgateway/transitGateway:TransitGateway"
TRANSIT_VPC = "aws:ec2transitgateway/vpcAttachment:VpcAttachment"
TRANSIT_PEERING = "aws:ec2transitgateway/peeringAttachment:PeeringAttachment"
TRANSIT_ACCEPTER = "aws:ec2transitgateway/peeringAttachmentAccepter:PeeringAttachmentAccepter"
TRANSIT_ROUTE = "aws:ec2transitgateway/route:Route"
VPN_GATEWAY = "aws:ec2/vpnGateway:VpnGateway"
PROPAGATION = "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"


def destinations(
    aws: State, vpc: Record, table: str, subnets: Sequence[Record], links: Sequence[Link]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what a table's routes reach in other regions, the routes of it that reach nothing)."""
    remote: list[str] = []
    refused: list[str] = []
    for route in _routes(aws, table):
        destination = route.get("destinationCidrBlock") or route.get("cidrBlock")
        if not destination or destination == "0.0.0.0/0":
            continue  # the internet, which the lab has none of
        found = list(_through(aws, vpc, destination, route, subnets, links))
        remote += found
        refused += [] if found else [destination]
    for propagation in present(aws, PROPAGATION):
        if propagation["routeTableId"] == table and _is_attached(aws, propagation["vpnGatewayId"], vpc):
            learned = [
                each for link in links if link.vpn_gateway == propagation["vpnGatewayId"] for each in link.to_gcp
            ]
            remote += [each for each in learned if each not in refused]
    return unique(remote), unique(each for each in refused if each not in remote)


def _routes(aws: State, table: str) -> Iterator[Any]:
    """A table's own routes and those that are resources of their own."""
    for record in present(aws, ROUTE_TABLE):
        if record.id == table:
            yield from record["routes"] or ()
    for record in present(aws, ROUTE):
        if record["routeTableId"] == table:
            yield record.outputs


def _through(
    aws: State,
    vpc: Record,
    destination: str,
    route: Any,
    subnets: Sequence[Record],
    links: Sequence[Link],
) -> Iterator[str]:
    peering, transit, gateway = (
        route.get(name) for name in ("vpcPeeringConnectionId", "transitGatewayId", "gatewayId")
    )
    if peering:
        peer = _peer(aws, vpc, peering)
        # A peering is not transitive: what is not the peer's own range is dropped there.
        if peer and (shared := common(destination, peer["cidrBlock"])):
            yield shared
    elif transit:
        yield from _by_transit(aws, vpc, destination, transit, subnets)
    elif gateway and _is_attached(aws, gateway, vpc):
        for link in links:
            shared = [common(destination, each) for each in link.to_gcp if link.vpn_gateway == gateway]
            yield from (each for each in shared if each)


def _peer(aws: State, vpc: Record, id: str) -> Record | None:
    """The VPC at the other end of a peering of this one, if both sides agreed to it."""
    for peering in present(aws, PEERING):
        ends = [peering["vpcId"], peering["peerVpcId"]]
        if peering.id == id and vpc.id in ends and is_active(aws, peering):
            other = ends[1] if ends[0] == vpc.id else ends[0]
            return next((record for record in present(aws, VPC) if record.id == other), None)
    return None


def is_active(aws: State, peering: Record) -> bool:
    """Whether a peering was accepted, and still is."""
    accepted = peering["autoAccept"] is True or any(
        accepter["vpcPeeringConnectionId"] == peering.id and accepter["autoAccept"] is True
        for accepter in present(aws, ACCEPTER)
    )
    return accepted and peering["acceptStatus"] in (None, "active")


def _by_transit(aws: State, vpc: Record, destination: str, gateway: str, subnets: Sequence[Record]) -> Iterator[str]:
    """VPCs that a Transit Gateway, or one that is peered with it, hands packets for `destination` to.

    A VPC's packets get in only in zones where the attachment has a subnet.
    """
    attached = [record for record in present(aws, TRANSIT_VPC) if record["transitGatewayId"] == gateway]
    own = next((record for record in attached if record["vpcId"] == vpc.id), None)
    table = _table_of(aws, gateway)
    if own is None or table is None or own["transitGatewayDefaultRouteTableAssociation"] is False:
        return
    if not _zones(aws, subnets) <= _zones(aws, own["subnetIds"] or ()):
        return
    yield from _propagated(aws, gateway, vpc, destination)
    for route in present(aws, TRANSIT_ROUTE):
        if route["blackhole"] or route["transitGatewayRouteTableId"] != table:
            continue
        wanted = common(destination, route["destinationCidrBlock"])
        peer = _peer_gateway(aws, gateway, route["transitGatewayAttachmentId"])
        if wanted and peer and _table_of(aws, peer):
            yield from _propagated(aws, peer, vpc, wanted)


def _propagated(aws: State, gateway: str, own: Record, destination: str) -> Iterator[str]:
    """The other VPCs whose ranges a gateway's table has by itself, as far as they are in `destination`."""
    enabled = any(
        record.id == gateway and record["propagationDefaultRouteTableId"] for record in present(aws, TRANSIT_GATEWAY)
    )
    for record in present(aws, TRANSIT_VPC) if enabled else ():
        if record["transitGatewayId"] == gateway and record["transitGatewayDefaultRouteTablePropagation"] is not False:
            yield from _vpc_range(aws, record["vpcId"], own, destination)


def _vpc_range(aws: State, id: str, own: Record, destination: str) -> Iterator[str]:
    for record in present(aws, VPC):
        shared = common(destination, record["cidrBlock"])
        if record.id == id and record is not own and shared:
            yield shared


def _table_of(aws: State, gateway: str) -> str | None:
    """A Transit Gateway's only table, which what is attached to it uses."""
    found = (
        record["associationDefaultRouteTableId"] for record in present(aws, TRANSIT_GATEWAY) if record.id == gateway
    )
    return next(found, None)


def _peer_gateway(aws: State, gateway: str, attachment: str) -> str | None:
    """The other end of a Transit Gateway peering that was accepted."""
    for record in present(aws, TRANSIT_PEERING):
        ends = [record["transitGatewayId"], record["peerTransitGatewayId"]]
        accepted = any(each["transitGatewayAttachmentId"] == record.id for each in present(aws, TRANSIT_ACCEPTER))
        if record.id == attachment and gateway in ends and accepted and record["state"] in (None, "available"):
            return ends[1] if ends[0] == gateway else ends[0]
    return None


def _zones(aws: State, subnets: Sequence[Any]) -> set[str]:
    ids = {each if isinstance(each, str) else each.id for each in subnets}
    return {record["availabilityZone"] for record in present(aws, "aws:ec2/subnet:Subnet") if record.id in ids}


def _is_attached(aws: State, gateway: str, vpc: Record) -> bool:
    return any(record.id == gateway and record["vpcId"] == vpc.id for record in present(aws, VPN_GATEWAY))
