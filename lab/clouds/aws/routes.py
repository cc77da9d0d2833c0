"""Route tables, their associations with subnets, and routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any
from zlib import crc32

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, network, the
from lab.clouds.aws.names import arn, cidr_problems, ec2, identifier, one_of, region_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import FAILED, Record, State

DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")

TARGETS = (
    "carrierGatewayId",
    "coreNetworkArn",
    "egressOnlyGatewayId",
    "gatewayId",
    "localGatewayId",
    "natGatewayId",
    "networkInterfaceId",
    "odbNetworkArn",
    "transitGatewayId",
    "vpcEndpointId",
    "vpcPeeringConnectionId",
)

DEFAULT = "0.0.0.0/0"


@register
class RouteTable(Kind):
    """Its routes are resources of their own here; the VPC's own range is routed without one."""

    token = tokens.ROUTE_TABLE
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"region", "vpcId"})
    computed = ("arn", "ownerId")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        for name, instead in (("routes", "ec2.Route"), ("propagatingVgws", "ec2.VpnGatewayRoutePropagation")):
            if inputs.get(name):
                yield name, f"the lab's cloud has no model of this property: use aws.{instead}"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        vpc = the(cloud, "CreateRouteTable", tokens.VPC, inputs["vpcId"], region)
        if quotas.full("aws.route-tables-per-vpc", len(cloud.state.find(self.token, vpcId=vpc.id))):
            message = "The maximum number of route tables has been reached."
            raise ec2("CreateRouteTable", "RouteTableLimitExceeded", message)
        id = identifier(cloud, "rtb")
        place = arn(cloud, "ec2", region, f"route-table/{id}")
        return id, common(cloud, inputs, region, arn=place, ownerId=cloud.account)

    def delete(self, cloud: Cloud, record: Record) -> None:
        if cloud.state.find(tokens.ROUTE_TABLE_ASSOCIATION, routeTableId=record.id):
            message = f"The routeTable '{record.id}' has dependencies and cannot be deleted."
            raise ec2("DeleteRouteTable", "DependencyViolation", message)


@register
class RouteTableAssociation(Kind):
    """A subnet has one table: this one's, or its VPC's main one."""

    token = tokens.ROUTE_TABLE_ASSOCIATION
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"gatewayId", "region", "subnetId"})

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return one_of(inputs, "subnetId", "gatewayId")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = self._refuse(cloud, inputs)
        subnet = inputs.get("subnetId")
        if subnet and cloud.state.one(self.token, subnetId=subnet) is not None:
            message = (
                f"the specified association for route table {inputs['routeTableId']} conflicts with an existing "
                "association"
            )
            raise ec2("AssociateRouteTable", "Resource.AlreadyAssociated", message)
        return identifier(cloud, "rtbassoc"), {"region": region}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse(cloud, inputs)
        return {}

    def _refuse(self, cloud: Cloud, inputs: Mapping[str, Any]) -> str:
        region = region_of(cloud, inputs)
        table = the(cloud, "AssociateRouteTable", tokens.ROUTE_TABLE, inputs["routeTableId"], region)
        if inputs.get("subnetId"):
            subnet = the(cloud, "AssociateRouteTable", tokens.SUBNET, inputs["subnetId"], region)
            if subnet["vpcId"] != table["vpcId"]:
                message = f"Route table {table.id} and subnet {subnet.id} belong to different networks"
                raise ec2("AssociateRouteTable", "InvalidParameterValue", message)
        return region


@register
class Route(Kind):
    """A destination's next hop. One that doesn't lead there is taken, as by AWS: what it draws is lost."""

    token = tokens.ROUTE
    times = Times(create=2, update=2, delete=2)
    replaces = frozenset({*DESTINATIONS, "region", "routeTableId"})
    computed = ("instanceId", "instanceOwnerId", "origin", "state")
    delete_before_replace = True

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        yield from one_of(inputs, *DESTINATIONS)
        yield from one_of(inputs, *TARGETS)
        yield from cidr_problems(inputs, "destinationCidrBlock")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        table = the(cloud, "CreateRoute", tokens.ROUTE_TABLE, inputs["routeTableId"], region)
        destination = next(str(inputs[name]) for name in DESTINATIONS if inputs.get(name))
        vpc = the(cloud, "CreateRoute", tokens.VPC, table["vpcId"], region)
        others = cloud.state.find(self.token, routeTableId=table.id)
        taken = {each[name] for each in others for name in DESTINATIONS if each[name]}
        if destination in taken or destination == vpc["cidrBlock"]:
            message = f"The route identified by {destination} already exists."
            raise ec2("CreateRoute", "RouteAlreadyExists", message)
        if quotas.full("aws.routes-per-table", len(others)):
            raise ec2("CreateRoute", "RouteLimitExceeded", "The maximum number of routes has been reached.")
        self._refuse_local(vpc, inputs)
        refuse_target(cloud, "CreateRoute", table, inputs)
        id = f"r-{table.id}{crc32(destination.encode())}"
        return id, {"region": region, "origin": "CreateRoute", "state": "active"}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        table = the(cloud, "ReplaceRoute", tokens.ROUTE_TABLE, inputs["routeTableId"], record["region"])
        refuse_target(cloud, "ReplaceRoute", table, inputs)
        return {"state": "active"}

    def _refuse_local(self, vpc: Record, inputs: Mapping[str, Any]) -> None:
        """A VPC's own range leads to its own interfaces, whatever the tables say."""
        cidr = inputs.get("destinationCidrBlock")
        near = inputs.get("networkInterfaceId") or inputs.get("vpcEndpointId") or inputs.get("natGatewayId")
        if cidr and not near and IPv4Network(cidr).subnet_of(network(vpc)):
            message = (
                f"The destination CIDR block {cidr} is equal to or more specific than one of this VPC's CIDR blocks. "
                "This route can target only an interface or an instance."
            )
            raise ec2("CreateRoute", "InvalidParameterValue", message)


