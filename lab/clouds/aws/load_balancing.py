"""Network load balancers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.addresses import free_address, refuse_address
from lab.clouds.aws.lookup import common, the
from lab.clouds.aws.names import arn, one_of, refusal, region_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record

SERVICE = "Elastic Load Balancing v2"

ZONE = "Z26RNL4JYFTOTI"
"""The hosted zone of network load balancers' names in us-east-1; the lab has no other."""


def elb(action: str, code: str, message: str) -> Refused:
    return refusal(SERVICE, action, code, message)


def name_problem(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Load balancers' and target groups' names: 32 characters, letters, digits and hyphens."""
    name = inputs.get("name")
    if isinstance(name, str):
        if not re.fullmatch(r"[0-9A-Za-z-]+", name):
            yield "name", f'only alphanumeric characters and hyphens allowed in "name": "{name}"'
        elif name.startswith(("-", "internal-")) or name.endswith("-"):
            yield "name", f'"name" cannot begin or end with a hyphen, or begin with "internal-": "{name}"'
        elif len(name) > 32:
            yield "name", f'"name" cannot be longer than 32 characters: "{name}"'


@register
class LoadBalancer(Kind):
    """A network load balancer: the lab has no model of others. Born without security groups, it can never have any."""

    token = tokens.LOAD_BALANCER
    times = Times(create=144, update=10, delete=30)
    auto_name = "name"
    auto_name_length = 32
    replaces = frozenset({"internal", "loadBalancerType", "name", "namePrefix", "region"})
    computed = ("arn", "arnSuffix", "dnsName", "vpcId", "zoneId")
    defaults: ClassVar[Mapping[str, Any]] = {
        "enableCrossZoneLoadBalancing": False,
        "enableDeletionProtection": False,
        "internal": False,
        "ipAddressType": "ipv4",
        "loadBalancerType": "application",
    }

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from name_problem(inputs)
        yield from one_of(inputs, "subnetMappings", "subnets")
        if isinstance(inputs["loadBalancerType"], str) and inputs["loadBalancerType"] != "network":
            yield "loadBalancerType", f"the lab's cloud has no model of {inputs['loadBalancerType']} load balancers"

    def replaces_too(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
        """As the provider: what AWS would refuse below. Subnets may be added, and are what they are then."""
        found: set[str] = set()
        if bool(olds.get("securityGroups")) != bool(news.get("securityGroups")):
            found.add("securityGroups")
        for name in ("subnetMappings", "subnets"):
            if not all(each in (news.get(name) or ()) for each in olds.get(name) or ()):
                found.add(name)
        return frozenset(found)

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region, name = "CreateLoadBalancer", region_of(cloud, inputs), inputs["name"]
        others = cloud.state.find(self.token, region=region)
        if any(other["name"] == name for other in others):
            message = f"A load balancer with the same name '{name}' exists, but with different settings"
            raise elb(action, "DuplicateLoadBalancerName", message)
        if quotas.full("aws.load-balancers-per-region", len(others)):
            message = "The limit on the number of load balancers has been reached"
            raise elb(action, "TooManyLoadBalancers", message)
        mappings = self._mappings(cloud, action, inputs, region, ())
        subnet = the(cloud, action, tokens.SUBNET, mappings[0]["subnetId"], region)
        vpc = subnet["vpcId"]
        if not inputs["internal"] and cloud.state.one(tokens.INTERNET_GATEWAY, vpcId=vpc) is None:
            raise elb(action, "InvalidSubnet", f"VPC {vpc} has no internet gateway")
        refuse_groups(cloud, action, inputs, vpc)
        digits = cloud.random(16)
        suffix = f"net/{name}/{digits}"
        place = arn(cloud, "elasticloadbalancing", region, f"loadbalancer/{suffix}")
        return place, common(
            cloud,
            inputs,
            region,
            arn=place,
            arnSuffix=suffix,
            dnsName=f"{name}-{digits}.elb.{region}.amazonaws.com",
            securityGroups=inputs.get("securityGroups") or [],
            subnetMappings=mappings,
            subnets=[mapping["subnetId"] for mapping in mappings],
            vpcId=vpc,
            zoneId=ZONE,
        )

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        groups = inputs.get("securityGroups") or []
        if groups and not record["securityGroups"]:
            message = (
                f"Cannot associate security groups with load balancer '{record.id}': it was created without security "
                "groups"
            )
            raise elb("SetSecurityGroups", "InvalidConfigurationRequest", message)
        if record["securityGroups"] and not groups:
            message = f"At least one security group must be specified for load balancer '{record.id}'"
            raise elb("SetSecurityGroups", "InvalidConfigurationRequest", message)
        refuse_groups(cloud, "SetSecurityGroups", inputs, record["vpcId"])
        old = record["subnetMappings"]
        mappings = self._mappings(cloud, "SetSubnets", inputs, record["region"], old)
        if any(mapping not in mappings for mapping in old):
            message = "SetSubnets cannot change or remove the subnets of load balancers of type 'network'"
            raise elb("SetSubnets", "InvalidConfigurationRequest", message)
        return {
            "securityGroups": groups,
            "subnetMappings": mappings,
            "subnets": [mapping["subnetId"] for mapping in mappings],
            "tagsAll": dict(inputs.get("tags") or {}),
        }

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["enableDeletionProtection"]:
            message = f"Load balancer '{record.id}' cannot be deleted because deletion protection is enabled"
            raise elb("DeleteLoadBalancer", "OperationNotPermitted", message)

    def _mappings(
        self, cloud: Cloud, action: str, inputs: Mapping[str, Any], region: str, old: Any
    ) -> list[dict[str, Any]]:
        """Subnets and addresses, those that AWS chooses too. `old` ones keep their addresses. Raises Refused."""
        asked = inputs.get("subnetMappings") or [{"subnetId": id} for id in inputs.get("subnets") or ()]
        kept = {mapping["subnetId"]: mapping["privateIpv4Address"] for mapping in old}
        subnets = [the(cloud, action, tokens.SUBNET, mapping["subnetId"], region) for mapping in asked]
        if len({subnet["vpcId"] for subnet in subnets}) != 1:
            message = "All subnets must belong to the same VPC"
            raise elb(action, "InvalidConfigurationRequest", message)
        if len({subnet["availabilityZone"] for subnet in subnets}) < len(subnets):
            message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
            raise elb(action, "InvalidConfigurationRequest", message)
        found: list[dict[str, Any]] = []
        for mapping, subnet in zip(asked, subnets, strict=True):
            address = mapping.get("privateIpv4Address")
            if address and not inputs["internal"]:
                message = "Private IPv4 addresses can be given to internal load balancers only"
                raise elb(action, "InvalidConfigurationRequest", message)
            if address and kept.get(subnet.id) != address:
                refuse_address(cloud.state, action, subnet, address)
            address = address or kept.get(subnet.id) or free_address(cloud.state, action, subnet)
            found.append({**mapping, "privateIpv4Address": address})
        return found


def refuse_groups(cloud: Cloud, action: str, inputs: Mapping[str, Any], vpc: str) -> None:
    """Raises Refused where a security group isn't one of the load balancer's VPC."""
    for id in inputs.get("securityGroups") or ():
        group = cloud.state.get(tokens.SECURITY_GROUP, id)
        if group is None or group["vpcId"] != vpc:
            message = f"One or more security groups are invalid: {id}"
            raise elb(action, "InvalidConfigurationRequest", message)
