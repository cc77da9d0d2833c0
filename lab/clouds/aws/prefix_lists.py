"""Managed prefix lists: ranges that rules name together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, pointing
from lab.clouds.aws.names import arn, cidr_problem, ec2, identifier, region_of
from lab.clouds.kinds import Cloud, Kind, Times, Unknown, register
from lab.clouds.store import Record, State

MOST_ENTRIES = 1000
"""Of one list (Amazon VPC quotas)."""

RULES = (tokens.INGRESS_RULE, tokens.EGRESS_RULE)


@register
class ManagedPrefixList(Kind):
    """Rules that name a list count as many as it may hold, whatever it holds."""

    token = tokens.PREFIX_LIST
    times = Times(create=3, update=4, delete=3)
    auto_name = "name"
    auto_name_length = 255
    replaces = frozenset({"addressFamily", "region"})
    computed = ("arn", "ownerId", "version")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        family, most, entries = inputs.get("addressFamily"), inputs.get("maxEntries"), inputs.get("entries")
        if not isinstance(family, Unknown) and family not in ("IPv4", "IPv6"):
            yield "addressFamily", f'expected one of ["IPv4" "IPv6"], got {family}'
        if isinstance(most, int | float) and not 1 <= most <= MOST_ENTRIES:
            yield "maxEntries", f"expected maxEntries to be in the range (1 - {MOST_ENTRIES}), got {most}"
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            problem = None if isinstance(entry, Unknown) else cidr_problem(entry.get("cidr"))
            if problem:
                yield f"entries[{index}].cidr", problem

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        self._refuse("CreateManagedPrefixList", inputs)
        id = identifier(cloud, "pl")
        place = arn(cloud, "ec2", region, f"prefix-list/{id}")
        return id, common(cloud, inputs, region, arn=place, ownerId=cloud.account, version=1)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse("ModifyManagedPrefixList", inputs)
        self._refuse_size(cloud.state, record, inputs["maxEntries"])
        another = inputs.get("entries") != record["entries"]
        return {"version": record["version"] + another, "tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        links = [(token, "prefixListId") for token in RULES]
        if any(pointing(cloud.state, record.id, *links, (tokens.ROUTE, "destinationPrefixListId"))):
            message = f"The prefix list '{record.id}' is referenced by other resources."
            raise ec2("DeleteManagedPrefixList", "IncorrectState", message)

    def _refuse_size(self, state: State, record: Record, most: int) -> None:
        """What names the list has to have room for its new size (EC2's reference, `ModifyManagedPrefixList`)."""
        if most <= record["maxEntries"]:
            return
        for token in RULES:
            for group in {rule["securityGroupId"] for rule in state.find(token, prefixListId=record.id)}:
                rules = state.find(token, securityGroupId=group)
                weights = (most if rule["prefixListId"] == record.id else weight(state, rule.outputs) for rule in rules)
                refuse_full("ModifyManagedPrefixList", weights)

    def _refuse(self, action: str, inputs: Mapping[str, Any]) -> None:
        cidrs = [entry["cidr"] for entry in inputs.get("entries") or ()]
        if twice := [cidr for cidr, count in Counter(cidrs).items() if count > 1]:
            raise ec2(action, "InvalidParameterValue", f"The CIDR '{twice[0]}' is given more than once.")
        if len(cidrs) > inputs["maxEntries"]:
            message = f"The prefix list can have at most {inputs['maxEntries']} entries."
            raise ec2(action, "PrefixListMaxEntriesExceeded", message)


def weight(state: State, rule: Mapping[str, Any]) -> int:
    """How many rules of a group this one counts as."""
    named = state.get(tokens.PREFIX_LIST, rule.get("prefixListId") or "")
    return int(named["maxEntries"]) if named else 1


def refuse_full(action: str, weights: Iterable[int]) -> None:
    """Raises Refused where the rules of one direction of a group, of these weights, are more than its quota."""
    if quotas.full("aws.rules-per-security-group", sum(weights) - 1):
        message = "The maximum number of rules per security group has been reached."
        raise ec2(action, "RulesPerSecurityGroupLimitExceeded", message)