def refuse_target(cloud: Cloud, action: str, table: Record, inputs: Mapping[str, Any]) -> None:
    """Raises Refused where a route table's VPC can't reach the target.

    AWS takes a route to a peering that is not accepted yet, and drops what it draws until it is. The lab refuses it:
    a program whose routes don't wait for the accepter is right by luck alone.
    """
    region, vpc = table["region"], table["vpcId"]
    word = next(name for name in TARGETS if inputs.get(name))
    id = inputs[word]
    if word == "gatewayId" and id != "local":
        kind = tokens.VPN_GATEWAY if id.startswith("vgw-") else tokens.INTERNET_GATEWAY
        if the(cloud, action, kind, id, region)["vpcId"] != vpc:
            message = f"route table {table.id} and network gateway {id} belong to different networks"
            raise ec2(action, "InvalidParameterValue", message)
    elif word == "natGatewayId":
        subnet = cloud.state.get(tokens.SUBNET, the(cloud, action, tokens.NAT_GATEWAY, id, region)["subnetId"])
        if subnet is None or subnet["vpcId"] != vpc:
            message = f"route table {table.id} and NAT gateway {id} belong to different networks"
            raise ec2(action, "InvalidParameterValue", message)
    elif word == "vpcPeeringConnectionId":
        peering = cloud.state.get(tokens.PEERING, id)
        if peering is None or vpc not in (peering["vpcId"], peering["peerVpcId"]):
            message = f"The vpcPeeringConnection ID '{id}' does not exist"
            raise ec2(action, "InvalidVpcPeeringConnectionID.NotFound", message)
        if peering["acceptStatus"] != "active":
            message = f"VPC Peering Connection {id} is not active (current status: {peering['acceptStatus']})"
            raise ec2(action, "InvalidStateTransition", message)
    elif word == "transitGatewayId":
        attachment = cloud.state.one(tokens.TRANSIT_ATTACHMENT, transitGatewayId=id, vpcId=vpc)
        if attachment is None or attachment.busy:
            message = f"The transitGateway ID '{id}' does not exist"
            raise ec2(action, "InvalidTransitGatewayID.NotFound", message)
    elif word not in ("gatewayId", "networkInterfaceId", "vpcEndpointId"):
        raise Refused(f"{word}: the lab's cloud has no model of this target")


def table_of(state: State, subnet: Record) -> str | None:
    """The id of the route table that a subnet's packets meet."""
    own = state.one(tokens.ROUTE_TABLE_ASSOCIATION, subnetId=subnet.id)
    if own is not None:
        return own["routeTableId"]
    vpc = state.get(tokens.VPC, subnet["vpcId"])
    return vpc["mainRouteTableId"] if vpc else None


def reaches_internet(state: State, subnet: Record) -> bool:
    """Whether machines in a subnet, which have private addresses alone, can call public services."""
    route = state.one(tokens.ROUTE, routeTableId=table_of(state, subnet), destinationCidrBlock=DEFAULT)
    if route is None:
        return False
    if route["gatewayId"]:
        gateway = state.get(tokens.INTERNET_GATEWAY, route["gatewayId"])
        return bool(subnet["mapPublicIpOnLaunch"]) and gateway is not None
    nat = state.get(tokens.NAT_GATEWAY, route["natGatewayId"] or "")
    place = state.get(tokens.SUBNET, nat["subnetId"]) if nat else None
    if nat is None or place is None or nat.phase == FAILED or not nat["publicIp"]:
        return False
    onward = state.one(tokens.ROUTE, routeTableId=table_of(state, place), destinationCidrBlock=DEFAULT)
    return onward is not None and state.get(tokens.INTERNET_GATEWAY, onward["gatewayId"] or "") is not None
