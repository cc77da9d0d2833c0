"""Routes, and what they lead through: peerings and Transit Gateways."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.clouds.aws import tokens
from lab.clouds.store import Record
from tests.unit.lab.clouds.aws.places import Place, half_made, refused, region, undeletable
from tests.unit.lab.clouds.world import World


@pytest.fixture
def far(place: Place) -> Place:
    return region(place.aws, "eu-west-1", 2)


def request(near: Place, far: Place, **inputs: Any) -> Record:
    ends = {"vpcId": near.vpc.id, "peerVpcId": far.vpc.id, "peerRegion": far.location}
    return near.make(tokens.PEERING, "peering", **ends, **inputs)


def accept(far: Place, peering: Record) -> Record:
    return far.make(tokens.PEERING_ACCEPTER, "accepter", vpcPeeringConnectionId=peering.id, autoAccept=True)


def test_the_id_of_a_route(place: Place) -> None:
    [route] = place.aws.store.snapshot()["aws"].find(tokens.ROUTE, routeTableId=place.table.id)
    assert route.id == f"r-{place.table.id}1080289494"
    assert route["state"] == "active" and route["origin"] == "CreateRoute"


def test_a_destination_has_one_route(place: Place) -> None:
    inputs = {"routeTableId": place.table.id, "natGatewayId": place.nat.id}
    said = place.refused(tokens.ROUTE, "again", destinationCidrBlock="0.0.0.0/0", **inputs)
    assert said.endswith("RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.")
    said = place.refused(tokens.ROUTE, "own", destinationCidrBlock="10.1.128.0/17", **inputs)
    assert "RouteAlreadyExists" in said
    said = place.refused(
        tokens.ROUTE,
        "inside",
        routeTableId=place.table.id,
        destinationCidrBlock="10.1.144.0/20",
        gatewayId=place.gateway.id,
    )
    assert "equal to or more specific than one of this VPC's CIDR blocks" in said


def test_a_route_has_one_target(place: Place) -> None:
    _, none = place.aws.check(tokens.ROUTE, "r", routeTableId="rtb-1", destinationCidrBlock="10.9.0.0/16")
    assert [path for path, _ in none] == ["carrierGatewayId"]
    both = {"natGatewayId": place.nat.id, "gatewayId": place.gateway.id}
    _, two = place.aws.check(tokens.ROUTE, "r", routeTableId="rtb-1", destinationCidrBlock="10.9.0.0/16", **both)
    assert "`gatewayId,natGatewayId` were specified" in two[0][1]


def test_a_gateway_of_another_network_is_no_target(place: Place) -> None:
    other = place.make(tokens.VPC, "other", cidrBlock="10.7.0.0/16")
    table = place.make(tokens.ROUTE_TABLE, "other", vpcId=other.id)
    inputs = {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0"}
    assert "belong to different networks" in place.refused(tokens.ROUTE, "r", gatewayId=place.gateway.id, **inputs)
    assert "belong to different networks" in place.refused(tokens.ROUTE, "r", natGatewayId=place.nat.id, **inputs)
    said = place.refused(tokens.ROUTE_TABLE_ASSOCIATION, "a", routeTableId=table.id, subnetId=place.public.id)
    assert "belong to different networks" in said


def test_a_subnet_has_one_table(place: Place) -> None:
    said = place.refused(tokens.ROUTE_TABLE_ASSOCIATION, "again", routeTableId=place.table.id, subnetId=place.public.id)
    assert said.endswith(
        f"Resource.AlreadyAssociated: the specified association for route table {place.table.id} conflicts with an "
        "existing association"
    )


def test_the_routes_of_a_table_are_counted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.routes-per-table=1")
    inputs = {"routeTableId": place.table.id, "natGatewayId": place.nat.id}
    said = place.refused(tokens.ROUTE, "second", destinationCidrBlock="10.9.0.0/16", **inputs)
    assert said.endswith("RouteLimitExceeded: The maximum number of routes has been reached.")


def test_a_peering_works_once_it_is_accepted(place: Place, far: Place) -> None:
    peering = request(place, far)
    assert re.fullmatch(r"pcx-[0-9a-f]{17}", peering.id)
    assert peering["acceptStatus"] == "pending-acceptance"
    towards = {"destinationCidrBlock": "10.2.128.0/17", "vpcPeeringConnectionId": peering.id}
    said = place.refused(tokens.ROUTE, "early", routeTableId=place.table.id, **towards)
    assert said.endswith(f"VPC Peering Connection {peering.id} is not active (current status: pending-acceptance)")
    accepter = accept(far, peering)
    assert accepter.id == peering.id and accepter["vpcId"] == far.vpc.id and accepter["peerVpcId"] == place.vpc.id
    assert place.aws.now(peering)["acceptStatus"] == "active"
    place.make(tokens.ROUTE, "there", routeTableId=place.table.id, **towards)
    # What the other VPC does not have is a black hole, and no error.
    towards["destinationCidrBlock"] = "10.77.0.0/16"
    place.make(tokens.ROUTE, "nowhere", routeTableId=place.table.id, **towards)
    assert "has dependencies" in undeletable(place.aws, far.vpc)


def test_a_third_network_has_no_part_in_a_peering(place: Place, far: Place) -> None:
    peering = request(place, far)
    accept(far, peering)
    third = region(place.aws, "us-west-2", 3)
    said = third.refused(
        tokens.ROUTE,
        "r",
        routeTableId=third.table.id,
        destinationCidrBlock="10.2.128.0/17",
        vpcPeeringConnectionId=peering.id,
    )
    assert "InvalidVpcPeeringConnectionID.NotFound" in said
    said = third.refused(tokens.PEERING_ACCEPTER, "a", vpcPeeringConnectionId=peering.id, autoAccept=True)
    assert "InvalidVpcPeeringConnectionID.NotFound" in said


def test_ranges_of_peers_do_not_overlap(place: Place) -> None:
    same = region(place.aws, "us-west-2", 1)
    said = place.refused(tokens.PEERING, "p", vpcId=place.vpc.id, peerVpcId=same.vpc.id, peerRegion="us-west-2")
    assert said.endswith("Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range")


def test_a_peer_is_looked_for_in_its_region(place: Place, far: Place) -> None:
    said = place.refused(tokens.PEERING, "p", vpcId=place.vpc.id, peerVpcId=far.vpc.id, peerRegion="us-west-2")
    assert "Failed due to incorrect VPC-ID" in said


def test_two_networks_have_one_peering(place: Place, far: Place) -> None:
    request(place, far)
    said = far.refused(tokens.PEERING, "back", vpcId=far.vpc.id, peerVpcId=place.vpc.id, peerRegion="us-east-1")
    assert "VpcPeeringConnectionAlreadyExists" in said


def test_only_the_other_side_accepts(place: Place, far: Place) -> None:
    peering = request(place, far)
    said = place.refused(tokens.PEERING_ACCEPTER, "a", vpcPeeringConnectionId=peering.id, autoAccept=True)
    assert "OperationNotPermitted" in said
    ends = {"vpcId": place.vpc.id, "peerVpcId": far.vpc.id, "peerRegion": far.location}
    _, problems = place.aws.check(tokens.PEERING, "p", **ends, autoAccept=True)
    assert problems[0][1].startswith("`peer_region` cannot be set whilst `auto_accept` is `true`")


def test_a_vpc_has_fifty_peerings(place: Place, far: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(far, request(place, far))
    third = region(place.aws, "us-west-2", 3)
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.peerings-per-vpc=1")
    ends = {"vpcId": third.vpc.id, "peerVpcId": far.vpc.id, "peerRegion": far.location}
    peering = third.make(tokens.PEERING, "p", **ends)
    said = far.refused(tokens.PEERING_ACCEPTER, "a", vpcPeeringConnectionId=peering.id, autoAccept=True)
    assert "ActiveVpcPeeringConnectionPerVpcLimitExceeded" in said
    said = place.refused(tokens.PEERING, "p", vpcId=place.vpc.id, peerVpcId=third.vpc.id, peerRegion="us-west-2")
    assert "ActiveVpcPeeringConnectionPerVpcLimitExceeded" in said


def transit(place: Place) -> tuple[Record, Record]:
    """A Transit Gateway and the attachment of the region's VPC."""
    gateway = place.make(tokens.TRANSIT_GATEWAY, "tgw")
    subnets = [subnet.id for subnet in place.private]
    return gateway, place.make(
        tokens.TRANSIT_ATTACHMENT, "vpc", transitGatewayId=gateway.id, vpcId=place.vpc.id, subnetIds=subnets
    )


