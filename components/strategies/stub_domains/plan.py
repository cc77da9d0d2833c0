"""`stub-domains`, pure side.

A node is its pod's name in the region's own namespace, and each cluster's DNS forwards the other regions' zones to
their DNS load balancers, whose addresses are reserved in advance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...plan.defaults import DNS_PORT, HTTP_PORT, JOIN_NODES_PER_REGION, SQL_PORT
from ...plan.model import DnsKind, Platform, Problem, RegionSettings, Settings
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols

SERVICE = "cockroachdb"
"""The headless Service, and the StatefulSet: pods are `cockroachdb-<n>`."""
PUBLIC_SERVICE = "cockroachdb-public"
SQL_SERVICE = "cockroachdb-sql"


class StubDomainsPlan:
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "stub-domains"

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """DNS that takes no forwards, and zones of which one is part of another."""
        yield from self._without_servers(settings)
        yield from self._nested(settings)

    def _without_servers(self, settings: Settings) -> Iterator[Problem]:
        """Cloud DNS answers from outside the cluster: nothing there reads a ConfigMap's stub domains."""
        if settings.gcp is not None and settings.gcp.autopilot:
            yield Problem(
                "gcp.autopilot",
                "true makes clusters whose names Cloud DNS answers: with no kube-dns pods, a stub domain in their "
                "ConfigMap does nothing; leave it out, for Standard clusters",
            )
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

    def dns_zone(self, region: RegionSettings) -> str:
        """`us-east1.svc.cluster.local`: the namespace, which no other region has, is what tells clusters apart."""
        return f"{region.name}.svc.{region.cluster_domain}"

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The pod's name under the headless Service: it outlives the pod's IP and its host."""
        return f"{SERVICE}-{ordinal}.{SERVICE}.{self.dns_zone(region)}"

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return tuple(
            f"{self.node_address(region, ordinal)}:{SQL_PORT}"
            for region in settings.regions
            if region.state in RUNNING
            for ordinal in range(min(region.nodes, JOIN_NODES_PER_REGION))
        )

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The pod wildcard, the Services in every form a client may use, and the SQL load balancer's addresses."""
        namespace, zone = region.name, self.dns_zone(region)
        services = (
            name
            for service in (PUBLIC_SERVICE, SQL_SERVICE, f"*.{SERVICE}")
            for name in (service, f"{service}.{namespace}", f"{service}.{zone}")
        )
        return ("localhost", "127.0.0.1", *services, *(str(address) for address in region.sql_addresses))

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """The other running regions' zones; nothing for a region that is lost or removed.

        On EKS other people's zones too: the whole text is the program's there, so nobody else can add them.
        """
        if region.state not in RUNNING:
            return {}
        extra = settings.dns.extra_stub_domains if region.platform is Platform.EKS else {}
        others = {
            self.dns_zone(other): other.dns_addresses
            for other in settings.regions
            if other.name != region.name and other.state in RUNNING
        }
        return {zone: tuple(map(str, addresses)) for zone, addresses in {**others, **extra}.items()}

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and DNS over both transports: NodeLocal DNSCache asks from its node, by TCP when it likes."""
        return (
            Port("sql", Protocols.TCP, SQL_PORT, ("pods",)),
            Port("http", Protocols.TCP, HTTP_PORT, ("pods",)),
            Port("dns-udp", Protocols.UDP, DNS_PORT, ("pods", "nodes")),
            Port("dns-tcp", Protocols.TCP, DNS_PORT, ("pods", "nodes")),
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the planned name, not `hostname -f`, so that the plan stays the one source of names."""
        return PodIdentity(
            advertise_host=f"$(POD_NAME).{SERVICE}.{self.dns_zone(region)}",
            host_network=False,
            flags=(),
            certificate_source=CertificateSource.PLANNED,
        )


STRATEGY = StubDomainsPlan()
