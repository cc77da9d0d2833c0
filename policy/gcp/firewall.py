"""Which packets a GCP network's firewall rules let in, and out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network

from ..findings import Failure, Flow, Severity
from ..graph import Graph, Resource
from ..ranges import ANYWHERE, listing, networks, uncovered
from . import kinds
from .site import Site

DEFAULT_PRIORITY = 1000
HEALTH_CHECKERS = (IPv4Network("35.191.0.0/16"), IPv4Network("130.211.0.0/22"))
"""Where passthrough load balancers' checks come from (cloud.google.com/load-balancing/docs/health-checks)."""
NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1"}


def admitted(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """What of the flow the target's firewall stops, of every one of its node pools."""
    for pool in site.pools:
        yield from _judge(graph, site, pool, flow, flow.sources, flow.destination)


def let_out(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """Whether a rule of the sender's network forbids the flow: egress is open unless one does."""
    for rule in graph.pointing(kinds.FIREWALL, "network", site.network):
        if rule.get("direction") != "EGRESS" or rule.get("disabled") is True or not rule.values("denies.*"):
            continue
        where = networks(rule.texts("destinationRanges")) or [ANYWHERE]
        from_here = any(_meant(rule, pool) for pool in site.pools)
        if from_here and _matches(rule, "denies", flow) and any(flow.destination.overlaps(there) for there in where):
            yield Failure("egress firewall", f"{rule.label} denies {flow.protocol} to {flow.destination}", rule.urn)


def health_checked(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """Without its health checks a load balancer takes every node for dead, and sends to any of them."""
    for checker in HEALTH_CHECKERS:
        probe = replace(flow, protocol="tcp")
        for pool in site.pools:
            for failure in _judge(graph, site, pool, probe, checker, flow.destination, any_port=True):
                yield replace(failure, hop="health checks", severity=Severity.DEGRADED)


def _judge(
    graph: Graph,
    site: Site,
    pool: Resource,
    flow: Flow,
    sources: IPv4Network,
    destination: IPv4Network,
    *,
    any_port: bool = False,
) -> Iterator[Failure]:
    rules = [
        rule
        for rule in graph.pointing(kinds.FIREWALL, "network", site.network)
        if rule.get("direction", "INGRESS") == "INGRESS" and rule.get("disabled") is not True and _meant(rule, pool)
    ]
    by_priority: dict[int, list[Resource]] = defaultdict(list)
    for rule in rules:
        if not _to(rule, destination):
            continue
        by_priority[_priority(rule)].append(rule)
    left: tuple[IPv4Network, ...] = (sources,)
    for priority in sorted(by_priority):
        for rule in by_priority[priority]:
            denied = [part for part in left for there in _from(rule) if part.overlaps(there)]
            if denied and _matches(rule, "denies", flow):
                yield Failure(
                    "firewall",
                    f"{rule.label} (priority {priority}) denies {_packets(flow)} from {listing(denied)}; "
                    "no rule before it lets that in",
                    rule.urn,
                )
                return
        allowing = [
            there
            for rule in by_priority[priority]
            if _matches(rule, "allows", flow, any_port=any_port)
            for there in _from(rule)
        ]
        left = tuple(rest for part in left for rest in uncovered(part, allowing))
        if not left:
            return
    yield Failure(
        "firewall",
        f"no firewall rule of {site.network.label} lets {_packets(flow)} from {listing(left)} to the nodes of "
        f"{pool.label}; allow it by an INGRESS rule for a tag that they have",
        site.network.urn,
    )


def _packets(flow: Flow) -> str:
    return f"{flow.protocol}/{flow.port}" if flow.port else flow.protocol


def _priority(rule: Resource) -> int:
    found = rule.get("priority")
    return found if isinstance(found, int) else DEFAULT_PRIORITY


def _from(rule: Resource) -> list[IPv4Network]:
    """A rule with source tags or accounts only says nothing of ranges; one with nothing means everybody."""
    if rule.texts("sourceRanges"):
        return networks(rule.texts("sourceRanges"))
    return [] if rule.values("sourceTags.*") or rule.values("sourceServiceAccounts.*") else [ANYWHERE]


def _to(rule: Resource, destination: IPv4Network) -> bool:
    there = networks(rule.texts("destinationRanges"))
    return not there or not uncovered(destination, there)


def _meant(rule: Resource, pool: Resource) -> bool:
    """Whether the rule is for the pool's machines."""
    if rule.values("targetServiceAccounts.*"):
        return rule.texts("targetServiceAccounts") == pool.texts("nodeConfig.serviceAccount")
    tags = rule.texts("targetTags")
    return not tags or not set(tags).isdisjoint(pool.texts("nodeConfig.tags"))


def _matches(rule: Resource, words: str, flow: Flow, *, any_port: bool = False) -> bool:
    for entry in rule.values(f"{words}.*"):
        protocol = str(entry.get("protocol", "")).lower() if isinstance(entry, dict) else ""
        if protocol not in ("all", flow.protocol, NUMBERS[flow.protocol]):
            continue
        ports = entry.get("ports") or []
        if not ports or any_port or not flow.port or any(_within(flow.port, str(port)) for port in ports):
            return True
    return False


def _within(port: int, ports: str) -> bool:
    first, _, last = ports.partition("-")
    return first.isdigit() and int(first) <= port <= int(last if last.isdigit() else first)
