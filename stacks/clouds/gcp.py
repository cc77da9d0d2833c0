"""Platform `gke`: the network of all regions on Google Cloud, and a cluster in each."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components.network.gcp.network import GcpNetwork
from components.network.gcp.region import GcpRegionArgs
from components.plan import layout
from components.plan.machines import host_type
from components.plan.model import (
    AddressPlan,
    BalancerPlan,
    DnsKind,
    GcpSettings,
    Platform,
    RegionSettings,
    RegionState,
    Settings,
)
from components.plan.networks import GCP_NETWORK, held
from components.platforms import RegionalCluster
from components.platforms.gke import GkeCluster, GkeClusterArgs
from components.strategies import strategy

from ..arguments import client_cidrs, live_cidrs
from .ports import api_server_cidrs, open_ports


class Gcp:
    """The regions on GKE. `network` is what a VPN to another cloud is attached to."""

    def __init__(self, settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> None:
        self._settings = settings
        self._plan = plan
        self._own = gcp_settings(settings)
        self.regions = held(settings, Platform.GKE)
        self.provider = gcp.Provider("gcp", project=self._own.project)
        self.network = GcpNetwork(
            GCP_NETWORK,
            {
                "regions": [_region(region, plan.region(region.name).balancers) for region in self.regions],
                "mode": str(self._own.network),
                "ports": [
                    {
                        "protocol": port.protocol,
                        "port": port.port,
                        "sources": list(port.sources),
                        "to": port.to,
                    }
                    for port in open_ports(plan)
                ],
                "peer_cidrs": live_cidrs(plan),
                "client_cidrs": client_cidrs(settings, plan),
                "health_check_ports": _health_check_ports(plan),
                "apis": _apis(self.regions, plan),
            },
            pulumi.ResourceOptions(providers=[self.provider], depends_on=[lock]),
        )

    @property
    def joins(self) -> list[pulumi.Resource]:
        """Peerings and routes among its regions."""
        return [self.network]

    def cluster(self, region: RegionSettings) -> RegionalCluster:
        """The region's cluster, in its subnet."""
        here, own = self.network.region(region.name), self._own
        args: GkeClusterArgs = {
            "project": own.project,
            "location": region.location,
            "zones": list(region.zones),
            "nodes": region.nodes,
            "network": here.network_id,
            "nodes_subnet": here.nodes_subnet,
            "balancers_subnet": here.balancers_subnet_name,
            "control_plane_cidr": str(layout.cut(region.cidr).control_plane),
            "authorized_cidrs": [*map(str, own.authorized_cidrs), *api_server_cidrs(self._plan, region.name)],
            "release_channel": own.release_channel,
            "machine_type": host_type(self._settings, region),
            "storage_type": own.storage_type,
            "maintenance_slot": self._settings.regions.index(region),
            "deletion_protection": own.deletion_protection and not self._settings.allow_data_loss,
            "cloud_dns": region.dns_kind is DnsKind.CLOUD_DNS,
            "lost": region.state is RegionState.LOST,
        }
        domain = strategy(self._settings.strategy).network_domain(region)
        if domain is not None:
            args["network_domain"] = domain
        return GkeCluster(
            region.name,
            args,
            pulumi.ResourceOptions(providers=[self.provider], depends_on=list(here.ready)),
        )


def cloud(settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> Gcp:
    """See `stacks.clouds.Cloud`."""
    return Gcp(settings, plan, lock)


def gcp_settings(settings: Settings) -> GcpSettings:
    """The `gcp` settings. Raises ValueError where there are none (validation refuses that before)."""
    if settings.gcp is None:
        raise ValueError("a region is on gke, but there are no gcp settings")
    return settings.gcp


def _apis(regions: Sequence[RegionSettings], plan: AddressPlan) -> list[str]:
    """Of the names' keeper; and where pods write to it, of what tells Google who they are."""
    zones = any(plan.region(region.name).private_zone for region in regions)
    answers = any(region.dns_kind is DnsKind.CLOUD_DNS for region in regions)
    return [*(["dns"] if answers or zones else []), *(["iamcredentials"] if zones else [])]


def _health_check_ports(plan: AddressPlan) -> list[int]:
    ports = (each.health_check_node_port for region in plan.regions for each in region.balancers)
    return sorted({port for port in ports if port is not None})


def _region(region: RegionSettings, balancers: Sequence[BalancerPlan]) -> GcpRegionArgs:
    return {
        "name": region.name,
        "location": region.location,
        "node_cidr": str(region.node_cidr),
        "pod_cidr": str(region.pod_cidr),
        "service_cidr": str(region.service_cidr),
        "balancer_cidr": str(layout.cut(region.cidr).balancers),
        "balancers": [
            {
                "name": balancer.name,
                "addresses": list(balancer.addresses),
                "shared": len({port.protocol for port in balancer.ports}) > 1,
            }
            for balancer in balancers
        ],
    }
