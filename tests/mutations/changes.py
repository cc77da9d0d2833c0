"""What is done to a stack's network, one change at a time: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from typing import Any

from policy.aws import kinds as aws
from policy.classes import NETWORK, OTHER_ADDONS
from policy.findings import Severity, Violation
from policy.gcp import kinds as gcp
from policy.graph import Graph, Resource
from policy.reach import INTERNET, violations
from policy.topology import Topology

KEPT = frozenset((aws.CLUSTER, aws.NODE_GROUP, aws.ADDON, gcp.CLUSTER, gcp.NODE_POOL, gcp.ADDRESS))
"""Not taken away. Of machines, settings are changed instead: without them there is nobody to reach. A reserved address
matters when a load balancer asks for it; once in use, the cloud does not let it go."""
TOGETHER = "removed together"
"""What is done to resources that stand in for each other."""


class Class(StrEnum):
    """What a stack loses by a change, as the proof sees it beforehand."""

    NEEDED = "needed"
    """A pair of regions can't talk."""
    REDUNDANT = "redundant"
    """All talk, for something stands in."""
    EGRESS_ONLY = "egress only"
    """Hosts don't reach the internet."""
    CLIENTS = "clients only"
    """No region reaches another by it: it is for SQL clients outside of the regions."""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that is gone (`props` None), or has other properties."""

    urn: str
    type: str
    id: str
    name: str
    what: str
    """In words."""
    props: Mapping[str, Any] | None = field(default=None, hash=False)
    also: tuple[Change, ...] = ()
    """What is changed at the same time."""

    @property
    def label(self) -> str:
        """`Route us-east-1-private-a-to-us-west-2: removed`."""
        return f"{self.type.rpartition(':')[2]} {self.name}: {self.what}"

    def of(self, graph: Graph) -> Graph:
        """The graph after it."""
        graph = graph.without(self.urn) if self.props is None else graph.changed(self.urn, **self.props)
        return reduce(lambda rest, change: change.of(rest), self.also, graph)


def changes(graph: Graph) -> list[Change]:
    """Every resource of the network that can be taken away, and every setting that can be wrong."""
    found: list[Change] = []
    for resource in graph:
        if resource.type in NETWORK and resource.type not in KEPT and resource.id:
            found.append(_change(resource, "removed", None))
        found += _settings(resource)
    return sorted(found, key=lambda change: (change.type, change.name, change.what))


class Judge:
    """What the proof says of changes of one graph. It is asked once of each."""

    def __init__(self, graph: Graph, topology: Topology) -> None:
        self._graph = graph
        self._topology = topology
        self._before = violations(graph, topology)
        self._found: dict[Change, list[Violation]] = {}

    def class_of(self, change: Change) -> Class:
        """What the stack loses by it: by what the proof says after it and did not say before."""
        new = [violation for violation in self._after(change) if violation not in self._before]
        if any(violation.severity is Severity.BROKEN for violation in new):
            return Class.NEEDED
        if any(violation.target != INTERNET for violation in new):
            return Class.REDUNDANT
        return Class.EGRESS_ONLY if new else Class.CLIENTS

    def broken_pairs(self, change: Change) -> frozenset[tuple[str, str]]:
        """Pairs that can't talk after it."""
        return frozenset(
            (violation.source, violation.target)
            for violation in self._after(change)
            if violation.severity is Severity.BROKEN and violation.target != INTERNET
        )

    def _after(self, change: Change) -> list[Violation]:
        if change not in self._found:
            self._found[change] = violations(change.of(self._graph), self._topology)
        return self._found[change]


def combinations(singles: Sequence[Change], judge: Judge) -> Iterator[Change]:
    """Removals of a type that stand in for each other, all at once: sets of them, no smaller one of which is needed."""

    def are_needed(parts: Sequence[Change]) -> bool:
        return bool(parts) and judge.class_of(_together(parts)) is Class.NEEDED

    by_type: dict[str, list[Change]] = {}
    for change in singles:
        if change.props is None and judge.class_of(change) is Class.REDUNDANT:
            by_type.setdefault(change.type, []).append(change)
    for rest in by_type.values():
        while are_needed(rest):
            needed = rest
            for change in rest:
                fewer = [other for other in needed if other is not change]
                needed = fewer if are_needed(fewer) else needed
            yield _together(needed)
            rest = [change for change in rest if change not in needed]


def _together(parts: Sequence[Change]) -> Change:
    first, *others = parts
    if not others:
        return first
    names = ", ".join(part.name for part in parts) if len(parts) < 4 else f"{first.name} and {len(others)} more"
    return replace(first, name=names, what=TOGETHER, also=tuple(others))


def _settings(resource: Resource) -> Iterator[Change]:
    match resource.type:
        case gcp.CLUSTER:
            yield _change(resource, "SNAT on", {"defaultSnatStatus": {"disabled": False}})
        case gcp.FIREWALL:
            yield _change(resource, "disabled", {"disabled": True})
        case gcp.TUNNEL:
            yield _change(resource, "another shared secret", {"sharedSecret": "not-the-same"})
        case aws.ADDON if resource.get("addonName") == "vpc-cni":
            values = json.loads(resource.get("configurationValues") or "{}")
            snat = {**values, "env": {**values.get("env", {}), "AWS_VPC_K8S_CNI_EXTERNALSNAT": "false"}}
            yield _change(resource, "SNAT on", {"configurationValues": json.dumps(snat)})
        case aws.BALANCER:
            yield _change(resource, "no cross-zone balancing", {"enableCrossZoneLoadBalancing": False})
            mappings = resource.get("subnetMappings") or []
            yield _change(resource, "without any address", {"subnetMappings": []})
            for place, mapping in enumerate(mappings):
                rest = [*mappings[:place], *mappings[place + 1 :]]
                yield _change(resource, f"without {mapping.get('privateIpv4Address')}", {"subnetMappings": rest})
        case aws.PREFIX_LIST:
            entries = resource.get("entries") or []
            for place, entry in enumerate(entries):
                rest = [*entries[:place], *entries[place + 1 :]]
                yield _change(resource, f"without {entry.get('cidr')}", {"entries": rest})
        case aws.LISTENER if resource.get("protocol") == "TCP_UDP":
            yield _change(resource, "TCP alone", {"protocol": "TCP"})
            yield _change(resource, "UDP alone", {"protocol": "UDP"})
        case _:
            return


def _change(resource: Resource, what: str, props: Mapping[str, Any] | None) -> Change:
    return Change(resource.urn, resource.type, resource.id or "", resource.name, what, props)


def is_other_addon(resource: Resource) -> bool:
    """Add-ons that carry no packet."""
    return resource.get("addonName") in OTHER_ADDONS
