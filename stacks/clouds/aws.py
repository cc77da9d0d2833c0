"""Platform `eks`: a VPC for each region on AWS, what joins them, and a cluster in each."""

from collections.abc import Sequence
from ipaddress import IPv4Address

import pulumi
import pulumi_aws as aws

from components.network import corefile
from components.network.aws.network import AwsNetwork, AwsRegionArgs
from components.plan import layout
from components.plan.machines import host_type
from components.plan.model import (
    AddressPlan,
    AwsSettings,
    BalancerPlan,
    BalancerPort,
    Platform,
    RegionSettings,
    RegionState,
    Settings,
)
from components.plan.networks import held
from components.platforms import RegionalCluster
from components.platforms.eks import EksBalancerArgs, EksCluster, EksClusterArgs
from components.platforms.eks_rules import EksPeerArgs, EksPortArgs
from components.strategies import strategy

from ..arguments import LIVE, client_cidrs


class Aws:
    """The regions on EKS. `network` is what a VPN to another cloud is attached to."""

    def __init__(self, settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> None:
        self._settings = settings
        self._plan = plan
        self._own = aws_settings(settings)
        self.regions = held(settings, Platform.EKS)
        self.provider = aws.Provider("aws", region=self.regions[0].location)
        self.network = AwsNetwork(
            "aws",
            {
                "regions": [_region(region) for region in self.regions],
                "nat_gateways": str(self._own.nat_gateways),
                "transit_gateway": len(self.regions) >= self._own.transit_gateway_from,
            },
            pulumi.ResourceOptions(providers=[self.provider], depends_on=[lock]),
        )

    @property
    def joins(self) -> list[pulumi.Resource]:
        """Peerings or Transit Gateways, and the routes through them."""
        return [self.network]

    def cluster(self, region: RegionSettings) -> RegionalCluster:
        """The region's cluster, in its VPC; its whole DNS configuration is the plan's."""
        settings, own, here = self._settings, self._own, self.network.region(region.name)
        hosts = layout.hosts_per_zone(region.nodes, len(region.zones))
        args: EksClusterArgs = {
            "location": region.location,
            "vpc_id": here.vpc_id,
            "vpc_cidr": str(layout.eks_vpc(region.cidr)),
            "zones": [
                {
                    "name": zone.name,
                    "private_subnet": zone.private_subnet,
                    "routed_subnet": zone.routed_subnet,
                    "balancer_subnet": zone.balancer_subnet,
                    "hosts": count,
                }
                for zone, count in zip(here.zones, hosts, strict=True)
            ],
            "balancers": [_balancer(region, each) for each in self._plan.region(region.name).balancers],
            "service_cidr": str(region.service_cidr),
            "corefile": corefile.whole(
                region.cluster_domain,
                self._plan.region(region.name).forwards,
                settings.dns.extra_server_blocks,
            ),
            "peers": _peers(self._plan, region),
            "ports": _ports(settings),
            "client_cidrs": client_cidrs(settings, self._plan),
            "authorized_cidrs": [str(cidr) for cidr in own.authorized_cidrs],
            "admin_arns": list(own.admin_arns),
            "instance_type": host_type(settings, region),
            "addon_versions": dict(own.addon_versions),
            "deletion_protection": own.deletion_protection and not settings.allow_data_loss,
            "lost": region.state is RegionState.LOST,
        }
        if version := region.kubernetes_version or own.kubernetes_version:
            args["kubernetes_version"] = version
        if held(settings, Platform.GKE):
            args["mtu"] = VPN_MTU
        return EksCluster(region.name, args, pulumi.ResourceOptions(providers=[self.provider]))


VPN_MTU = 1390
"""Bytes of the largest packet that fits the tunnels between the clouds whichever cipher is agreed on (Cloud VPN's
documentation, «MTU considerations»: a gateway's MTU of 1460 less what encryption takes)."""


def cloud(settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> Aws:
    """See `stacks.clouds.Cloud`."""
    return Aws(settings, plan, lock)


def aws_settings(settings: Settings) -> AwsSettings:
    """The `aws` settings. Raises ValueError where there are none (every valid stack with eks regions has some)."""
    if settings.aws is None:
        raise ValueError("a region is on eks, but there are no aws settings")
    return settings.aws


def _region(region: RegionSettings) -> AwsRegionArgs:
    subnets = layout.eks_zones(region.cidr, len(region.zones))
    return {
        "name": region.name,
        "location": region.location,
        "vpc_cidr": str(layout.eks_vpc(region.cidr)),
        "zones": [
            {
                "name": zone,
                "private": str(place.private),
                "public": str(place.public),
                "balancers": str(place.balancers),
            }
            for zone, place in zip(region.zones, subnets, strict=True)
        ],
    }


def _balancer(region: RegionSettings, balancer: BalancerPlan) -> EksBalancerArgs:
    """Each address is in the zone whose subnet it is of; what a number takes over both transports is one port."""
    zones = dict(zip(region.zones, layout.eks_zones(region.cidr, len(region.zones)), strict=True))
    return {
        "kind": balancer.kind,
        "name": balancer.name,
        "addresses": {
            zone: address
            for zone, place in zones.items()
            for address in balancer.addresses
            if IPv4Address(address) in place.balancers
        },
        "ports": [
            {
                "name": ports[0].name,
                "protocol": "_".join(sorted(port.protocol for port in ports)),
                "port": number,
                "node_port": ports[0].node_port,
            }
            for number, ports in _by_number(balancer.ports).items()
        ],
    }


def _by_number(ports: Sequence[BalancerPort]) -> dict[int, list[BalancerPort]]:
    found: dict[int, list[BalancerPort]] = {}
    for port in ports:
        found.setdefault(port.number, []).append(port)
    return found


def _peers(plan: AddressPlan, region: RegionSettings) -> list[EksPeerArgs]:
    """Every other region whose nodes run, on whatever platform."""
    return [
        {"name": other.name, "pod_cidr": str(other.pod_cidr), "node_cidr": str(other.node_cidr)}
        for other in plan.regions
        if other.name != region.name and other.state in LIVE
    ]


def _ports(settings: Settings) -> list[EksPortArgs]:
    return [
        {
            "name": port.name,
            "protocol": str(port.protocol),
            "number": port.number,
            "sources": list(port.sources),
            "to": port.to,
        }
        for port in strategy(settings.strategy).ports()
    ]
