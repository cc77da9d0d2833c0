"""Stack rules about ranges: they exist, are large enough and overlap no other region's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations

from .layout import PLACEHOLDER, REGION_PREFIX
from .model import Platform, Problem, RegionSettings, RegionState
from .rules import Draft, stack_rule

_PARTS = {"nodeCidr": 28, "podCidr": 24, "serviceCidr": 24}
"""The ranges a region can state, and the longest prefix that still holds a cluster's nodes, pods or services."""

KEPT = (RegionState.ACTIVE, RegionState.DRAINING, RegionState.LOST)
"""Regions whose addresses are in use, or were and may be again."""


@dataclass(frozen=True, slots=True)
class _Span:
    path: str
    network: IPv4Network
    key: str


def _range(region: RegionSettings, key: str) -> IPv4Network:
    return {"nodeCidr": region.node_cidr, "podCidr": region.pod_cidr, "serviceCidr": region.service_cidr}[key]


def _cut(draft: Draft, path: str) -> list[str]:
    """What of a region is cut from its `cidr`, because the config does not state it."""
    return [key for key in (*_PARTS, "dnsAddresses", "sqlAddress") if f"{path}.{key}" not in draft.given]


@stack_rule("range-room")
def _range_room(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        if region.cidr == PLACEHOLDER and draft.sound(f"{path}.cidr", "networkCidr"):
            yield Problem(
                f"{path}.cidr",
                f"missing; networkCidr {draft.settings.network_cidr} has no /16 for this place in the list: "
                "give a cidr here, or a wider networkCidr such as 10.0.0.0/8",
            )


@stack_rule("range-size")
def _range_size(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        cut = _cut(draft, path)
        if draft.sound(f"{path}.cidr") and cut and region.cidr.prefixlen > REGION_PREFIX:
            yield Problem(
                f"{path}.cidr",
                f"{region.cidr} is too small to cut {', '.join(cut)} from; use a /{REGION_PREFIX}"
                + (", or state those" if region.platform is Platform.EXISTING else ""),
            )


@stack_rule("part-size")
def _part_size(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        for key, longest in _PARTS.items():
            network = _range(region, key)
            if f"{path}.{key}" in draft.given and draft.sound(f"{path}.{key}") and network.prefixlen > longest:
                yield Problem(f"{path}.{key}", f"{network} is too small for a cluster; use a /{longest} or larger")


@stack_rule("part-overlap")
def _part_overlap(draft: Draft) -> Iterator[Problem]:
    """Nodes, pods and services of one region."""
    for path, region in draft.regions(*KEPT):
        for one, other in combinations(_PARTS, 2):
            if not {f"{path}.{one}", f"{path}.{other}"} & draft.given or not draft.sound(
                f"{path}.{one}", f"{path}.{other}"
            ):
                continue
            if _range(region, one).overlaps(_range(region, other)):
                at, against = (one, other) if f"{path}.{one}" in draft.given else (other, one)
                yield Problem(
                    f"{path}.{at}",
                    f"{_range(region, at)} overlaps {path}.{against} ({_range(region, against)}); "
                    "nodes, pods and services need ranges of their own",
                )


@stack_rule("region-overlap")
def _region_overlap(draft: Draft) -> Iterator[Problem]:
    """Between regions. Stated service ranges may coincide: a ClusterIP is never dialled from another cluster."""
    regions = [_spans(draft, path, region) for path, region in draft.regions(*KEPT)]
    for earlier, later in combinations(regions, 2):
        for one in later:
            for other in earlier:
                if one.key == other.key == "serviceCidr" or not one.network.overlaps(other.network):
                    continue
                origin = "" if one.path in draft.given else " (the default)"
                yield Problem(
                    one.path,
                    f"{one.network}{origin} overlaps {other.path} ({other.network}); "
                    "give each region ranges of its own: pods talk across regions",
                )


def _spans(draft: Draft, path: str, region: RegionSettings) -> list[_Span]:
    """The ranges a region occupies: its `cidr` where anything is cut from it, and what is stated outside of that."""
    spans = []
    uses_cidr = bool(_cut(draft, path)) and draft.sound(f"{path}.cidr", "networkCidr") and region.cidr != PLACEHOLDER
    if uses_cidr:
        spans.append(_Span(f"{path}.cidr", region.cidr, "cidr"))
    for key in _PARTS:
        network = _range(region, key)
        if f"{path}.{key}" not in draft.given or not draft.sound(f"{path}.{key}"):
            continue
        if not (uses_cidr and network.subnet_of(region.cidr)):
            spans.append(_Span(f"{path}.{key}", network, key))
    return spans
