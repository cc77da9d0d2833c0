"""Security groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, pointing, the
from lab.clouds.aws.names import arn, cidr_problem, ec2, identifier, region_of
from lab.clouds.aws.rules import make_rule, refuse_rule
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import Record

INLINE = {"ingress": tokens.INGRESS_RULE, "egress": tokens.EGRESS_RULE}


@register
class SecurityGroup(Kind):
    """The provider takes away EC2's egress rule: a group lets nothing out that its rules don't name.

    Rules given inline become records of their own, with no logical name.
    """

    token = tokens.SECURITY_GROUP
    times = Times(create=3, update=2, delete=1)
    auto_name = "name"
    auto_name_length = 255
    replaces = frozenset({"description", "name", "namePrefix", "region", "vpcId"})
    computed = ("arn", "ownerId")
    defaults: ClassVar[Mapping[str, Any]] = {"description": "Managed by Pulumi", "revokeRulesOnDelete": False}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        name = inputs.get("name")
        if isinstance(name, str) and name.startswith("sg-"):
            yield "name", f"invalid value for name (cannot begin with sg-): {name}"
        for way in INLINE:
            rules = inputs.get(way)
            for index, rule in enumerate(rules if isinstance(rules, list) else ()):
                cidrs = rule.get("cidrBlocks") if isinstance(rule, Mapping) else None
                for place, cidr in enumerate(cidrs if isinstance(cidrs, list) else ()):
                    problem = cidr_problem(cidr)
                    if problem:
                        yield f"{way}[{index}].cidrBlocks[{place}]", problem

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        if not inputs.get("vpcId"):
            raise ec2("CreateSecurityGroup", "VPCIdNotSpecified", "No default VPC for this user")
        vpc = the(cloud, "CreateSecurityGroup", tokens.VPC, inputs["vpcId"], region)
        if cloud.state.one(self.token, vpcId=vpc.id, name=inputs["name"]) is not None:
            message = f"The security group '{inputs['name']}' already exists for VPC '{vpc.id}'"
            raise ec2("CreateSecurityGroup", "InvalidGroup.Duplicate", message)
        if quotas.full("aws.security-groups-per-region", len(cloud.state.find(self.token, region=region))):
            message = "The maximum number of security groups has been reached."
            raise ec2("CreateSecurityGroup", "SecurityGroupLimitExceeded", message)
        id = identifier(cloud, "sg")
        group = Record(self.token, id, "", {}, {"region": region, "vpcId": vpc.id})
        self._set_inline(cloud, group, inputs)
        place = arn(cloud, "ec2", region, f"security-group/{id}")
        return id, common(cloud, inputs, region, arn=place, ownerId=cloud.account)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._set_inline(cloud, record, inputs)
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["name"] == "default":
            message = f'the specified group: "{record.id}" name: "default" cannot be deleted by a user'
            raise ec2("DeleteSecurityGroup", "CannotDelete", message)
        if any(users(cloud, record.id)):
            message = f"resource {record.id} has a dependent object"
            raise ec2("DeleteSecurityGroup", "DependencyViolation", message)
        for token in INLINE.values():
            for rule in cloud.state.find(token, securityGroupId=record.id):
                if not rule.name:
                    cloud.state.remove(rule)

    def _set_inline(self, cloud: Cloud, group: Record, inputs: Mapping[str, Any]) -> None:
        for way, token in INLINE.items():
            if way not in inputs and way not in group.inputs:
                continue
            for old in cloud.state.find(token, securityGroupId=group.id):
                if not old.name:
                    cloud.state.remove(old)
            for rule in inputs.get(way) or ():
                for each in single(rule, group.id):
                    refuse_rule(cloud, token, group, each)
                    make_rule(cloud, token, group.id, each, group["region"])


def single(rule: Mapping[str, Any], group: str) -> Iterator[dict[str, Any]]:
    """An inline rule as rules with one peer each."""
    base = {"ipProtocol": rule["protocol"], "fromPort": rule["fromPort"], "toPort": rule["toPort"]}
    for cidr in rule.get("cidrBlocks") or ():
        yield {**base, "cidrIpv4": cidr}
    for cidr in rule.get("ipv6CidrBlocks") or ():
        yield {**base, "cidrIpv6": cidr}
    for other in rule.get("securityGroups") or ():
        yield {**base, "referencedSecurityGroupId": other}
    if rule.get("self"):
        yield {**base, "referencedSecurityGroupId": group}


def users(cloud: Cloud, id: str) -> Iterator[Record]:
    """What a security group is still needed by: network interfaces, and other groups' rules that name it."""
    links = ((tokens.LOAD_BALANCER, "securityGroups"), (tokens.LAUNCH_TEMPLATE, "vpcSecurityGroupIds"))
    yield from pointing(cloud.state, id, links[0])
    for template in pointing(cloud.state, id, links[1]):
        for group in cloud.state.all(tokens.NODE_GROUP):
            if (group["launchTemplate"] or {}).get("id") == template.id:
                yield group
    for cluster in cloud.state.all(tokens.CLUSTER):
        config = cluster["vpcConfig"] or {}
        if id in (*config.get("securityGroupIds", ()), config.get("clusterSecurityGroupId")):
            yield cluster
    for token in INLINE.values():
        for rule in cloud.state.find(token, referencedSecurityGroupId=id):
            if rule["securityGroupId"] != id:
                yield rule