def test_a_transit_gateway_serves_attached_networks(place: Place) -> None:
    gateway = place.make(tokens.TRANSIT_GATEWAY, "tgw")
    assert re.fullmatch(r"tgw-[0-9a-f]{17}", gateway.id)
    assert gateway["associationDefaultRouteTableId"] == gateway["propagationDefaultRouteTableId"]
    assert re.fullmatch(r"tgw-rtb-[0-9a-f]{17}", gateway["associationDefaultRouteTableId"])
    towards = {"destinationCidrBlock": "10.2.128.0/17", "transitGatewayId": gateway.id}
    said = place.refused(tokens.ROUTE, "early", routeTableId=place.table.id, **towards)
    assert said.endswith(f"InvalidTransitGatewayID.NotFound: The transitGateway ID '{gateway.id}' does not exist")
    inputs = {"transitGatewayId": gateway.id, "vpcId": place.vpc.id}
    twice = [place.private[0].id, place.balancers[0].id]
    said = place.refused(tokens.TRANSIT_ATTACHMENT, "vpc", subnetIds=twice, **inputs)
    assert said.endswith("DuplicateSubnetsInSameZone: Duplicate Subnets for same AZ")
    attachment = place.make(tokens.TRANSIT_ATTACHMENT, "vpc", subnetIds=[place.private[0].id], **inputs)
    assert re.fullmatch(r"tgw-attach-[0-9a-f]{17}", attachment.id)
    assert "DuplicateTransitGatewayAttachment" in place.refused(
        tokens.TRANSIT_ATTACHMENT, "again", subnetIds=[place.private[1].id], **inputs
    )
    place.make(tokens.ROUTE, "there", routeTableId=place.table.id, **towards)
    assert f"has non-deleted VPC Attachments: {attachment.id}." in undeletable(place.aws, gateway)
    assert "has dependencies" in undeletable(place.aws, place.private[0])


