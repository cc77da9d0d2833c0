"""A deployment's resource graph: its critical path, the work in it, and which edges cross regions. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]
"""One entry of `pulumi stack export`'s deployment.resources."""

CLUSTERS = ("gcp:container/cluster:Cluster", "aws:eks/cluster:Cluster")


@dataclass(frozen=True, slots=True)
class Path:
    """The longest chain of waiting: `seconds` in all, over `urns` in order."""

    seconds: float
    urns: tuple[str, ...]


def waits_for(resource: Resource) -> set[str]:
    """URNs that the engine must have made first: dependencies, those of single properties, parent and provider."""
    found: set[str] = set(resource.get("dependencies") or ())
    for urns in (resource.get("propertyDependencies") or {}).values():
        found |= set(urns or ())
    for urn in (resource.get("parent"), resource.get("provider")):
        if urn:
            found.add(urn.rsplit("::", 1)[0] if urn == resource.get("provider") else urn)
    return found - {resource["urn"]}


def critical_path(resources: list[Resource], seconds: Callable[[str], float]) -> Path:
    """The path that no number of workers shortens. What is waited for comes earlier in `resources`."""
    return longest(waits(resources), seconds)


def waits(resources: list[Resource]) -> dict[str, frozenset[str]]:
    """URN → what it waits for, among `resources` and before it there."""
    found: dict[str, frozenset[str]] = {}
    for resource in resources:
        found[resource["urn"]] = frozenset(urn for urn in waits_for(resource) if urn in found)
    return found


def longest(edges: Mapping[str, frozenset[str]], seconds: Callable[[str], float]) -> Path:
    """The longest chain of `edges` (see `waits`)."""
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for urn, waited in edges.items():
        before[urn] = max(sorted(waited), key=ends.__getitem__, default=None)
        ends[urn] = seconds(urn) + max((ends[each] for each in waited), default=0.0)
    last = max(ends, key=ends.__getitem__, default=None)
    chain: list[str] = []
    while last is not None:
        chain.append(last)
        last = before[last]
    return Path(ends[chain[0]] if chain else 0.0, tuple(reversed(chain)))


def in_order(resources: list[Resource], seconds: Callable[[str], float]) -> float:
    """The same work, one resource after another."""
    return sum(seconds(resource["urn"]) for resource in resources)


def region_after_region(resources: list[Resource], regions: list[str], seconds: Callable[[str], float]) -> float:
    """One region after another, each as parallel as its own waiting allows; then what belongs to no region.

    The sum of each part's own longest chain of waiting, counting only what is its own. Two phases, every region's
    infrastructure and then the steps that join them, would take at least as long: so no baseline is made to look slow.
    """
    region, edges = regions_of(resources, regions), waits(resources)

    def alone(part: str | None) -> float:
        return longest(edges, lambda urn: seconds(urn) if region.get(urn) == part else 0.0).seconds

    return sum(alone(part) for part in (*regions, None))


def waits_for_clusters(resources: list[Resource], regions: list[str]) -> dict[str, int]:
    """Who waits, directly or not, for the Kubernetes cluster of another region: {step: how many resources of it}.

    What waits only because a step above it in this list does is counted too.
    """
    region = regions_of(resources, regions)
    clusters: dict[str, frozenset[str]] = {}
    found: dict[str, int] = {}
    for resource in resources:
        urn = resource["urn"]
        here = frozenset({region[urn]}) if kind_of(urn) in CLUSTERS and urn in region else frozenset[str]()
        clusters[urn] = here.union(*(clusters.get(before, frozenset()) for before in waits_for(resource)))
        if urn in region and clusters[urn] - {region[urn]}:
            found[_step(urn)] = found.get(_step(urn), 0) + 1
    return found


def kind_of(urn: str) -> str:
    """A URN's own type: `aws:ec2/vpc:Vpc`."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def regions_of(resources: list[Resource], regions: list[str]) -> dict[str, str]:
    """URN → region: whose cluster holds the resource (by its Kubernetes provider), or whose name begins its own.

    A component without either is where its children are, if all of them are in one region. Others have none.
    """
    found: dict[str, str] = {}
    for resource in resources:
        provider = resource.get("provider") or ""
        cluster = provider.split("::")[-2] if "pulumi:providers:kubernetes" in provider else ""
        for text in (cluster, resource["urn"].rsplit("::", 1)[-1]):
            named = [
                (match.start(), region)
                for region in regions
                if (match := re.search(rf"(^|-){re.escape(region)}(-|$)", text)) is not None
            ]
            if named:
                found[resource["urn"]] = min(named)[1]
                break
    children: dict[str, list[str]] = {}
    for resource in resources:
        children.setdefault(resource.get("parent") or "", []).append(resource["urn"])
    for resource in reversed(resources):
        inside = {found.get(child) for child in children.get(resource["urn"], ())}
        if resource["urn"] not in found and len(inside) == 1 and None not in inside:
            found[resource["urn"]] = str(inside.pop())
    return found


def edges_between_regions(resources: list[Resource], regions: list[str]) -> dict[tuple[str, str], int]:
    """Edges from a resource of one region to one of another, by what waits: {(step that waits, for what): count}.

    A step is the outermost component that a resource belongs to, by type.
    """
    region = regions_of(resources, regions)
    found: dict[tuple[str, str], int] = {}
    for resource in resources:
        here = region.get(resource["urn"])
        for urn in waits_for(resource):
            there = region.get(urn)
            if here is not None and there is not None and here != there:
                key = (_step(resource["urn"]), _step(urn))
                found[key] = found.get(key, 0) + 1
    return found


def _step(urn: str) -> str:
    kinds = urn.split("::")[2].split("$")
    return next((kind.rsplit(":", 1)[-1] for kind in kinds if kind != "pulumi:pulumi:Stack"), "Stack")
