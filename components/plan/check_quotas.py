"""Stack rules about the clouds' quotas: what a plan takes of each is known before any resource is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network

from ..strategies import known, strategy
from .authorized import by_endpoint
from .balancers import API_SERVERS, NODES, PODS, SQL, sql_balancer
from .check_network import KEPT
from .machines import host_type, hosts, machine
from .model import AwsSettings, GcpNetworkMode, NatGateways, Platform, Problem, RegionSettings, Settings
from .quotas import (
    AWS_QUOTAS,
    BGP_SESSIONS,
    EKS_PUBLIC_CIDRS,
    EKS_SURGE,
    GCP_QUOTAS,
    GKE_AUTHORIZED_CIDRS,
    GKE_SURGE,
    MAX_EKS_PLACE,
    MAX_GKE_PLACE,
    PROPAGATED_ROUTES,
    VPN_CONNECTIONS_PER_GATEWAY,
    VPN_ROUTES_PER_REGION,
    VPN_SESSIONS_PER_VPC,
    Quota,
)
from .rules import Draft, stack_rule


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
    if limit is None or needed <= limit:
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
    """Rules are by prefix list, and a list counts as many as its entries."""
    aws, regions = draft.settings.aws, _kept(draft)
    if aws is None or not draft.sound("regions") or not known(draft.settings.strategy):
        return
    needed = max(most_rules(draft.settings, region, regions) for region in regions if region.platform is Platform.EKS)
    yield from _over("aws", AWS_QUOTAS, aws.quotas, "rulesPerSecurityGroup", needed)


def most_rules(settings: Settings, region: RegionSettings, regions: Sequence[RegionSettings]) -> int:
    """Inbound rules of the fullest of an EKS region's groups: the hosts', and one of each load balancer's.

    The hosts' has EKS's own rule, one per port of every load balancer, who may call the API server from inside, and for
    each other region one per range and port that no load balancer is before, and ICMP from each range. A load
    balancer's has for each range of clients one per port, and ICMP. SQL's clients are `cockroachdb.clientCidrs` and the
    regions outside of those; the others' are the regions.
    """
    chosen = strategy(settings.strategy)
    ports = chosen.ports()
    balancers = (*chosen.balancers(region), sql_balancer(region))
    others = [other for other in regions if other.name != region.name]
    every = {cidr for each in regions for cidr in (each.node_cidr, each.pod_cidr)}
    callers = by_endpoint([str(cidr) for cidr in settings.aws.authorized_cidrs])[1] if settings.aws else []
    served = sum(len(balancer.ports) for balancer in balancers)
    called = sum(len(_ranges(other, port.sources)) for other in others for port in ports if not port.balanced) + sum(
        len(_ranges(other, (PODS, NODES))) for other in others
    )
    clients = settings.cockroachdb.client_cidrs
    outside = [cidr for cidr in every if not any(map(cidr.subnet_of, clients))]
    who = {SQL: len(clients) + len(outside)}
    by_balancer = [(len(balancer.ports) + 1) * who.get(balancer.kind, len(every)) for balancer in balancers]
    return max(EKS_RULES + served + len(callers) + called, *by_balancer)


EKS_RULES = 1
"""The one that EKS itself puts into a cluster's security group."""


def _ranges(region: RegionSettings, sources: Sequence[str]) -> set[IPv4Network]:
    """On EKS hosts and pods have one."""
    return {cidr for source, cidr in ((PODS, region.pod_cidr), (NODES, region.node_cidr)) if source in sources}


@stack_rule("quota-routes")
def _routes(draft: Draft) -> Iterator[Problem]:
    """A private route table has its VPC's own route, the way out by NAT, and one to each other VPC."""
    aws, count = draft.settings.aws, len(_kept(draft, Platform.EKS))
    if aws is not None:
        yield from _over("aws", AWS_QUOTAS, aws.quotas, "routesPerRouteTable", count + 1)


@stack_rule("quota-vcpus")
def _vcpus(draft: Draft) -> Iterator[Problem]:
    """Of a location's hosts, and of those that an update has beside them. Checked where the config states a quota."""
    name, settings = "vcpusPerRegion", draft.settings
    if not draft.sound("regions"):
        return
    for cloud, stated, quotas, platform in (
        ("aws", settings.aws and settings.aws.quotas, AWS_QUOTAS, Platform.EKS),
        ("gcp", settings.gcp and settings.gcp.quotas, GCP_QUOTAS, Platform.GKE),
    ):
        if not stated or name not in stated:
            continue
        taken: Counter[str] = Counter()
        for region in _kept(draft, platform):
            type_ = host_type(settings, region)
            size = machine(platform, type_)
            if size is None:
                yield Problem(f"{cloud}.quotas.{name}", f"cannot be checked, as {type_} says no vCPUs; leave it out")
                return
            taken[region.location] += size[0] * (hosts(region) + _surge(region))
        yield from _over(cloud, quotas, stated, name, max(taken.values(), default=0))


