"""What several strategies plan alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..plan.balancers import PODS
from ..plan.defaults import HTTP_PORT, JOIN_NODES_PER_REGION, SQL_PORT
from ..plan.model import BalancerPlan, DnsKind, Platform, Problem, RegionSettings, Settings
from ..plan.reader import Reader
from ..plan.rules import RUNNING
from .base import CertificateSource, PodIdentity, Port, Strategy
from .services import SERVICE, namespace_zone, pod_name, service_names


class StrategyDefaults:
    """What a strategy answers that does not say otherwise. See `components.strategies.base.Strategy` for promises."""

    owns_dns_text = False
    zone_key = "dns.clusterDomain"
    network_names = False

    platforms: tuple[Platform, ...] = tuple(Platform)

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

    def private_zone(self, settings: Settings, region: RegionSettings) -> str | None:
        """None."""
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

    def hosts(self, region: RegionSettings) -> Mapping[str, str]:
        """None in particular."""
        return {}

    def advertised_ports(self, region: RegionSettings, ordinal: int) -> tuple[int, int]:
        """CockroachDB's own."""
        return SQL_PORT, HTTP_PORT

    def gateway_namespaces(self, region: RegionSettings) -> tuple[str, ...]:
        """None."""
        return ()

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """None of other regions."""
        return extra_stub_domains(settings, region)

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """None."""
        return ()

    def ports(self) -> tuple[Port, ...]:
        """None."""
        return ()


class PodNames(StrategyDefaults):
    """A node is its pod's name in the region's own namespace; each cluster's DNS forwards the other regions' zones.

    Its subclasses say to whom.
    """

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The pod's name under the headless Service."""
        return pod_name(region, f"{SERVICE}-{ordinal}")

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', the pods' wildcard among them."""
        return service_names(region)

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the planned name, not `hostname -f`, so that the plan stays the one source of names."""
        return PodIdentity(
            advertise_host=pod_name(region, "$(POD_NAME)"),
            host_network=False,
            certificate_source=CertificateSource.PLANNED,
        )


def other_regions(settings: Settings, region: RegionSettings) -> tuple[RegionSettings, ...]:
    """The running regions beside this one; none for a region that is lost or removed."""
    if region.state not in RUNNING:
        return ()
    return tuple(other for other in settings.regions if other.name != region.name and other.state in RUNNING)


def takes_no_forwards(settings: Settings) -> Iterator[Problem]:
    """Cloud DNS answers from outside the cluster: nothing there reads a ConfigMap's stub domains."""
    for index, region in enumerate(settings.regions):
        if region.dns_kind is DnsKind.CLOUD_DNS and region.state in RUNNING:
            instead = "kube-dns" if region.platform is Platform.GKE else "a cluster with kube-dns or CoreDNS"
            yield Problem(
                f"regions[{index}].dns.kind",
                "cloud-dns answers names outside the cluster: with no kube-dns pods, a stub domain in their "
                f"ConfigMap does nothing; use {instead}",
            )


def nested_zones(strategy: Strategy, settings: Settings) -> Iterator[Problem]:
    """Zones of which one is part of another: the shorter one's forward would capture the longer one's names."""
    zones = {
        f"regions[{index}]": strategy.dns_zone(region)
        for index, region in enumerate(settings.regions)
        if region.state in RUNNING
    }
    for path, zone in zones.items():
        for other, parent in zones.items():
            if path != other and zone.endswith("." + parent):
                yield Problem(
                    f"{path}.dns.clusterDomain",
                    f"puts the zone {zone} inside {other}'s zone {parent}; "
                    "use cluster domains of which none is inside another region's zone",
                )


def first_nodes(strategy: Strategy, settings: Settings) -> tuple[str, ...]:
    """`host:port` of the first nodes of every running region, for strategies that know nodes' addresses."""
    nodes = (
        (strategy.node_address(region, ordinal), strategy.advertised_ports(region, ordinal))
        for region in settings.regions
        if region.state in RUNNING
        for ordinal in range(min(region.nodes, JOIN_NODES_PER_REGION))
    )
    return tuple(f"{address}:{port}" for address, (port, _) in nodes if address is not None)


def extra_stub_domains(settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
    """Other people's zones, on EKS: the whole text is the program's there, so nobody else can add them."""
    extra = settings.dns.extra_stub_domains if region.platform is Platform.EKS and region.state in RUNNING else {}
    return {zone: tuple(map(str, addresses)) for zone, addresses in extra.items()}
