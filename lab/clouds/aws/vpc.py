"""VPCs and their subnets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, network, placed, pointing, the
from lab.clouds.aws.names import arn, cidr_problems, ec2, identifier, region_of, zone_id, zones_of
from lab.clouds.aws.rules import make_rule
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import Record

PREFIXES = range(16, 29)
"""How long the prefix of a VPC or subnet may be."""


@register
class Vpc(Kind):
    """Brings its default security group and its main route table, which go with it."""

    token = tokens.VPC
    times = Times(create=12, update=2, delete=1)
    replaces = frozenset({"cidrBlock", "instanceTenancy", "ipv4IpamPoolId", "region"})
    computed = (
        "arn",
        "defaultNetworkAclId",
        "defaultRouteTableId",
        "defaultSecurityGroupId",
        "dhcpOptionsId",
        "mainRouteTableId",
        "ownerId",
    )
    defaults: ClassVar[Mapping[str, Any]] = {"enableDnsSupport": True, "instanceTenancy": "default"}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return cidr_problems(inputs, "cidrBlock")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        if not inputs.get("cidrBlock"):
            message = "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."
            raise ec2("CreateVpc", "MissingParameter", message)
        if IPv4Network(inputs["cidrBlock"]).prefixlen not in PREFIXES:
            raise ec2("CreateVpc", "InvalidVpc.Range", f"The CIDR '{inputs['cidrBlock']}' is invalid.")
        if quotas.full("aws.vpcs-per-region", len(cloud.state.find(self.token, region=region))):
            raise ec2("CreateVpc", "VpcLimitExceeded", "The maximum number of VPCs has been reached.")
        id, group, table = (identifier(cloud, prefix) for prefix in ("vpc", "sg", "rtb"))
        owned = {"region": region, "ownerId": cloud.account, "vpcId": id, "tagsAll": {}}
        outputs = {
            **owned,
            "arn": arn(cloud, "ec2", region, f"security-group/{group}"),
            "name": "default",
            "description": "default VPC security group",
        }
        cloud.state.put(Record(tokens.SECURITY_GROUP, group, "", {}, outputs))
        make_rule(cloud, tokens.INGRESS_RULE, group, {"ipProtocol": "-1", "referencedSecurityGroupId": group}, region)
        make_rule(cloud, tokens.EGRESS_RULE, group, {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, region)
        outputs = {**owned, "arn": arn(cloud, "ec2", region, f"route-table/{table}")}
        cloud.state.put(Record(tokens.ROUTE_TABLE, table, "", {}, outputs))
        return id, common(
            cloud,
            inputs,
            region,
            arn=arn(cloud, "ec2", region, f"vpc/{id}"),
            defaultNetworkAclId=identifier(cloud, "acl"),
            defaultRouteTableId=table,
            defaultSecurityGroupId=group,
            dhcpOptionsId=identifier(cloud, "dopt"),
            enableDnsHostnames=inputs.get("enableDnsHostnames", False),
            mainRouteTableId=table,
            ownerId=cloud.account,
        )

    def delete(self, cloud: Cloud, record: Record) -> None:
        own = (record["defaultSecurityGroupId"], record["mainRouteTableId"])
        inside = pointing(
            cloud.state,
            record.id,
            (tokens.SUBNET, "vpcId"),
            (tokens.INTERNET_GATEWAY, "vpcId"),
            (tokens.ROUTE_TABLE, "vpcId"),
            (tokens.SECURITY_GROUP, "vpcId"),
            (tokens.VPN_GATEWAY, "vpcId"),
            (tokens.PEERING, "vpcId"),
            (tokens.PEERING, "peerVpcId"),
        )
        if any(each.id not in own for each in inside):
            message = f"The vpc '{record.id}' has dependencies and cannot be deleted."
            raise ec2("DeleteVpc", "DependencyViolation", message)
        drop_group(cloud, record["defaultSecurityGroupId"])
        table = cloud.state.get(tokens.ROUTE_TABLE, record["mainRouteTableId"])
        if table is not None:
            cloud.state.remove(table)


def drop_group(cloud: Cloud, id: str) -> None:
    """Forget a security group that AWS made, and its rules."""
    for token in (tokens.INGRESS_RULE, tokens.EGRESS_RULE):
        for rule in cloud.state.find(token, securityGroupId=id):
            cloud.state.remove(rule)
    group = cloud.state.get(tokens.SECURITY_GROUP, id)
    if group is not None:
        cloud.state.remove(group)


@register
class Subnet(Kind):
    """A range of a VPC, in one zone."""

    token = tokens.SUBNET
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"availabilityZone", "availabilityZoneId", "cidrBlock", "outpostArn", "region", "vpcId"})
    computed = ("arn", "availabilityZoneId", "ownerId")
    defaults: ClassVar[Mapping[str, Any]] = {"mapPublicIpOnLaunch": False}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return cidr_problems(inputs, "cidrBlock")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        vpc = the(cloud, "CreateSubnet", tokens.VPC, inputs["vpcId"], region)
        zones = zones_of(region)
        zone = inputs.get("availabilityZone") or zones[0]
        if zone not in zones:
            message = (
                f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
                f"the following availability zones: {', '.join(zones)}."
            )
            raise ec2("CreateSubnet", "InvalidParameterValue", message)
        cidr = inputs.get("cidrBlock")
        if not cidr:
            message = "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided."
            raise ec2("CreateSubnet", "MissingParameter", message)
        wanted = IPv4Network(cidr)
        if wanted.prefixlen not in PREFIXES or not wanted.subnet_of(network(vpc)):
            raise ec2("CreateSubnet", "InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
        others = cloud.state.find(self.token, vpcId=vpc.id)
        if any(wanted.overlaps(network(other)) for other in others):
            message = f"The CIDR '{cidr}' conflicts with another subnet"
            raise ec2("CreateSubnet", "InvalidSubnet.Conflict", message)
        if quotas.full("aws.subnets-per-vpc", len(others)):
            raise ec2("CreateSubnet", "SubnetLimitExceeded", "The maximum number of subnets has been reached.")
        id = identifier(cloud, "subnet")
        return id, common(
            cloud,
            inputs,
            region,
            arn=arn(cloud, "ec2", region, f"subnet/{id}"),
            availabilityZone=zone,
            availabilityZoneId=zone_id(zone),
            ownerId=cloud.account,
        )

    def delete(self, cloud: Cloud, record: Record) -> None:
        if any(placed(cloud.state, record.id)):
            message = f"The subnet '{record.id}' has dependencies and cannot be deleted."
            raise ec2("DeleteSubnet", "DependencyViolation", message)
