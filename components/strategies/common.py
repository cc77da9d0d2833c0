"""What several strategies plan alike."""

from __future__ import annotations

from collections.abc import Mapping

from ..plan.balancers import PODS
from ..plan.defaults import JOIN_NODES_PER_REGION, SQL_PORT
from ..plan.model import BalancerPlan, DnsKind, Platform, RegionSettings, Settings
from ..plan.reader import Reader
from ..plan.rules import RUNNING
from .base import Port, Strategy
from .services import namespace_zone


class StrategyDefaults:
    """What a strategy answers that does not say otherwise. See `components.strategies.base.Strategy` for promises."""

    owns_dns_text = False
    zone_key = "dns.clusterDomain"
    network_names = False

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Everyone."""
        return tuple(Platform)

    @property
    def pods_meet(self) -> bool:
        """Where a port leads to pods."""
        return any(port.to == PODS for port in self.ports())

    def stack_options(self, reader: Reader) -> object:
        """None."""
        return None

    def region_options(self, reader: Reader) -> object:
        """None."""
        return None

    def cluster_dns(self, platform: Platform) -> DnsKind | None:
        """The platform's default."""
        return None

    def network_domain(self, region: RegionSettings) -> str | None:
        """Nowhere."""
        return None

    @property
    def secret_options(self) -> tuple[str, ...]:
        """None."""
        return ()

    def settled_options(self, stack: object, region: object) -> object:
        """The region's as they are."""
        return region

    def service_annotations(self, region: RegionSettings) -> Mapping[str, str]:
        """None."""
        return {}

    def dns_zone(self, region: RegionSettings) -> str:
        """The region's own namespace, which no other region has."""
        return namespace_zone(region)

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """None of other regions."""
        return extra_stub_domains(settings, region)

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """None."""
        return ()

    def ports(self) -> tuple[Port, ...]:
        """None."""
        return ()


def first_nodes(strategy: Strategy, settings: Settings) -> tuple[str, ...]:
    """`host:port` of the first nodes of every running region, for strategies that know nodes' addresses."""
    addresses = (
        strategy.node_address(region, ordinal)
        for region in settings.regions
        if region.state in RUNNING
        for ordinal in range(min(region.nodes, JOIN_NODES_PER_REGION))
    )
    return tuple(f"{address}:{SQL_PORT}" for address in addresses if address is not None)


def extra_stub_domains(settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
    """Other people's zones, on EKS: the whole text is the program's there, so nobody else can add them."""
    extra = settings.dns.extra_stub_domains if region.platform is Platform.EKS and region.state in RUNNING else {}
    return {zone: tuple(map(str, addresses)) for zone, addresses in extra.items()}
