"""Managed prefix lists: ranges that rules name together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, pointing
from lab.clouds.aws.names import arn, cidr_problem, ec2, identifier, region_of
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import Record, State


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
        if inputs.get("addressFamily") not in ("IPv4", "IPv6"):
            yield "addressFamily", f'expected one of ["IPv4" "IPv6"], got {inputs.get("addressFamily")}'
        entries = inputs.get("entries")
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            problem = cidr_problem(entry.get("cidr"))
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
        return {"version": record["version"] + 1, "tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        links = [(token, "prefixListId") for token in (tokens.INGRESS_RULE, tokens.EGRESS_RULE)]
        if any(pointing(cloud.state, record.id, *links, (tokens.ROUTE, "destinationPrefixListId"))):
            message = f"The prefix list '{record.id}' is referenced by other resources."
            raise ec2("DeleteManagedPrefixList", "IncorrectState", message)

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
