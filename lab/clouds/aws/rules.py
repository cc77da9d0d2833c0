"""Security group rules: one record each, also those that AWS or a group's own inputs bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, the
from lab.clouds.aws.names import arn, cidr_problems, ec2, identifier, one_of, region_of
from lab.clouds.aws.prefix_lists import refuse_full, weight
from lab.clouds.kinds import Cloud, Kind, Refused, Times, Unknown, register
from lab.clouds.store import Record, State

ACTIONS: Mapping[str, str] = {
    tokens.INGRESS_RULE: "AuthorizeSecurityGroupIngress",
    tokens.EGRESS_RULE: "AuthorizeSecurityGroupEgress",
}

PROTOCOLS: Mapping[str, str] = {"6": "tcp", "17": "udp", "1": "icmp"}
"""Names of the protocols that EC2 knows by name."""

PEERS = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def normal(protocol: str) -> str:
    """A protocol as EC2 gives it back: `tcp`, `udp`, `icmp`, a number, or `-1` for all."""
    word = str(protocol).lower()
    return {"all": "-1", **PROTOCOLS}.get(word, word)


def subject(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two rules of a group and direction the same."""
    protocol = normal(rule["ipProtocol"])
    ports = (None, None) if protocol == "-1" else (rule.get("fromPort"), rule.get("toPort"))
    return (protocol, *ports, *(rule.get(name) or None for name in PEERS))


def make_rule(cloud: Cloud, token: str, group: str, rule: Mapping[str, Any], region: str) -> Record:
    """A rule that AWS makes by itself: its record has no logical name."""
    id = identifier(cloud, "sgr")
    outputs = {
        **rule,
        "arn": arn(cloud, "ec2", region, f"security-group-rule/{id}"),
        "region": region,
        "securityGroupId": group,
        "securityGroupRuleId": id,
        "tagsAll": {},
    }
    return cloud.state.put(Record(token, id, "", {}, outputs))


def refuse_rule(cloud: Cloud, token: str, group: Record, rule: Mapping[str, Any], beside: str | None = None) -> None:
    """Raises Refused where the group can't take this rule; `beside` is the id of the rule that it replaces."""
    action = ACTIONS[token]
    protocol = normal(rule["ipProtocol"])
    first, last = rule.get("fromPort"), rule.get("toPort")
    if protocol in ("tcp", "udp"):
        if first is None or last is None:
            message = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            raise ec2(action, "InvalidParameterValue", message)
        if not 0 <= first <= last <= 65535:
            message = f"Invalid TCP/UDP port range ({first}:{last})"
            raise ec2(action, "InvalidParameterValue", message)
    referenced = rule.get("referencedSecurityGroupId")
    if referenced and referenced != group.id:
        _refuse_reference(cloud, action, group, referenced)
    if rule.get("prefixListId"):
        the(cloud, action, tokens.PREFIX_LIST, rule["prefixListId"], group["region"])
    others = [each for each in cloud.state.find(token, securityGroupId=group.id) if each.id != beside]
    if any(subject(each.outputs) == subject(rule) for each in others):
        message = f'the specified rule "{_said(rule)}" already exists'
        raise ec2(action, "InvalidPermission.Duplicate", message)
    refuse_full(action, (weight(cloud.state, each) for each in (*(other.outputs for other in others), rule)))


def _refuse_reference(cloud: Cloud, action: str, group: Record, id: str) -> None:
    """Groups may be named in rules of their own VPC and, in the same region, of VPCs that are peered with theirs."""
    other = the(cloud, action, tokens.SECURITY_GROUP, id, group["region"])
    if other["vpcId"] != group["vpcId"] and not _peered(cloud.state, group["vpcId"], other["vpcId"]):
        message = "You have specified two resources that belong to different networks."
        raise ec2(action, "InvalidGroup.NotFound", message)


def _peered(state: State, one: str, other: str) -> bool:
    return any(
        {peering["vpcId"], peering["peerVpcId"]} == {one, other} and peering["acceptStatus"] == "active"
        for peering in state.all(tokens.PEERING)
    )


def _said(rule: Mapping[str, Any]) -> str:
    """A rule as EC2's messages have it."""
    protocol = normal(rule["ipProtocol"])
    peer = next((str(rule[name]) for name in PEERS if rule.get(name)), "")
    if protocol == "-1":
        return f"peer: {peer}, ALL, ALLOW"
    ends = f"from port: {rule.get('fromPort')}, to port: {rule.get('toPort')}"
    if protocol == "icmp":
        ends = f"type: {rule.get('fromPort')}, code: {rule.get('toPort')}"
    return f"peer: {peer}, {protocol.upper()}, {ends}, ALLOW"


class _Rule(Kind):
    """A rule of its own. Peers, protocol and ports can change in place; the group can't."""

    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"region", "securityGroupId"})
    computed = ("arn", "securityGroupRuleId")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        yield from cidr_problems(inputs, "cidrIpv4")
        yield from one_of(inputs, *PEERS)
        protocol = inputs["ipProtocol"]
        if not isinstance(protocol, Unknown) and normal(protocol) == "-1":
            for name in ("fromPort", "toPort"):
                if inputs.get(name) not in (None, -1):
                    yield name, "no port can be given where `ip_protocol` is -1"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        group = the(cloud, ACTIONS[self.token], tokens.SECURITY_GROUP, inputs["securityGroupId"], region)
        refuse_rule(cloud, self.token, group, inputs)
        id = identifier(cloud, "sgr")
        place = arn(cloud, "ec2", region, f"security-group-rule/{id}")
        return id, common(cloud, inputs, region, arn=place, securityGroupRuleId=id)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        group = cloud.state.get(tokens.SECURITY_GROUP, inputs["securityGroupId"])
        if group is None:
            raise Refused(f"{inputs['securityGroupId']}: not found")
        refuse_rule(cloud, self.token, group, inputs, beside=record.id)
        return {"tagsAll": dict(inputs.get("tags") or {})}


@register
class IngressRule(_Rule):
    token = tokens.INGRESS_RULE


@register
class EgressRule(_Rule):
    token = tokens.EGRESS_RULE
