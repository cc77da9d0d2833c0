"""What joins regions on GKE and regions on EKS: a VPN from every VPC of the one to gateways of the other."""

import pulumi

from components.network.vpn.cloud_vpn import CloudVpn
from components.network.vpn.ends import VpnGatewayArgs
from components.plan import layout
from components.plan.model import RegionSettings, Settings
from components.plan.networks import vpn_gateways

from .aws import Aws
from .gcp import Gcp


def connect(settings: Settings, google: Gcp, amazon: Aws) -> CloudVpn:
    """The VPN. Routes cross it both ways as long as one tunnel of a gateway and a VPC is up."""
    return CloudVpn(
        "vpn",
        {
            "gateways": [_gateway(settings, google, region) for region in vpn_gateways(settings, google.regions)],
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
