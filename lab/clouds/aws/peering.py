"""Peerings of VPCs. A connection has one id in both regions; it works once the other side has accepted it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, network, the
from lab.clouds.aws.names import ec2, identifier, region_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record, State

PENDING = 25
"""Default quota of requests per VPC that nobody has answered yet."""

REFUSED_BY_RANGE = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"


def peerings(state: State, vpc: str, status: str) -> list[Record]:
    """The peerings of a VPC, as requester or accepter, that have a status."""
    return [
        each
        for each in state.all(tokens.PEERING)
        if each["acceptStatus"] == status and vpc in (each["vpcId"], each["peerVpcId"])
    ]


def refuse_full(state: State, action: str, vpc: str) -> None:
    """Raises Refused where a VPC has all the active peerings it may."""
    if quotas.full("aws.peerings-per-vpc", len(peerings(state, vpc, "active"))):
        message = (
            f"You've reached the limit on the number of active VPC peering connections you can have for VPC {vpc}."
        )
        raise ec2(action, "ActiveVpcPeeringConnectionPerVpcLimitExceeded", message)


@register
class VpcPeeringConnection(Kind):
    """The requester's side."""

    token = tokens.PEERING
    times = Times(create=4, update=2, delete=2)
    replaces = frozenset({"peerOwnerId", "peerRegion", "peerVpcId", "region", "vpcId"})
    computed = ("acceptStatus", "peerOwnerId", "peerRegion")
    defaults: ClassVar[Mapping[str, Any]] = {"autoAccept": False}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if inputs.get("autoAccept") and inputs.get("peerRegion"):
            reason = "`peer_region` cannot be set whilst `auto_accept` is `true`"
            yield "peerRegion", f"{reason} when creating an EC2 VPC Peering Connection"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreateVpcPeeringConnection", region_of(cloud, inputs)
        far = inputs.get("peerRegion") or region
        own = the(cloud, action, tokens.VPC, inputs["vpcId"], region)
        peer = cloud.state.get(tokens.VPC, inputs["peerVpcId"])
        id = identifier(cloud, "pcx")
        if peer is None or peer["region"] != far or network(own).overlaps(network(peer)):
            raise Refused(
                f"waiting for EC2 VPC Peering Connection ({id}) create: unexpected state 'failed', wanted target "
                f"'active, pending-acceptance'. last error: {REFUSED_BY_RANGE}"
            )
        for each in cloud.state.all(self.token):
            if {each["vpcId"], each["peerVpcId"]} == {own.id, peer.id}:
                message = f"A VPC peering connection already exists between {own.id} and {peer.id}: {each.id}"
                raise ec2(action, "VpcPeeringConnectionAlreadyExists", message)
        refuse_full(cloud.state, action, own.id)
        if len(peerings(cloud.state, own.id, "pending-acceptance")) >= PENDING:
            message = (
                "You've reached the limit on the number of VPC peering connection requests that you can create for "
                f"VPC {own.id}."
            )
            raise ec2(action, "OutstandingVpcPeeringConnectionLimitExceeded", message)
        status = "active" if inputs.get("autoAccept") else "pending-acceptance"
        owner = inputs.get("peerOwnerId") or cloud.account
        return id, common(cloud, inputs, region, acceptStatus=status, peerOwnerId=owner, peerRegion=far)


@register
class VpcPeeringConnectionAccepter(Kind):
    """The other side's answer. Its deletion ends nothing: the peering stays until its requester ends it."""

    token = tokens.PEERING_ACCEPTER
    times = Times(create=4, update=2, delete=0)
    replaces = frozenset({"region", "vpcPeeringConnectionId"})
    computed = ("acceptStatus", "peerOwnerId", "peerRegion", "peerVpcId", "vpcId")
    defaults: ClassVar[Mapping[str, Any]] = {"autoAccept": False}

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        peering = self._peering(cloud, inputs, region)
        status = self._accept(cloud, peering, inputs)
        return peering.id, common(
            cloud,
            inputs,
            region,
            acceptStatus=status,
            peerOwnerId=cloud.account,
            peerRegion=peering["region"],
            peerVpcId=peering["vpcId"],
            vpcId=peering["peerVpcId"],
        )

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        peering = self._peering(cloud, inputs, record["region"])
        return {"acceptStatus": self._accept(cloud, peering, inputs), "tagsAll": dict(inputs.get("tags") or {})}

    def _peering(self, cloud: Cloud, inputs: Mapping[str, Any], region: str) -> Record:
        id = inputs["vpcPeeringConnectionId"]
        peering = cloud.state.get(tokens.PEERING, id)
        if peering is None or region not in (peering["region"], peering["peerRegion"]):
            message = f"The vpcPeeringConnection ID '{id}' does not exist"
            raise ec2("AcceptVpcPeeringConnection", "InvalidVpcPeeringConnectionID.NotFound", message)
        return peering

    def _accept(self, cloud: Cloud, peering: Record, inputs: Mapping[str, Any]) -> str:
        if not inputs.get("autoAccept") or peering["acceptStatus"] != "pending-acceptance":
            return peering["acceptStatus"]
        if region_of(cloud, inputs) != peering["peerRegion"]:
            message = f"User {cloud.account} cannot accept peering {peering.id} in {region_of(cloud, inputs)}"
            raise ec2("AcceptVpcPeeringConnection", "OperationNotPermitted", message)
        for vpc in (peering["vpcId"], peering["peerVpcId"]):
            refuse_full(cloud.state, "AcceptVpcPeeringConnection", vpc)
        cloud.state.change(peering, acceptStatus="active")
        return "active"