def _surge(region: RegionSettings) -> int:
    """Hosts beside a region's own while they are updated."""
    return GKE_SURGE if region.platform is Platform.GKE else EKS_SURGE * min(region.nodes, len(region.zones))


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


@stack_rule("vpn-sessions")
def _vpn_sessions(draft: Draft) -> Iterator[Problem]:
    """A Google Cloud VPN gateway has one router, which speaks BGP with every VPC on AWS."""
    eks = len(_kept(draft, Platform.EKS))
    if draft.settings.gcp is not None and eks * VPN_SESSIONS_PER_VPC > BGP_SESSIONS:
        yield Problem(
            "regions",
            f"{eks} regions on eks are {eks * VPN_SESSIONS_PER_VPC} BGP sessions of a Cloud Router, which takes "
            f"{BGP_SESSIONS}; have at most {BGP_SESSIONS // VPN_SESSIONS_PER_VPC} beside regions on gke",
        )


@stack_rule("vpn-place")
def _vpn_place(draft: Draft) -> Iterator[Problem]:
    """A tunnel's addresses follow from its regions' places in the list, so that they never move."""
    settings = draft.settings
    places = [(index, region) for index, region in enumerate(settings.regions) if region.state in KEPT]
    gke = [index for index, region in places if region.platform is Platform.GKE]
    eks = [index for index, region in places if region.platform is Platform.EKS]
    if not gke or not eks:
        return
    ends = [(index, MAX_GKE_PLACE) for index in gke[: _gcp_vpn_gateways(settings, len(gke))]]
    for index, most in ends + [(index, MAX_EKS_PLACE) for index in eks]:
        if index >= most:
            region = settings.regions[index]
            yield Problem(
                f"regions[{index}]",
                f"{region.name} is at place {index + 1}, and addresses of a VPN are cut for {most} places; "
                f"have regions on {region.platform} among those",
            )


@stack_rule("quota-authorized")
def _authorized(draft: Draft) -> Iterator[Problem]:
    """Callers of an API server."""
    aws, gcp = draft.settings.aws, draft.settings.gcp
    public = by_endpoint([str(cidr) for cidr in aws.authorized_cidrs])[0] if aws else []
    if len(public) > EKS_PUBLIC_CIDRS:
        yield Problem(
            "aws.authorizedCidrs",
            f"lists {len(public)} public ranges, and EKS takes {EKS_PUBLIC_CIDRS}; list fewer, wider ones",
        )
    if gcp is not None and len(gcp.authorized_cidrs) > GKE_AUTHORIZED_CIDRS - _api_server_callers(draft):
        yield Problem(
            "gcp.authorizedCidrs",
            f"lists {len(gcp.authorized_cidrs)} ranges, and GKE takes {GKE_AUTHORIZED_CIDRS}"
            f"{_beside(_api_server_callers(draft))}; list fewer, wider ones",
        )


def _api_server_callers(draft: Draft) -> int:
    """Ranges of other regions that call a region's API server, where the strategy has them do so."""
    if not known(draft.settings.strategy) or draft.broken & {"regions"}:
        return 0
    to_api_servers = [port for port in strategy(draft.settings.strategy).ports() if port.to == API_SERVERS]
    by_region = [
        {cidr for port in to_api_servers for cidr in _ranges(region, port.sources)} for _, region in draft.regions()
    ]
    return sum(map(len, by_region)) - max(map(len, by_region), default=0)


def _beside(callers: int) -> str:
    return f", of which the other regions' pods take {callers}" if callers else ""


@stack_rule("quota-network-peerings")
def _network_peerings(draft: Draft) -> Iterator[Problem]:
    gcp, count = draft.settings.gcp, len(_kept(draft, Platform.GKE))
    if gcp is not None and gcp.network is GcpNetworkMode.PEERED:
        instead = "set `gcp.network: global`, which needs none"
        yield from _over("gcp", GCP_QUOTAS, gcp.quotas, "peeringsPerNetwork", count - 1, instead)
