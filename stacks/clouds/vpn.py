"""What joins regions on GKE and regions on EKS: a VPN from every VPC of the one to gateways of the other."""

import pulumi

from components.network.vpn.cloud_vpn import CloudVpn
from components.network.vpn.ends import VpnGatewayArgs
from components.plan import layout
from components.plan.model import GcpNetworkMode, RegionSettings, RegionState, Settings

from .aws import Aws
from .gcp import Gcp, gcp_settings

GATEWAYS = 2
"""Gateways of a VPC that spans regions: while one's region is lost, the other's carries all of it."""


def connect(settings: Settings, google: Gcp, amazon: Aws) -> CloudVpn:
    """The VPN. Routes cross it both ways as long as one tunnel of a gateway and a VPC is up."""
    return CloudVpn(
        "vpn",
        {
            "gateways": [_gateway(settings, google, region) for region in gateway_regions(settings, google.regions)],
            "vpcs": [
                {
                    "name": region.name,
                    "location": region.location,
                    "place": settings.regions.index(region),
                    "vpc_id": amazon.network.region(region.name).vpc_id,
                    "route_tables": list(amazon.network.region(region.name).private_route_tables),
                }
                for region in amazon.regions
            ],
        },
        pulumi.ResourceOptions(providers=[google.provider, amazon.provider]),
    )


def gateway_regions(settings: Settings, regions: list[RegionSettings]) -> list[RegionSettings]:
    """Regions with a gateway: the first two of a VPC that spans them, every one where each has a VPC of its own.

    A lost region keeps its gateway, for nothing there can be asked to go, and does not count.
    """
    if gcp_settings(settings).network is GcpNetworkMode.PEERED:
        return regions
    chosen: list[RegionSettings] = []
    for region in regions:
        if sum(each.state is not RegionState.LOST for each in chosen) < GATEWAYS:
            chosen.append(region)
    return chosen


def _gateway(settings: Settings, google: Gcp, region: RegionSettings) -> VpnGatewayArgs:
    here = google.network.region(region.name)
    behind = [other for other in google.regions if google.network.region(other.name).vpn_network == here.vpn_network]
    return {
        "name": region.name,
        "location": region.location,
        "place": settings.regions.index(region),
        "network": here.network_id,
        "advertised_cidrs": [str(cidr) for other in behind for cidr in _ranges(other)],
    }


def _ranges(region: RegionSettings) -> list[object]:
    """What of a region other regions send to: hosts, pods and load balancers."""
    return [region.node_cidr, region.pod_cidr, layout.cut(region.cidr).balancers]
