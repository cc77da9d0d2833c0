"""Transit Gateways, what is attached to them, and their routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, the
from lab.clouds.aws.names import arn, cidr_problems, ec2, identifier, refusal, region_of
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import FAILED, Record

PEERINGS = "aws.peering-attachments-per-transit-gateway"

ASNS = (range(64512, 65535), range(4_200_000_000, 4_294_967_295))
"""Private ones, which the Amazon side may have."""


@register
class TransitGateway(Kind):
    """Has one route table of its own, which its attachments use and VPCs are propagated to, unless told otherwise."""

    token = tokens.TRANSIT_GATEWAY
    times = Times(create=90, update=20, delete=20)
    replaces = frozenset({"amazonSideAsn", "multicastSupport", "region"})
    computed = ("arn", "associationDefaultRouteTableId", "ownerId", "propagationDefaultRouteTableId")
    defaults: ClassVar[Mapping[str, Any]] = {
        "amazonSideAsn": 64512,
        "autoAcceptSharedAttachments": "disable",
        "defaultRouteTableAssociation": "enable",
        "defaultRouteTablePropagation": "enable",
        "dnsSupport": "enable",
        "multicastSupport": "disable",
        "vpnEcmpSupport": "enable",
    }

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        asn = inputs["amazonSideAsn"]
        if isinstance(asn, int) and not any(asn in each for each in ASNS):
            yield "amazonSideAsn", f"expected it to be in the range 64512-65534 or 4200000000-4294967294, got {asn}"
        for name in ("defaultRouteTableAssociation", "defaultRouteTablePropagation", "dnsSupport", "vpnEcmpSupport"):
            if isinstance(inputs[name], str) and inputs[name] not in ("enable", "disable"):
                yield name, f'expected one of ["enable" "disable"], got {inputs[name]}'

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        if quotas.full("aws.transit-gateways-per-region", len(cloud.state.find(self.token, region=region))):
            message = "You have reached the limit of transit gateways"
            raise ec2("CreateTransitGateway", "TransitGatewayLimitExceeded", message)
        id, table = identifier(cloud, "tgw"), identifier(cloud, "tgw-rtb")
        association = table if inputs["defaultRouteTableAssociation"] == "enable" else None
        propagation = table if inputs["defaultRouteTablePropagation"] == "enable" else None
        return id, common(
            cloud,
            inputs,
            region,
            arn=arn(cloud, "ec2", region, f"transit-gateway/{id}"),
            associationDefaultRouteTableId=association,
            ownerId=cloud.account,
            propagationDefaultRouteTableId=propagation,
        )

    def delete(self, cloud: Cloud, record: Record) -> None:
        vpcs = cloud.state.find(tokens.TRANSIT_ATTACHMENT, transitGatewayId=record.id)
        far = [each for each in cloud.state.all(tokens.TRANSIT_PEERING) if record.id in ends(each)]
        vpns = cloud.state.find(tokens.VPN_CONNECTION, transitGatewayId=record.id)
        for word, attachments in (("VPC", vpcs), ("Peering", far), ("VPN", vpns)):
            if attachments:
                ids = ", ".join(sorted(each.id for each in attachments))
                message = f"{record.id} has non-deleted {word} Attachments: {ids}."
                raise ec2("DeleteTransitGateway", "IncorrectState", message)


def ends(peering: Record) -> tuple[str, str]:
    """The two Transit Gateways of a peering attachment."""
    return peering["transitGatewayId"], peering["peerTransitGatewayId"]


@register
class VpcAttachment(Kind):
    """A VPC on a Transit Gateway, by one subnet of each zone that is to be reached."""

    token = tokens.TRANSIT_ATTACHMENT
    times = Times(create=60, update=30, delete=60)
    replaces = frozenset({"region", "transitGatewayId", "vpcId"})
    computed = ("arn", "vpcOwnerId")
    defaults: ClassVar[Mapping[str, Any]] = {
        "applianceModeSupport": "disable",
        "dnsSupport": "enable",
        "ipv6Support": "disable",
        "transitGatewayDefaultRouteTableAssociation": True,
        "transitGatewayDefaultRouteTablePropagation": True,
    }

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreateTransitGatewayVpcAttachment", region_of(cloud, inputs)
        gateway = the(cloud, action, tokens.TRANSIT_GATEWAY, inputs["transitGatewayId"], region)
        vpc = the(cloud, action, tokens.VPC, inputs["vpcId"], region)
        self._refuse_subnets(cloud, action, vpc, inputs)
        if cloud.state.find(self.token, transitGatewayId=gateway.id, vpcId=vpc.id):
            message = f"{gateway.id} has non-deleted Transit Gateway Attachments with same VPC ID."
            raise ec2(action, "DuplicateTransitGatewayAttachment", message)
        id = identifier(cloud, "tgw-attach")
        place = arn(cloud, "ec2", region, f"transit-gateway-attachment/{id}")
        return id, common(cloud, inputs, region, arn=place, vpcOwnerId=cloud.account)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        action = "ModifyTransitGatewayVpcAttachment"
        self._refuse_subnets(cloud, action, the(cloud, action, tokens.VPC, inputs["vpcId"], record["region"]), inputs)
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def _refuse_subnets(self, cloud: Cloud, action: str, vpc: Record, inputs: Mapping[str, Any]) -> None:
        subnets = [the(cloud, action, tokens.SUBNET, id, vpc["region"]) for id in inputs["subnetIds"]]
        for subnet in subnets:
            if subnet["vpcId"] != vpc.id:
                message = f"The subnet ID '{subnet.id}' does not exist"
                raise ec2(action, "InvalidSubnetID.NotFound", message)
        if len({subnet["availabilityZone"] for subnet in subnets}) < len(subnets):
            raise ec2(action, "DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ")


@register
class PeeringAttachment(Kind):
    """Two regions' Transit Gateways, from the requester's side. Its routes are static."""

    token = tokens.TRANSIT_PEERING
    times = Times(create=30, update=2, delete=60)
    replaces = frozenset(
        {"options", "peerAccountId", "peerRegion", "peerTransitGatewayId", "region", "transitGatewayId"}
    )
    computed = ("arn", "peerAccountId", "state")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreateTransitGatewayPeeringAttachment", region_of(cloud, inputs)
        own = the(cloud, action, tokens.TRANSIT_GATEWAY, inputs["transitGatewayId"], region)
        peer = the(cloud, action, tokens.TRANSIT_GATEWAY, inputs["peerTransitGatewayId"], inputs["peerRegion"])
        if own.id == peer.id:
            message = "A transit gateway cannot be peered with itself."
            raise ec2(action, "InvalidParameterValue", message)
        others = cloud.state.all(self.token)
        if any(set(ends(each)) == {own.id, peer.id} for each in others):
            message = f"{own.id} has non-deleted Transit Gateway Peering Attachments with {peer.id}."
            raise ec2(action, "DuplicateTransitGatewayAttachment", message)
        for gateway in (own, peer):
            if quotas.full(PEERINGS, sum(gateway.id in ends(each) for each in others)):
                message = f"You have reached the limit of peering attachments for {gateway.id}"
                raise ec2(action, "TransitGatewayAttachmentLimitExceeded", message)
        id = identifier(cloud, "tgw-attach")
        return id, common(
            cloud,
            inputs,
            region,
            arn=arn(cloud, "ec2", region, f"transit-gateway-attachment/{id}"),
            peerAccountId=inputs.get("peerAccountId") or cloud.account,
            state="initiatingRequest",
        )

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        return {"state": "pendingAcceptance"} if record["state"] == "initiatingRequest" else None


@register
class PeeringAttachmentAccepter(Kind):
    """The other side's answer. The provider deletes the attachment with it; so does the requester's side."""

    token = tokens.TRANSIT_PEERING_ACCEPTER
    times = Times(create=60, update=2, delete=60)
    replaces = frozenset({"region", "transitGatewayAttachmentId"})
    computed = ("peerAccountId", "peerRegion", "peerTransitGatewayId", "transitGatewayId")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "AcceptTransitGatewayPeeringAttachment", region_of(cloud, inputs)
        id = inputs["transitGatewayAttachmentId"]
        attachment = cloud.state.get(tokens.TRANSIT_PEERING, id)
        if attachment is None or attachment["peerRegion"] != region:
            message = f"Transit Gateway Attachment {id} was deleted or does not exist."
            raise ec2(action, "InvalidTransitGatewayAttachmentID.NotFound", message)
        if attachment["state"] != "pendingAcceptance":
            raise ec2(action, "IncorrectState", f"{id} is in invalid state")
        cloud.state.change(attachment, state="pending")
        return id, common(
            cloud,
            inputs,
            region,
            peerAccountId=cloud.account,
            peerRegion=attachment["region"],
            peerTransitGatewayId=attachment["transitGatewayId"],
            transitGatewayId=attachment["peerTransitGatewayId"],
        )

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        with cloud.transaction() as inside:
            attachment = inside.state.get(tokens.TRANSIT_PEERING, record.id)
            if attachment is not None:
                inside.state.change(attachment, state="available")
        return None

    def delete(self, cloud: Cloud, record: Record) -> None:
        attachment = cloud.state.get(tokens.TRANSIT_PEERING, record.id)
        if attachment is not None:
            cloud.state.change(attachment, state="deleted")


@register
class TransitRoute(Kind):
    """A static route of a Transit Gateway's table."""

    token = tokens.TRANSIT_ROUTE
    times = Times(create=2, update=2, delete=2)
    replaces = frozenset(
        {"blackhole", "destinationCidrBlock", "region", "transitGatewayAttachmentId", "transitGatewayRouteTableId"}
    )
    delete_before_replace = True

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return cidr_problems(inputs, "destinationCidrBlock")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreateTransitGatewayRoute", region_of(cloud, inputs)
        table, destination = inputs["transitGatewayRouteTableId"], inputs["destinationCidrBlock"]
        gateway = cloud.state.one(tokens.TRANSIT_GATEWAY, associationDefaultRouteTableId=table, region=region)
        if gateway is None:
            message = f"Transit Gateway Route Table {table} was deleted or does not exist."
            raise ec2(action, "InvalidRouteTableID.NotFound", message)
        if cloud.state.find(self.token, transitGatewayRouteTableId=table, destinationCidrBlock=destination):
            message = f"Route {destination} already exists in Transit Gateway Route Table {table}."
            raise ec2(action, "RouteAlreadyExists", message)
        if not inputs.get("blackhole"):
            self._refuse_attachment(cloud, action, gateway, inputs.get("transitGatewayAttachmentId"))
        return f"{table}_{destination}", {"region": region}

    def _refuse_attachment(self, cloud: Cloud, action: str, gateway: Record, id: str | None) -> None:
        if not id:
            message = "The request must contain the parameter TransitGatewayAttachmentId or Blackhole"
            raise refusal("EC2", action, "MissingParameter", message)
        peering = cloud.state.get(tokens.TRANSIT_PEERING, id)
        vpc = cloud.state.get(tokens.TRANSIT_ATTACHMENT, id)
        vpn = cloud.state.one(tokens.VPN_CONNECTION, transitGatewayAttachmentId=id)
        gateways = ends(peering) if peering else tuple(each["transitGatewayId"] for each in (vpc, vpn) if each)
        if gateway.id not in gateways:
            message = f"Transit Gateway Attachment {id} was deleted or does not exist."
            raise ec2(action, "InvalidTransitGatewayAttachmentID.NotFound", message)
        broken = any(each is not None and (each.busy or each.phase == FAILED) for each in (vpc, vpn))
        if broken or (peering is not None and peering["state"] != "available"):
            raise ec2(action, "IncorrectState", f"{id} is in invalid state")
