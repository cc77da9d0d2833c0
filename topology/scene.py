"""The plan and the verdict as what is drawn: regions, pairs of regions, and the health of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from components.plan.layout import hosts_per_zone

from .places import Place, place_of

WORDS = ("green", "degraded", "red", "unknown")
"""Of verify's matrix, worse and worse."""

WORKS = ("green", "degraded")
"""Those of a pair that talks."""

RUNNING = ("active", "draining")
SAME_NETWORK = "one VPC"
LINKS = {"peering": "VPC peering", "transit-gateway": "Transit Gateways", "vpn": "VPN"}
"""The plan's kinds of links, in words."""
PLATFORMS = {"gke": "GKE", "eks": "EKS", "existing": "existing"}


@dataclass(frozen=True, slots=True)
class Node:
    """A CockroachDB node. `address` None: only run time knows it. `down`: verify said so."""

    name: str
    address: str | None
    port: int
    down: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and how many of the region's nodes are planned for it."""

    name: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Balancer:
    """An internal load balancer."""

    kind: str
    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forward:
    """A DNS zone that is asked of other servers; `region`: whose it is, None for someone else's."""

    zone: str
    addresses: tuple[str, ...]
    region: str | None


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the config. `health` None: not verified, or not running."""

    number: int
    name: str
    state: str
    platform: str
    place: Place | None
    cidr: str
    node_cidr: str
    pod_cidr: str
    service_cidr: str
    namespace: str
    dns_zone: str
    private_zone: str | None
    network: str | None
    """VPC that the program makes; None: the network was there."""
    zones: tuple[Zone, ...]
    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    forwards: tuple[Forward, ...]
    health: str | None
    reaches: tuple[int, int] | None
    """Of the other regions, how many it talks with both ways, and how many there are."""

    @property
    def running(self) -> bool:
        """Whether its nodes are part of the cluster."""
        return self.state in RUNNING


@dataclass(frozen=True, slots=True)
class Pair:
    """Two running regions, and what joins their VPCs. `link` None: the network between them is not the program's."""

    one: str
    other: str
    link: str | None
    health: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One of verify's, with the pairs that it was seen in."""

    severity: str
    layer: str
    where: str
    subject: str
    symptom: str
    fix: str
    regions: frozenset[tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """All of a picture's content."""

    strategy: str
    regions: tuple[Region, ...]
    pairs: tuple[Pair, ...]
    networks: Mapping[str, tuple[str, tuple[str, ...]]]
    """VPC -> its platform and regions."""
    join: tuple[str, ...]
    ports: tuple[str, ...]
    verdict: str | None
    matrix: Mapping[str, Mapping[str, str]]
    findings: tuple[Finding, ...]
    seconds: float | None

    def region(self, name: str) -> Region:
        """The region called `name`. Raises KeyError."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)

    @property
    def running(self) -> tuple[Region, ...]:
        """Regions whose nodes are part of the cluster."""
        return tuple(region for region in self.regions if region.running)


def scene(
    topology: Mapping[str, Any], verdict: Mapping[str, Any] | None = None, places: Mapping[str, Place] | None = None
) -> Scene:
    """From the `topology` output, verify's JSON, and places that the user gave."""
    matrix: Mapping[str, Mapping[str, str]] = verdict["matrix"] if verdict else {}
    raw = [region for region in topology["regions"] if region["state"] != "removed"]
    networks = {each["name"]: (each["platform"], tuple(each["regions"])) for each in topology.get("networks") or ()}
    findings = tuple(_grouped(verdict["findings"])) if verdict else ()
    zones = {region["dnsZone"]: region["name"] for region in raw}
    healths = {region["name"]: _health(region["name"], matrix) for region in raw}
    regions = tuple(
        _region(region, number, places or {}, networks, zones, healths[region["name"]], matrix, findings)
        for number, region in enumerate(topology["regions"], 1)
        if region["state"] != "removed"
    )
    inside = {region.name: region.network for region in regions if region.network is not None}
    links = {
        frozenset(inside[name] for name in link["regions"]): link["kind"]
        for link in topology.get("links") or ()
        if all(name in inside for name in link["regions"])
    }
    return Scene(
        strategy=topology["strategy"],
        regions=regions,
        pairs=tuple(
            Pair(
                one.name,
                other.name,
                _link(one.network, other.network, links),
                _worst(_word(matrix, *pair) for pair in ((one.name, other.name), (other.name, one.name))),
            )
            for one, other in combinations([region for region in regions if region.running], 2)
        ),
        networks=networks,
        join=tuple(topology.get("joinAddresses") or ()),
        ports=tuple(_port(port) for port in topology.get("ports") or ()),
        verdict=verdict["verdict"] if verdict else None,
        matrix=matrix,
        findings=findings,
        seconds=verdict.get("seconds") if verdict else None,
    )


def _link(one: str | None, other: str | None, links: Mapping[frozenset[str], str]) -> str | None:
    if one is None or other is None:
        return None
    return SAME_NETWORK if one == other else links.get(frozenset((one, other)))


def _region(
    raw: Mapping[str, Any],
    number: int,
    places: Mapping[str, Place],
    networks: Mapping[str, tuple[str, tuple[str, ...]]],
    zones: Mapping[str, str],
    health: str | None,
    matrix: Mapping[str, Mapping[str, str]],
    findings: Sequence[Finding],
) -> Region:
    name, nodes = raw["name"], raw.get("nodes") or ()
    down = " ".join(
        found.subject + " " + found.symptom
        for found in findings
        if found.layer == "node" and any(target == name for _, target in found.regions)
    )
    spread = hosts_per_zone(len(nodes), len(raw["zones"])) if raw.get("zones") else ()
    return Region(
        number=number,
        name=name,
        state=raw["state"],
        platform=raw["platform"],
        place=place_of(name, raw.get("zones") or (), places),
        cidr=raw["cidr"],
        node_cidr=raw["nodeCidr"],
        pod_cidr=raw["podCidr"],
        service_cidr=raw["serviceCidr"],
        namespace=raw["namespace"],
        dns_zone=raw["dnsZone"],
        private_zone=raw.get("privateZone"),
        network=next((network for network, (_, regions) in networks.items() if name in regions), None),
        zones=tuple(Zone(zone, count) for zone, count in zip(raw.get("zones") or (), spread, strict=True)),
        nodes=tuple(
            Node(node["name"], node.get("address"), node.get("port") or 26257, _named(node["name"], down))
            for node in nodes
        ),
        balancers=tuple(
            Balancer(each["kind"], each["name"], tuple(each["addresses"])) for each in raw.get("balancers") or ()
        ),
        forwards=tuple(
            Forward(zone, tuple(addresses), zones.get(zone)) for zone, addresses in (raw.get("forwards") or {}).items()
        ),
        health=health,
        reaches=_reaches(name, matrix),
    )


def _health(name: str, matrix: Mapping[str, Mapping[str, str]]) -> str | None:
    """Of a region by itself: how it sees itself; red or unknown where it has no pair that works.

    So a region that is cut off is red, and those that no longer reach it are not.
    """
    if name not in matrix:
        return None
    pairs = [_worst((_word(matrix, name, other), _word(matrix, other, name))) for other in matrix if other != name]
    best = min((pair for pair in pairs if pair is not None), key=WORDS.index, default="green")
    return _worst((_word(matrix, name, name), best if best not in WORKS else None))


def _reaches(name: str, matrix: Mapping[str, Mapping[str, str]]) -> tuple[int, int] | None:
    if name not in matrix:
        return None
    others = [other for other in matrix if other != name]
    good = [other for other in others if _works(matrix, name, other) and _works(matrix, other, name)]
    return len(good), len(others)


def _works(matrix: Mapping[str, Mapping[str, str]], source: str, target: str) -> bool:
    return _word(matrix, source, target) in WORKS


def _word(matrix: Mapping[str, Mapping[str, str]], source: str, target: str) -> str | None:
    return matrix.get(source, {}).get(target)


def _worst(words: Iterable[str | None]) -> str | None:
    """The worst of those that are known; None where none is."""
    return max((word for word in words if word is not None), key=WORDS.index, default=None)


def _named(node: str, text: str) -> bool:
    return node in text.replace(",", " ").replace("(", " ").replace(":", " ").replace(")", " ").split()


def _grouped(findings: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Findings that say the same of several sources, and then of several targets, once."""
    by_target: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for found in findings:
        key = tuple(found[part] for part in ("severity", "layer", "code", "target", "subject", "symptom"))
        by_target.setdefault(key, []).append(found)
    merged: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for group in by_target.values():
        first = group[0]
        sources = frozenset(found["source"] for found in group)
        merged.setdefault((first["severity"], first["layer"], first["code"], sources, first["symptom"]), []).extend(
            group
        )
    for group in merged.values():
        first = group[0]
        subjects = dict.fromkeys(found["subject"] for found in group)
        yield Finding(
            first["severity"],
            first["layer"],
            _where([found["source"] for found in group], [found["target"] for found in group]),
            listing(subjects),
            first["symptom"],
            first["fix"] + ("; likewise for the others" if len({found["fix"] for found in group}) > 1 else ""),
            frozenset((found["source"], found["target"]) for found in group),
        )


def _where(sources: Sequence[str | None], targets: Sequence[str | None]) -> str:
    froms, tos = (list(dict.fromkeys(name for name in names if name)) for names in (sources, targets))
    if not froms:
        return listing(tos) if tos else "the whole cluster"
    return f"{listing(froms)} → {listing(tos)}" if tos else listing(froms)


def listing(words: Iterable[str], most: int = 3) -> str:
    """`a, b, c` or `a, b, c and 5 more`."""
    every = list(words)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"


def _port(raw: Mapping[str, Any]) -> str:
    numbers = str(raw["first"]) if raw["first"] == raw["last"] else f"{raw['first']} to {raw['last']}"
    return f"{raw['protocol']} {numbers} ({raw['name']}) to {raw['to']}"
