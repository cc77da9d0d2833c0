"""Internet gateways, Elastic IPs and NAT gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.addresses import free_address, refuse_address
from lab.clouds.aws.lookup import common, the
from lab.clouds.aws.names import arn, ec2, identifier, public_address, region_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record


@register
class InternetGateway(Kind):
    """A VPC's way to and from the internet."""

    token = tokens.INTERNET_GATEWAY
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"region"})
    computed = ("arn", "ownerId", "vpcId")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        if quotas.full("aws.internet-gateways-per-region", len(cloud.state.find(self.token, region=region))):
            message = "The maximum number of internet gateways has been reached."
            raise ec2("CreateInternetGateway", "InternetGatewayLimitExceeded", message)
        id = identifier(cloud, "igw")
        self._attach(cloud, id, inputs, region)
        place = arn(cloud, "ec2", region, f"internet-gateway/{id}")
        return id, common(cloud, inputs, region, arn=place, ownerId=cloud.account)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if inputs.get("vpcId") != record["vpcId"]:
            self._detach(cloud, record)
            self._attach(cloud, record.id, inputs, record["region"])
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        self._detach(cloud, record)

    def _attach(self, cloud: Cloud, id: str, inputs: Mapping[str, Any], region: str) -> None:
        if not inputs.get("vpcId"):
            return
        vpc = the(cloud, "AttachInternetGateway", tokens.VPC, inputs["vpcId"], region)
        if any(other.id != id for other in cloud.state.find(self.token, vpcId=vpc.id)):
            message = f"Network {vpc.id} already has an internet gateway attached"
            raise ec2("AttachInternetGateway", "InvalidParameterValue", message)

    def _detach(self, cloud: Cloud, record: Record) -> None:
        subnets = {subnet.id for subnet in cloud.state.find(tokens.SUBNET, vpcId=record["vpcId"])}
        if any(nat["subnetId"] in subnets and nat["publicIp"] for nat in cloud.state.all(tokens.NAT_GATEWAY)):
            message = (
                f"Network {record['vpcId']} has some mapped public address(es). Please unmap those public address(es) "
                "before detaching the gateway."
            )
            raise ec2("DetachInternetGateway", "DependencyViolation", message)


@register
class Eip(Kind):
    """A public address of the account's."""

    token = tokens.EIP
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"address", "domain", "networkBorderGroup", "publicIpv4Pool", "region"})
    computed = ("allocationId", "arn", "associationId", "privateIp", "publicDns", "publicIp")
    defaults: ClassVar[Mapping[str, Any]] = {"domain": "vpc"}
    shapes = False

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        if quotas.full("aws.elastic-ips-per-region", len(cloud.state.find(self.token, region=region))):
            message = "The maximum number of addresses has been reached."
            raise ec2("AllocateAddress", "AddressLimitExceeded", message)
        id, address = identifier(cloud, "eipalloc"), public_address(cloud)
        where = "compute-1" if region == "us-east-1" else f"{region}.compute"
        return id, common(
            cloud,
            inputs,
            region,
            allocationId=id,
            arn=arn(cloud, "ec2", region, f"elastic-ip/{id}"),
            associationId="",
            publicDns=f"ec2-{address.replace('.', '-')}.{where}.amazonaws.com",
            publicIp=address,
        )

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["associationId"]:
            raise ec2("ReleaseAddress", "InvalidIPAddress.InUse", f"Address {record['publicIp']} is in use.")


@register
class NatGateway(Kind):
    """The way out of private subnets. A public one fails where its VPC has no internet gateway."""

    token = tokens.NAT_GATEWAY
    times = Times(create=105, update=10, delete=50)
    replaces = frozenset({"allocationId", "connectivityType", "privateIp", "region", "subnetId"})
    computed = ("associationId", "networkInterfaceId", "privateIp", "publicIp")
    defaults: ClassVar[Mapping[str, Any]] = {"connectivityType": "public"}

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        if not inputs.get("subnetId"):
            raise ec2("CreateNatGateway", "MissingParameter", "The request must contain the parameter SubnetId")
        subnet = the(cloud, "CreateNatGateway", tokens.SUBNET, inputs["subnetId"], region)
        id, association, address = identifier(cloud, "nat"), "", ""
        if inputs["connectivityType"] == "public":
            if not inputs.get("allocationId"):
                message = "The request must contain the parameter AllocationId"
                raise ec2("CreateNatGateway", "MissingParameter", message)
            eip = the(cloud, "CreateNatGateway", tokens.EIP, inputs["allocationId"], region)
            if eip["associationId"]:
                message = f"Elastic IP address [{eip.id}] is already associated"
                raise ec2("CreateNatGateway", "Resource.AlreadyAssociated", message)
            association, address = identifier(cloud, "eipassoc"), eip["publicIp"]
            cloud.state.change(eip, associationId=association)
        if quotas.full("aws.nat-gateways-per-zone", len(in_zone(cloud, subnet))):
            most = quotas.limit("aws.nat-gateways-per-zone")
            message = f"Performing this operation would exceed the limit of {most} NAT gateways"
            raise ec2("CreateNatGateway", "NatGatewayLimitExceeded", message)
        private = inputs.get("privateIp")
        if private:
            refuse_address(cloud.state, "CreateNatGateway", subnet, private)
        return id, common(
            cloud,
            inputs,
            region,
            associationId=association,
            networkInterfaceId=identifier(cloud, "eni"),
            privateIp=private or free_address(cloud.state, "CreateNatGateway", subnet),
            publicIp=address,
        )

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        subnet = cloud.state.get(tokens.SUBNET, record["subnetId"])
        vpc = subnet["vpcId"] if subnet else None
        if record["publicIp"] and cloud.state.one(tokens.INTERNET_GATEWAY, vpcId=vpc) is None:
            raise Refused(
                f"waiting for EC2 NAT Gateway ({record.id}) create: unexpected state 'failed', wanted target "
                f"'available'. last error: Gateway.NotAttached: Network {vpc} has no Internet gateway attached"
            )
        return None

    def delete(self, cloud: Cloud, record: Record) -> None:
        eip = cloud.state.get(tokens.EIP, record["allocationId"] or "")
        if eip is not None and eip["associationId"] == record["associationId"]:
            cloud.state.change(eip, associationId="")


def in_zone(cloud: Cloud, subnet: Record) -> list[Record]:
    """The NAT gateways in the zone of a subnet."""
    subnets = {each.id for each in cloud.state.find(tokens.SUBNET, availabilityZone=subnet["availabilityZone"])}
    return [nat for nat in cloud.state.all(tokens.NAT_GATEWAY) if nat["subnetId"] in subnets]
