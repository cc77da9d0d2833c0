"""`cloud-dns`, pure side.

A node is its pod's name in a domain of its cluster, which Cloud DNS shows to the whole VPC. Every pod and host there
asks it already, at its own metadata server: no region's DNS answers another's, and nothing is forwarded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...plan.defaults import CLUSTER_DOMAIN, MAX_NODES_PER_REGION
from ...plan.model import DnsKind, GcpNetworkMode, Platform, Problem, RegionSettings, RegionState, Settings
from ...plan.reader import Reader
from ...plan.rules import value_rule
from ..base import CertificateSource, PodIdentity, Port
from ..common import StrategyDefaults, first_nodes
from ..ports import POD_PORTS
from ..services import SERVICE, service_names

PARENT = "cockroachdb.internal"
"""Regions' domains are in it by default: `us-east1.cockroachdb.internal`. `.internal` is kept for private use (ICANN,
2024), and Google's own names there are in `google.internal` and `c.<project>.internal`."""

TAKEN = (CLUSTER_DOMAIN, "google.internal")
"""Answered by others before a zone of the VPC is looked at: the cluster itself, and the metadata server."""

LONGEST_NAME = 253
"""Of a DNS name, in characters (RFC 1035, without the dot at the end)."""


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """A region's `strategyOptions`."""

    domain: str | None
    """Of its cluster, for the whole VPC; None: the default."""


class CloudDnsPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "cloud-dns"
    zone_key = "strategyOptions.domain"
    network_names = True

    def region_options(self, reader: Reader) -> RegionOptions:
        """`domain`."""
        return RegionOptions(reader.take("domain", "string", "dns-name", "cloud-dns-domain"))

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Clusters that Cloud DNS does not know, VPCs of which one does not see another's names, and names that clash.

        A lost region's cluster may be there still, and with it its zone in the VPC.
        """
        regions = [
            (f"regions[{index}]", region)
            for index, region in enumerate(settings.regions)
            if region.state is not RegionState.REMOVED
        ]
        for path, region in regions:
            yield from _elsewhere(path, region)
        if settings.gcp is not None and settings.gcp.network is GcpNetworkMode.PEERED:
            yield Problem(
                "gcp.network",
                "peered makes a VPC per region, and Cloud DNS answers a cluster's names in the cluster's own alone; "
                f"use {GcpNetworkMode.GLOBAL}, or take another strategy",
            )
        on_gke = [(path, region) for path, region in regions if region.platform is Platform.GKE]
        yield from self._too_long(on_gke)
        yield from self._nested(on_gke)

    def _too_long(self, regions: list[tuple[str, RegionSettings]]) -> Iterator[Problem]:
        for path, region in regions:
            longest = len(self.node_address(region, MAX_NODES_PER_REGION - 1))
            if longest > LONGEST_NAME:
                domain = self.network_domain(region)
                yield Problem(
                    f"{path}.strategyOptions.domain",
                    f"{domain} makes names of {longest} characters, where DNS takes {LONGEST_NAME}; "
                    f"use one of at most {len(domain) - (longest - LONGEST_NAME)}",
                )

    def _nested(self, regions: list[tuple[str, RegionSettings]]) -> Iterator[Problem]:
        """Two zones of one name cannot be, and which one answers for a name in both is not for a database to ask."""
        domains = [(path, self.network_domain(region)) for path, region in regions]
        for index, (path, domain) in enumerate(domains):
            for other, parent in domains[:index]:
                if _inside(domain, parent) or _inside(parent, domain):
                    relation = "is" if domain == parent else "is inside" if _inside(domain, parent) else "holds"
                    yield Problem(
                        f"{path}.strategyOptions.domain",
                        f"{domain} {relation} {other}'s {parent}; "
                        "use domains of which none is another region's, or inside it",
                    )

    def cluster_dns(self, platform: Platform) -> DnsKind | None:
        """Cloud DNS, where there is one."""
        return DnsKind.CLOUD_DNS if platform is Platform.GKE else None

    def network_domain(self, region: RegionSettings) -> str:
        """The region's own."""
        options = region.strategy_options
        own = options.domain if isinstance(options, RegionOptions) else None
        return own or f"{region.name}.{PARENT}"

    def dns_zone(self, region: RegionSettings) -> str:
        """The region's namespace, in its own domain."""
        return f"{region.name}.svc.{self.network_domain(region)}"

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The pod's name under the headless Service, as the VPC knows it."""
        return self._pod(region, f"{SERVICE}-{ordinal}")

    def _pod(self, region: RegionSettings, pod: str) -> str:
        return f"{pod}.{SERVICE}.{self.dns_zone(region)}"

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', which keep their names inside the cluster, and the pods' wildcard in the VPC."""
        return (*service_names(region), self._pod(region, "*"))

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes. Names are asked of the metadata server, which no firewall rule stands before."""
        return POD_PORTS

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the name that the VPC knows: `hostname -f` is one that only the cluster does."""
        return PodIdentity(
            advertise_host=self._pod(region, "$(POD_NAME)"),
            host_network=False,
            certificate_source=CertificateSource.PLANNED,
        )


def _elsewhere(path: str, region: RegionSettings) -> Iterator[Problem]:
    if region.platform is not Platform.GKE:
        yield Problem(
            f"{path}.platform",
            f"{region.platform} has no Cloud DNS for GKE, by which every region finds every other; "
            f"use {Platform.GKE} for all regions, or take another strategy",
        )
    elif region.dns_kind is not DnsKind.CLOUD_DNS:
        yield Problem(
            f"{path}.dns.kind",
            f"{region.dns_kind} answers its own cluster alone, and nodes of the others would not find {region.name}'s; "
            f"leave it out, for {DnsKind.CLOUD_DNS}",
        )


def _inside(name: str, domain: str) -> bool:
    return f".{name}".endswith(f".{domain}")


@value_rule("cloud-dns-domain")
def _domain(value: str) -> str | None:
    for taken in TAKEN:
        if _inside(value, taken) or _inside(taken, value):
            return f"is, holds or is inside {taken}, which is answered otherwise; use one such as us-east1.{PARENT}"
    return None


STRATEGY = CloudDnsPlan()
