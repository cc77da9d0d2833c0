"""`stub-domains`, pure side.

A node is its pod's name in the region's own namespace, and each cluster's DNS forwards the other regions' zones to
their DNS load balancers, whose addresses are reserved in advance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...plan.balancers import DNS, NODES, PODS, dns_balancer
from ...plan.defaults import DNS_PORT, HTTP_PORT, SQL_PORT
from ...plan.model import BalancerPlan, DnsKind, Platform, Problem, RegionSettings, Settings
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols
from ..common import StrategyDefaults, extra_stub_domains, first_nodes
from ..services import SERVICE, pod_name, service_names


class StubDomainsPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "stub-domains"

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """DNS that takes no forwards, and zones of which one is part of another."""
        yield from self._without_servers(settings)
        yield from self._nested(settings)

    def _without_servers(self, settings: Settings) -> Iterator[Problem]:
        """Cloud DNS answers from outside the cluster: nothing there reads a ConfigMap's stub domains."""
        for index, region in enumerate(settings.regions):
            if region.dns_kind is DnsKind.CLOUD_DNS and region.state in RUNNING:
                instead = "kube-dns" if region.platform is Platform.GKE else "a cluster with kube-dns or CoreDNS"
                yield Problem(
                    f"regions[{index}].dns.kind",
                    "cloud-dns answers names outside the cluster: with no kube-dns pods, a stub domain in their "
                    f"ConfigMap does nothing; use {instead}",
                )

    def _nested(self, settings: Settings) -> Iterator[Problem]:
        """The shorter zone's forward would capture the longer one's names."""
        zones = {
            f"regions[{index}]": self.dns_zone(region)
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

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The pod's name under the headless Service."""
        return pod_name(region, f"{SERVICE}-{ordinal}")

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', the pods' wildcard among them."""
        return service_names(region)

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """The other running regions' zones; nothing for a region that is lost or removed."""
        if region.state not in RUNNING:
            return {}
        others = {
            self.dns_zone(other): tuple(map(str, other.dns_addresses))
            for other in settings.regions
            if other.name != region.name and other.state in RUNNING
        }
        return {**others, **extra_stub_domains(settings, region)}

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """DNS, for the other regions' forwards."""
        return (dns_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and DNS over both transports: NodeLocal DNSCache asks from its node, by TCP when it likes."""
        return (
            Port("sql", Protocols.TCP, SQL_PORT, (PODS,)),
            Port("http", Protocols.TCP, HTTP_PORT, (PODS,)),
            Port("dns-udp", Protocols.UDP, DNS_PORT, (PODS, NODES), DNS),
            Port("dns-tcp", Protocols.TCP, DNS_PORT, (PODS, NODES), DNS),
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the planned name, not `hostname -f`, so that the plan stays the one source of names."""
        return PodIdentity(
            advertise_host=pod_name(region, "$(POD_NAME)"),
            host_network=False,
            flags=(),
            certificate_source=CertificateSource.PLANNED,
        )


STRATEGY = StubDomainsPlan()