def test_transit_gateways_are_peered_by_both_sides(place: Place, far: Place) -> None:
    (near_gateway, _), (far_gateway, _) = transit(place), transit(far)
    ends = {"transitGatewayId": near_gateway.id, "peerTransitGatewayId": far_gateway.id, "peerRegion": far.location}
    peering = place.make(tokens.TRANSIT_PEERING, "p", **ends)
    assert peering["state"] == "pendingAcceptance"
    table = near_gateway["associationDefaultRouteTableId"]
    route = {"destinationCidrBlock": "10.2.128.0/17", "transitGatewayRouteTableId": table}
    said = place.refused(tokens.TRANSIT_ROUTE, "r", transitGatewayAttachmentId=peering.id, **route)
    assert said.endswith(f"IncorrectState: {peering.id} is in invalid state")
    said = place.refused(tokens.TRANSIT_PEERING_ACCEPTER, "a", transitGatewayAttachmentId=peering.id)
    assert "InvalidTransitGatewayAttachmentID.NotFound" in said
    accepter = far.make(tokens.TRANSIT_PEERING_ACCEPTER, "a", transitGatewayAttachmentId=peering.id)
    assert accepter.id == peering.id and place.aws.now(peering)["state"] == "available"
    made = place.make(tokens.TRANSIT_ROUTE, "r", transitGatewayAttachmentId=peering.id, **route)
    assert made.id == f"{table}_10.2.128.0/17"
    said = place.refused(tokens.TRANSIT_ROUTE, "r", transitGatewayAttachmentId=peering.id, **route)
    assert f"Route 10.2.128.0/17 already exists in Transit Gateway Route Table {table}." in said
    assert "DuplicateTransitGatewayAttachment" in place.refused(tokens.TRANSIT_PEERING, "p", **ends)


def test_a_transit_gateway_has_fifty_peerings(place: Place, far: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.peering-attachments-per-transit-gateway=0")
    (near_gateway, _), (far_gateway, _) = transit(place), transit(far)
    said = place.refused(
        tokens.TRANSIT_PEERING,
        "p",
        transitGatewayId=near_gateway.id,
        peerTransitGatewayId=far_gateway.id,
        peerRegion=far.location,
    )
    assert "TransitGatewayAttachmentLimitExceeded" in said


def test_the_asn_of_a_transit_gateway_is_private(aws: World) -> None:
    _, problems = aws.check(tokens.TRANSIT_GATEWAY, "tgw", amazonSideAsn=1)
    assert problems[0][0] == "amazonSideAsn"


def test_nothing_is_made_in_a_region_that_has_no_such_table(aws: World) -> None:
    inputs = {"subnetId": "subnet-0123456789abcdef0", "allocationId": "eipalloc-0123456789abcdef0"}
    assert "InvalidSubnetID.NotFound" in refused(aws, tokens.NAT_GATEWAY, "n", **inputs)
    with pytest.raises(AssertionError):
        half_made(aws, tokens.ROUTE, "r", routeTableId="rtb-1")
