"""Stack rules about the clouds' quotas: what a plan takes of each is known before any resource is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from .check_network import KEPT
from .model import AwsSettings, GcpNetworkMode, NatGateways, Platform, Problem, RegionSettings, Settings
from .quotas import (
    AWS_QUOTAS,
    GCP_QUOTAS,
    OWN_RULES,
    PROPAGATED_ROUTES,
    RULES_PER_RANGE,
    VPN_CONNECTIONS_PER_GATEWAY,
    VPN_ROUTES_PER_REGION,
    Quota,
)
from .rules import Draft, stack_rule

_RANGES = {Platform.EKS: 1, Platform.GKE: 2, Platform.EXISTING: 2}
"""Ranges of nodes and pods: an EKS region's are one, its VPC."""


def _kept(draft: Draft, platform: Platform | None = None) -> list[RegionSettings]:
    return [region for _, region in draft.regions(*KEPT) if platform in (None, region.platform)]


def _meshed(aws: AwsSettings, eks: int) -> bool:
    return eks < aws.transit_gateway_from


def _over(
    cloud: str, quotas: Mapping[str, Quota], stated: Mapping[str, int], name: str, needed: int, instead: str = ""
) -> Iterator[Problem]:
    """A problem where `needed` is more than the quota called `name`; `instead` is another way out."""
    quota = quotas[name]
    limit = stated.get(name, quota.default)
    if needed <= limit:
        return
    path = f"{cloud}.quotas.{name}"
    origin = "" if name in stated else " by default"
    ways = [instead] if instead else []
    if quota.most is None or needed <= quota.most:
        ways.append(f"have the quota raised and write `{path}: {needed}`")
    way = ", or ".join(ways) or "list fewer regions"
    yield Problem(path, f"{limit}{origin}, but these regions take {needed} {quota.counts}; {way}")


@stack_rule("quota-vpc-peerings")
def _vpc_peerings(draft: Draft) -> Iterator[Problem]:
    aws, count = draft.settings.aws, len(_kept(draft, Platform.EKS))
    if aws is not None and _meshed(aws, count):
        instead = f"set aws.transitGatewayFrom to {count} or less"
        yield from _over("aws", AWS_QUOTAS, aws.quotas, "peeringsPerVpc", count - 1, instead)


@stack_rule("quota-transit-peerings")
def _transit_peerings(draft: Draft) -> Iterator[Problem]:
    aws, count = draft.settings.aws, len(_kept(draft, Platform.EKS))
    if aws is not None and not _meshed(aws, count):
        yield from _over("aws", AWS_QUOTAS, aws.quotas, "peeringsPerTransitGateway", count - 1)


@stack_rule("quota-security-group")
def _security_group(draft: Draft) -> Iterator[Problem]:
    """The cluster's group takes every other region's ranges, whatever joins the regions."""
    aws, regions = draft.settings.aws, _kept(draft)
    if aws is None or len(regions) < 2:
        return
    others = sum(_RANGES[region.platform] for region in regions) - _RANGES[Platform.EKS]
    yield from _over("aws", AWS_QUOTAS, aws.quotas, "rulesPerSecurityGroup", OWN_RULES + RULES_PER_RANGE * others)


@stack_rule("quota-routes")
def _routes(draft: Draft) -> Iterator[Problem]:
    """A private route table has its VPC's own route, the way out by NAT, and one to each other VPC."""
    aws, count = draft.settings.aws, len(_kept(draft, Platform.EKS))
    if aws is not None:
        yield from _over("aws", AWS_QUOTAS, aws.quotas, "routesPerRouteTable", count + 1)


@stack_rule("quota-vpcs")
def _vpcs(draft: Draft) -> Iterator[Problem]:
    aws = draft.settings.aws
    if aws is not None:
        needed = max(Counter(region.location for region in _kept(draft, Platform.EKS)).values(), default=0)
        yield from _over(
            "aws", AWS_QUOTAS, aws.quotas, "vpcsPerRegion", needed, "spread the regions over more locations"
        )


@stack_rule("quota-elastic-ips")
def _elastic_ips(draft: Draft) -> Iterator[Problem]:
    """One for each NAT gateway."""
    aws = draft.settings.aws
    if aws is None:
        return
    each: Counter[str] = Counter()
    for region in _kept(draft, Platform.EKS):
        each[region.location] += len(region.zones) if aws.nat_gateways is NatGateways.PER_ZONE else 1
    instead = "set `aws.natGateways: one`" if aws.nat_gateways is NatGateways.PER_ZONE else ""
    yield from _over("aws", AWS_QUOTAS, aws.quotas, "elasticIpsPerRegion", max(each.values(), default=0), instead)


def _gcp_vpn_gateways(settings: Settings, gke: int) -> int:
    """Google Cloud VPN gateways that each EKS region is connected to: two of a VPC, or one of each region's VPC."""
    peered = settings.gcp is not None and settings.gcp.network is GcpNetworkMode.PEERED
    return gke if peered else min(gke, 2)


@stack_rule("quota-vpn-connections")
def _vpn_connections(draft: Draft) -> Iterator[Problem]:
    aws, gke = draft.settings.aws, len(_kept(draft, Platform.GKE))
    if aws is not None and gke:
        needed = VPN_CONNECTIONS_PER_GATEWAY * _gcp_vpn_gateways(draft.settings, gke)
        instead = "set `gcp.network: global`, where two VPN gateways serve all regions"
        yield from _over("aws", AWS_QUOTAS, aws.quotas, "vpnConnectionsPerGateway", needed, instead)


@stack_rule("quota-propagated-routes")
def _propagated_routes(draft: Draft) -> Iterator[Problem]:
    gke = len(_kept(draft, Platform.GKE))
    needed = VPN_ROUTES_PER_REGION * gke
    if draft.settings.aws is not None and needed > PROPAGATED_ROUTES:
        yield Problem(
            "regions",
            f"{gke} regions on gke are {needed} routes that a VPN teaches each VPC on AWS, which takes "
            f"{PROPAGATED_ROUTES}; have at most {PROPAGATED_ROUTES // VPN_ROUTES_PER_REGION} beside regions on eks",
        )


@stack_rule("quota-network-peerings")
def _network_peerings(draft: Draft) -> Iterator[Problem]:
    gcp, count = draft.settings.gcp, len(_kept(draft, Platform.GKE))
    if gcp is not None and gcp.network is GcpNetworkMode.PEERED:
        instead = "set `gcp.network: global`, which needs none"
        yield from _over("gcp", GCP_QUOTAS, gcp.quotas, "peeringsPerNetwork", count - 1, instead)
