"""Security groups as rules: who is in a group, and what several groups together let through. They keep state.

Every rule is a record of its own here, those too that a group's inputs or EKS brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lab.clouds.fabric import EVERYWHERE, Rule, present, unique, words
from lab.clouds.store import Record, State

CLUSTER = "aws:eks/cluster:Cluster"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
PREFIX_LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"
SINGLE = {
    "ingress": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "egress": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
}
OLDER = "aws:ec2/securityGroupRule:SecurityGroupRule"


@dataclass(frozen=True, slots=True)
class Member:
    """Something with security groups: a machine with its pods, or a load balancer."""

    groups: tuple[str, ...]
    sources: tuple[str, ...] = ()
    """Ranges that it is seen by."""
    through: tuple[str, ...] = ()
    """A load balancer's addresses: what comes by it counts as its own, whoever the packet is from."""


def rules(aws: State, groups: Sequence[str], direction: str, members: Sequence[Member]) -> tuple[Rule, ...]:
    """What the groups let in (`ingress`) or out (`egress`), each rule once."""
    return tuple(dict.fromkeys(rule for group in groups for rule in _rules(aws, group, direction, members)))


def _rules(aws: State, group: str, direction: str, members: Sequence[Member]) -> Iterator[Rule]:
    record = next((each for each in present(aws, SECURITY_GROUP) if each.id == group), None)
    if record is None:
        if not any(_own_group(cluster) == group for cluster in present(aws, CLUSTER)):
            return
        # EKS's own group of a cluster: everything from itself, everything out.
        yield from _of_members(members, group, direction, "", (), None)
        if direction == "egress":
            yield Rule(destinations=(EVERYWHERE,))
    for single in present(aws, SINGLE[direction]):
        if single["securityGroupId"] == group:
            cidrs, peers = (*_listed(single["cidrIpv4"]), *_named(aws, single)), single["referencedSecurityGroupId"]
            fields = {**single.outputs, "protocol": single["ipProtocol"]}
            yield from _one(fields, cidrs, [peers] if peers else [], direction, members)
    for older in present(aws, OLDER):
        if older["securityGroupId"] == group and older["type"] == direction:
            peers = (*_listed(older["sourceSecurityGroupId"]), *_listed(group if older["self"] else None))
            yield from _one(older.outputs, words(older["cidrBlocks"]), peers, direction, members)


def _own_group(cluster: Record) -> str | None:
    return (cluster["vpcConfig"] or {}).get("clusterSecurityGroupId")


def _one(
    fields: Any, cidrs: tuple[str, ...], peers: Sequence[str], direction: str, members: Sequence[Member]
) -> Iterator[Rule]:
    protocol = str(fields["protocol"]).lower()
    ports: tuple[str, ...] = ()
    icmp: tuple[int, int] | None = None
    low, high = fields.get("fromPort"), fields.get("toPort")
    if protocol in ("-1", "all"):
        protocol = ""
    elif protocol in ("icmp", "1"):
        protocol, icmp = "icmp", (_type(low), _type(high))
    elif low is not None and int(low) >= 0:
        ports = (str(int(low)) if low == high else f"{int(low)}-{int(high if high is not None else low)}",)
    if cidrs:
        sources, destinations = (cidrs, ()) if direction == "ingress" else ((), cidrs)
        yield Rule(True, sources, destinations, protocol, ports, icmp)
    for peer in peers:
        yield from _of_members(members, peer, direction, protocol, ports, icmp)


def _of_members(
    members: Sequence[Member],
    group: str,
    direction: str,
    protocol: str,
    ports: tuple[str, ...],
    icmp: tuple[int, int] | None,
) -> Iterator[Rule]:
    """A rule that names a group: its machines by their addresses, its balancers by what comes through them."""
    its = [member for member in members if group in member.groups]
    addresses = unique(each for member in its for each in member.sources)
    through = unique(each for member in its for each in member.through)
    if addresses:
        sources, destinations = (addresses, ()) if direction == "ingress" else ((), addresses)
        yield Rule(True, sources, destinations, protocol, ports, icmp)
    if through and direction == "ingress":
        yield Rule(True, (), (), protocol, ports, icmp, through)


def _listed(value: Any) -> tuple[str, ...]:
    return (str(value),) if value else ()


def _named(aws: State, rule: Record) -> tuple[str, ...]:
    """Ranges of the prefix list that a rule names."""
    found = [each for each in present(aws, PREFIX_LIST) if each.id == rule["prefixListId"]]
    return tuple(str(entry["cidr"]) for each in found for entry in each["entries"] or ())


def _type(value: Any) -> int:
    return -1 if value is None else int(value)
