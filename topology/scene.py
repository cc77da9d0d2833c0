"""From the plan and the verdict to what is drawn. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from components.plan.defaults import SQL_PORT
from components.plan.layout import hosts_per_zone

from .health import Matrix, grouped, health_of, reaches, word, worst
from .model import SAME_NETWORK, Balancer, Finding, Forward, Node, Pair, Region, Scene, Zone
from .places import Place, place_of


def scene(
    topology: Mapping[str, Any], verdict: Mapping[str, Any] | None = None, places: Mapping[str, Place] | None = None
) -> Scene:
    """From the `topology` output, verify's JSON, and places that the user gave."""
    matrix: Matrix = verdict["matrix"] if verdict else {}
    raw = [region for region in topology["regions"] if region["state"] != "removed"]
    networks = {each["name"]: (each["platform"], tuple(each["regions"])) for each in topology.get("networks") or ()}
    findings = tuple(grouped(verdict["findings"])) if verdict else ()
    zones = {region["dnsZone"]: region["name"] for region in raw}
    healths = {region["name"]: health_of(region["name"], matrix) for region in raw}
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
                worst(word(matrix, *pair) for pair in ((one.name, other.name), (other.name, one.name))),
            )
            for one, other in combinations([region for region in regions if region.running], 2)
        ),
        networks=networks,
        join=tuple(topology.get("joinAddresses") or ()),
        ports=tuple(_port(port) for port in topology.get("ports") or ()),
        verdict=verdict["verdict"] if verdict else None,
        matrix=matrix,
        findings=findings,
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
    matrix: Matrix,
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
        private_zone=raw.get("privateZone"),
        network=next((network for network, (_, regions) in networks.items() if name in regions), None),
        zones=tuple(Zone(zone, count) for zone, count in zip(raw.get("zones") or (), spread, strict=True)),
        nodes=tuple(
            Node(node["name"], node.get("address"), node.get("port") or SQL_PORT, _named(node["name"], down))
            for node in nodes
        ),
        balancers=tuple(
            Balancer(each["kind"], each["name"], tuple(each["addresses"])) for each in raw.get("balancers") or ()
        ),
        forwards=_forwards(raw.get("forwards") or {}, zones),
        health=health,
        reaches=reaches(name, matrix),
    )


def _forwards(raw: Mapping[str, Sequence[str]], zones: Mapping[str, str]) -> tuple[Forward, ...]:
    """The regions' in their order, then others' by name: the engine hands over a mapping with its keys sorted."""
    known = [zone for zone in zones if zone in raw]
    every = [*known, *sorted(raw.keys() - set(known))]
    return tuple(Forward(zone, tuple(raw[zone]), zones.get(zone)) for zone in every)


def _named(node: str, text: str) -> bool:
    return node in text.replace(",", " ").replace("(", " ").replace(":", " ").replace(")", " ").split()


def _port(raw: Mapping[str, Any]) -> str:
    numbers = str(raw["first"]) if raw["first"] == raw["last"] else f"{raw['first']} to {raw['last']}"
    return f"{raw['protocol']} {numbers} ({raw['name']}) to {raw['to']}"
