"""Firewall rules of a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds.gcp import base
from lab.clouds.gcp.base import FIREWALL, ComputeKind
from lab.clouds.kinds import Cloud, Times, register
from lab.clouds.store import Record

PROTOCOLS = ("tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp", "all")
SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")


@register
class Firewall(ComputeKind):
    token = FIREWALL
    collection = "firewalls"
    regional = False
    quota = "gcp.firewalls"
    times = Times(create=11, update=11, delete=11)
    replaces = frozenset({"name", "network", "direction", "project", "params"})
    computed = (*ComputeKind.computed, "creationTimestamp", "direction", "sourceRanges", "destinationRanges")
    defaults: ClassVar[Mapping[str, Any]] = {"priority": 1000, "direction": "INGRESS", "disabled": False}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        if ("allows" in inputs) == ("denies" in inputs):
            yield "allows", "one of `allow,deny` must be specified"
        yield from base.word_problems("direction", inputs.get("direction"), ("INGRESS", "EGRESS"))
        for field in ("allows", "denies"):
            for index, rule in enumerate(_listed(inputs.get(field))):
                yield from _rule_problems(f"{field}[{index}]", rule)
        for field in ("sourceRanges", "destinationRanges"):
            for index, each in enumerate(_listed(inputs.get(field))):
                yield from base.range_problems(f"{field}[{index}]", each)
        for index, tag in enumerate(_listed(inputs.get("targetTags"))):
            if isinstance(tag, str) and not base.NAME.fullmatch(tag):
                yield f"targetTags[{index}]", f"{tag!r} is no network tag"
        if inputs.get("direction") == "EGRESS" and any(source in inputs for source in SOURCES):
            yield "direction", "sources can't be specified for an EGRESS rule"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        network = base.network_link(cloud, inputs["network"])
        return id, {**where, "network": network, "creationTimestamp": base.now(), **_ends(inputs)}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"network": record["network"], **_ends(inputs)}


def _ends(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A rule that names no source is for all of them; so is one that names no destination."""
    if inputs["direction"] == "EGRESS":
        return {"destinationRanges": inputs.get("destinationRanges") or ["0.0.0.0/0"], "sourceRanges": []}
    anywhere = [] if any(inputs.get(source) for source in SOURCES) else ["0.0.0.0/0"]
    return {
        "sourceRanges": inputs.get("sourceRanges") or anywhere,
        "destinationRanges": inputs.get("destinationRanges", []),
    }


def _rule_problems(path: str, rule: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(rule, Mapping):
        return
    protocol = rule.get("protocol")
    if isinstance(protocol, str) and protocol.lower() not in PROTOCOLS and not protocol.isdigit():
        yield f"{path}.protocol", f"{protocol!r} is no protocol: {', '.join(PROTOCOLS)} or a number"
    ports = _listed(rule.get("ports"))
    if ports and protocol not in ("tcp", "udp", "sctp"):
        yield f"{path}.ports", f"ports can't be specified for {protocol}"
    for index, port in enumerate(ports):
        if isinstance(port, str) and not re.fullmatch(r"\d{1,5}(-\d{1,5})?", port):
            yield f"{path}.ports[{index}]", f"{port!r} is no port or range of ports"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
