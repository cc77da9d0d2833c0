"""Which packets a GCP network's firewall rules let in, and out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from itertools import groupby

from ..findings import Failure, Flow, Severity
from ..graph import Graph, Resource
from ..ranges import ANYWHERE, listing, networks, uncovered
from . import kinds
from .site import Site

DEFAULT_PRIORITY = 1000
HEALTH_CHECKERS = (IPv4Network("35.191.0.0/16"), IPv4Network("130.211.0.0/22"))
"""Where passthrough load balancers' checks come from (cloud.google.com/load-balancing/docs/health-checks)."""
NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1"}


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets at a firewall. Port 0: any, as for ICMP."""

    protocol: str
    port: int
    sources: IPv4Network
    destination: IPv4Network

    def __str__(self) -> str:
        return f"{self.protocol}/{self.port}" if self.port else self.protocol


@dataclass(frozen=True, slots=True)
class Match:
    """One transport of a rule; no ports: all."""

    protocol: str
    ports: tuple[range, ...]

    def takes(self, packets: Packets) -> bool:
        """Whether it is for these packets."""
        if self.protocol not in ("all", packets.protocol, NUMBERS[packets.protocol]):
            return False
        return not self.ports or not packets.port or any(packets.port in ports for ports in self.ports)


@dataclass(frozen=True, slots=True)
class Rule:
    """One firewall rule that is on."""

    resource: Resource
    priority: int
    sources: tuple[IPv4Network, ...]
    destinations: tuple[IPv4Network, ...]
    tags: frozenset[str]
    accounts: frozenset[str]
    allows: tuple[Match, ...]
    denies: tuple[Match, ...]

    def meant_for(self, pool: Resource) -> bool:
        """Whether it is for a node pool's machines. With neither tags nor accounts it is for all."""
        if self.accounts:
            return not self.accounts.isdisjoint(pool.texts("nodeConfig.serviceAccount"))
        return not self.tags or not self.tags.isdisjoint(pool.texts("nodeConfig.tags"))


def admitted(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """What of the flow the target's firewall stops, of every one of its node pools."""
    packets = Packets(flow.protocol, flow.port, flow.sources, flow.destination)
    for pool in site.pools:
        yield from _let_in(graph, site, pool, packets)


def let_out(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """Whether a rule of the sender's network forbids the flow: egress is open unless one does."""
    packets = Packets(flow.protocol, flow.port, flow.sources, flow.destination)
    for rule in _rules(graph, site.network, "EGRESS"):
        there = any(flow.destination.overlaps(each) for each in rule.destinations)
        if there and any(match.takes(packets) for match in rule.denies) and any(map(rule.meant_for, site.pools)):
            yield Failure(
                "egress firewall", f"{rule.resource.label} denies {packets} to {flow.destination}", rule.resource.urn
            )


def health_checked(graph: Graph, site: Site, port: int) -> list[Failure]:
    """Without its health checks, on `port`, a load balancer takes every host for dead, and sends to any of them."""
    key = ("health checks", site.cluster.urn, str(port))
    return graph.derived(key, lambda: list(_health_checked(graph, site, port)))


def _health_checked(graph: Graph, site: Site, port: int) -> Iterator[Failure]:
    for checker in HEALTH_CHECKERS:
        packets = Packets("tcp", port, checker, site.region.node_cidr)
        for pool in site.pools:
            for failure in _let_in(graph, site, pool, packets):
                yield replace(failure, hop="health checks", severity=Severity.DEGRADED)


def _let_in(graph: Graph, site: Site, pool: Resource, packets: Packets) -> Iterator[Failure]:
    """Lower numbers first, and of one number what denies before what allows; what no rule allows is denied."""
    meant = [
        rule
        for rule in _rules(graph, site.network, "INGRESS")
        if rule.meant_for(pool) and not uncovered(packets.destination, rule.destinations)
    ]
    left: tuple[IPv4Network, ...] = (packets.sources,)
    for _, same in groupby(meant, key=lambda rule: rule.priority):
        rules = list(same)
        for rule in rules:
            denied = [part for part in left if any(part.overlaps(there) for there in rule.sources)]
            if denied and any(match.takes(packets) for match in rule.denies):
                yield Failure(
                    "firewall",
                    f"{rule.resource.label} denies {packets} from {listing(denied)}; no rule before it lets that in",
                    rule.resource.urn,
                )
                return
        allowing = [
            there for rule in rules if any(match.takes(packets) for match in rule.allows) for there in rule.sources
        ]
        left = tuple(rest for part in left for rest in uncovered(part, allowing))
        if not left:
            return
    yield Failure(
        "firewall",
        f"no firewall rule of {site.network.label} lets {packets} from {listing(left)} to the nodes of {pool.label}; "
        "allow it by an INGRESS rule for a tag that they have",
        site.network.urn,
    )


def _rules(graph: Graph, network: Resource, direction: str) -> list[Rule]:
    """The network's rules of one direction that are on, by priority."""

    def parsed() -> list[Rule]:
        found = graph.pointing(kinds.FIREWALL, "network", network)
        on = [rule for rule in found if rule.get("disabled") is not True]
        return sorted(
            (_parsed(rule) for rule in on if rule.get("direction", "INGRESS") == direction),
            key=lambda rule: rule.priority,
        )

    return graph.derived(("firewall", network.urn, direction), parsed)


def _parsed(rule: Resource) -> Rule:
    # A rule with source tags or accounts alone says nothing of ranges; one with nothing means everybody.
    by_name = rule.values("sourceTags.*") or rule.values("sourceServiceAccounts.*")
    priority = rule.get("priority")
    return Rule(
        resource=rule,
        priority=priority if isinstance(priority, int) else DEFAULT_PRIORITY,
        sources=tuple(networks(rule.texts("sourceRanges"))) or (() if by_name else (ANYWHERE,)),
        destinations=tuple(networks(rule.texts("destinationRanges"))) or (ANYWHERE,),
        tags=frozenset(rule.texts("targetTags")),
        accounts=frozenset(rule.texts("targetServiceAccounts")),
        allows=_matches(rule, "allows"),
        denies=_matches(rule, "denies"),
    )


def _matches(rule: Resource, words: str) -> tuple[Match, ...]:
    return tuple(
        Match(str(entry.get("protocol", "")).lower(), tuple(_ports(str(port)) for port in entry.get("ports") or []))
        for entry in rule.values(f"{words}.*")
        if isinstance(entry, dict)
    )


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1) if first.isdigit() and (last or first).isdigit() else range(0)
