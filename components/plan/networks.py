"""Which networks a stack makes for its regions, and what joins every two of those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

from .check_network import KEPT
from .model import GcpNetworkMode, LinkKind, LinkPlan, NetworkPlan, Platform, RegionSettings, RegionState, Settings

GCP_NETWORK = "gcp"
"""The VPC that spans all regions on `gke`."""

VPN_GATEWAYS = 2
"""Gateways of a VPC that spans regions: while one's region is lost, the other's carries all of it."""


def held(settings: Settings, platform: Platform) -> list[RegionSettings]:
    """The platform's regions that have a place in its network."""
    return [region for region in settings.regions if region.platform is platform and region.state in KEPT]


def networks(settings: Settings) -> tuple[NetworkPlan, ...]:
    """VPCs that the program makes; regions on `existing` are in none."""
    google, amazon = held(settings, Platform.GKE), held(settings, Platform.EKS)
    made: list[NetworkPlan] = []
    if google and not _peered(settings):
        made.append(NetworkPlan(GCP_NETWORK, Platform.GKE, _names(google)))
    else:
        made += [NetworkPlan(region.name, Platform.GKE, (region.name,)) for region in google]
    return (*made, *(NetworkPlan(region.name, Platform.EKS, (region.name,)) for region in amazon))


def links(settings: Settings) -> tuple[LinkPlan, ...]:
    """What joins networks, each pair of regions once. Regions of one VPC need none."""
    google, amazon = held(settings, Platform.GKE), held(settings, Platform.EKS)
    made: list[LinkPlan] = []
    if _peered(settings):
        made += _all(LinkKind.PEERING, combinations(_names(google), 2))
    if settings.aws is not None:
        meshed = len(amazon) < settings.aws.transit_gateway_from
        made += _all(LinkKind.PEERING if meshed else LinkKind.TRANSIT_GATEWAY, combinations(_names(amazon), 2))
    return (*made, *_all(LinkKind.VPN, product(_names(vpn_gateways(settings, google)), _names(amazon))))


def vpn_gateways(settings: Settings, regions: Sequence[RegionSettings]) -> list[RegionSettings]:
    """Of `regions` on `gke` those with a VPN gateway, if any region is on `eks`.

    The first two of a VPC that spans them, every one where each has a VPC of its own. A lost region keeps its gateway,
    for nothing there can be asked to go, and does not count.
    """
    if _peered(settings):
        return list(regions)
    chosen: list[RegionSettings] = []
    for region in regions:
        if sum(each.state is not RegionState.LOST for each in chosen) < VPN_GATEWAYS:
            chosen.append(region)
    return chosen


def _peered(settings: Settings) -> bool:
    return settings.gcp is not None and settings.gcp.network is GcpNetworkMode.PEERED


def _names(regions: Iterable[RegionSettings]) -> tuple[str, ...]:
    return tuple(region.name for region in regions)


def _all(kind: LinkKind, pairs: Iterable[tuple[str, str]]) -> list[LinkPlan]:
    return [LinkPlan(kind, pair) for pair in pairs]
