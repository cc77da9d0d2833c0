"""Measurements, arranged so that a check can ask its question in one line. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .measurements import RegionMeasurement
from .target import Node, Region, Target

Report = dict[str, Any]
NodeKey = tuple[str, int]


@dataclass(frozen=True)
class Evidence:
    """Everything measured about a target."""

    target: Target
    measurements: tuple[RegionMeasurement, ...]
    _by_region: dict[str, RegionMeasurement] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_region", {one.region: one for one in self.measurements})

    def measured(self, region: str) -> RegionMeasurement:
        return self._by_region[region]

    def pairs(self) -> Iterator[tuple[Region, Region, tuple[Report, ...]]]:
        """(source, target, the source's reports) of every pair whose source reported; a region with itself too."""
        for source in self.target.regions:
            reports = self.measured(source.name).reports
            if reports:
                for target in self.target.regions:
                    yield source, target, reports

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        return tuple(report for one in self.measurements for report in one.reports)

    @cached_property
    def nodes(self) -> dict[NodeKey, Node]:
        return {(region.name, node.ordinal): node for region in self.target.regions for node in region.nodes}

    @cached_property
    def views(self) -> tuple[list[dict[str, Any]], ...]:
        """What nodes think who the members are, each time that a probe of their region asked."""
        return tuple(
            node["sql"]["members"]
            for report in self.reports
            for node in report["nodes"]
            if node["sql"] and "members" in node["sql"]
        )

    @cached_property
    def down(self) -> frozenset[NodeKey]:
        """Nodes that work for nobody, while something else shows that the way to their region is open.

        Without that evidence (their region has no probe, and none of its nodes answers anyone) the way may be at fault.
        """
        up = {key for report in self.reports for key in nodes_up(report)}
        seen = {key for report in self.reports for key in node_keys(report)}
        reachable = {region for region, _ in up} | {one.region for one in self.measurements if one.reports}
        return frozenset(key for key in seen - up if key[0] in reachable)

    @cached_property
    def answering(self) -> frozenset[NodeKey]:
        """Nodes that someone could open a connection to, whatever came of it."""
        return frozenset(
            (node["region"], node["node"]) for report in self.reports for node in report["nodes"] if ok(node["connect"])
        )

    def open_between(self, source: str, target: str) -> bool:
        """Some TCP connection between pods of the two regions worked, whoever opened it: routes exist both ways."""
        return any(
            _opened(report, other)
            for here, other in ((source, target), (target, source))
            for report in self.measured(here).reports
        )

    def opened(self, source: str, target: str) -> bool:
        """Some TCP connection from a pod of `source` to a pod of `target` worked."""
        return any(_opened(report, target) for report in self.measured(source).reports)

    def cut(self, source: str, target: str) -> bool:
        """Nothing got through between pods of two regions, although there was something to try."""
        if source == target or self.open_between(source, target) or not self._tried(source, target):
            return False
        return any(
            step["status"] in ("timeout", "unreachable")
            for report in self.measured(source).reports
            for step in _attempts(report, target)
        ) or not self._resolved(source, target)

    def _tried(self, source: str, target: str) -> bool:
        """There was an address or a name: not where only a region's API server knows its pods, and doesn't answer."""
        return not all(node.unlocated for node in self.target.region(target).nodes) or any(
            _attempts(report, target) for report in self.measured(source).reports
        )

    def _resolved(self, source: str, target: str) -> bool:
        return any(
            node["address"] is not None
            for report in self.measured(source).reports
            for node in towards(report, "nodes", target)
        ) or any(
            answered(server[transport]["known"])
            for report in self.measured(source).reports
            for server in towards(report, "servers", target)
            for transport in ("udp", "tcp")
        )


def towards(report: Report, section: str, region: str) -> list[dict[str, Any]]:
    """A report's entries of `section` that are about `region`."""
    return [entry for entry in report[section] if entry["region"] == region]


def answered(answer: dict[str, Any]) -> bool:
    """A DNS server answered, whatever it said."""
    return answer["status"] == "answered"


def has_address(answer: dict[str, Any]) -> bool:
    """A DNS server gave at least one address."""
    return answered(answer) and answer["rcode"] == "NOERROR" and bool(answer["addresses"])


def words(answer: dict[str, Any]) -> str:
    """A DNS answer, or its absence, in a word: NXDOMAIN, timeout, no address, …"""
    if not answered(answer):
        return answer["status"]
    return "no address" if answer["rcode"] == "NOERROR" else answer["rcode"]


def node_keys(report: Report) -> set[NodeKey]:
    return {(node["region"], node["node"]) for node in report["nodes"]}


def nodes_up(report: Report) -> set[NodeKey]:
    """Nodes that this probe could use, or that answer with a wrong certificate (which is another fault)."""
    return {
        (node["region"], node["node"])
        for node in report["nodes"]
        if ok(node["connect"]) and node["http"] and node["http"]["status"] not in ("not-ready", "refused", "timeout")
    }


def ok(step: dict[str, Any] | None) -> bool:
    return step is not None and step["status"] == "ok"


def _attempts(report: Report, region: str) -> list[dict[str, Any]]:
    nodes = towards(report, "nodes", region)
    steps = [step for node in nodes for step in (node["connect"], node["http"]) if step is not None]
    return steps + towards(report, "peers", region)


def _opened(report: Report, region: str) -> bool:
    nodes = towards(report, "nodes", region)
    through = ("ok", "not-ready", "expired", "not-yet-valid", "wrong-name", "wrong-authority", "handshake")
    return (
        any(ok(node["connect"]) for node in nodes)
        or any(node["http"] and node["http"]["status"] in through for node in nodes)
        or any(peer["stage"] != "connect" for peer in towards(report, "peers", region))
    )
