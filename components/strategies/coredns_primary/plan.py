"""`coredns-primary`, pure side.

A node is its pod's name in a domain that its cluster alone has. In every cluster a CoreDNS of the program's takes the
place of the DNS that was there: it answers for the cluster's domain and for its own region's, which are the same names,
and forwards the other regions' domains to their DNS load balancers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...plan.balancers import dns_balancer
from ...plan.check_dns import block_zones
from ...plan.defaults import MAX_NODES_PER_REGION, MAX_UPSTREAMS
from ...plan.model import BalancerPlan, DnsKind, Platform, Problem, RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port
from ..common import StrategyDefaults, first_nodes
from ..ports import DNS_PORTS, POD_PORTS
from ..services import PUBLIC_SERVICE, SERVICE, SQL_SERVICE, service_names
from . import options

MAX_NAME = 253
"""Characters of a DNS name (RFC 1035, as text)."""


class CorednsPrimaryPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "coredns-primary"
    owns_dns_text = True
    zone_key = "strategyOptions.domain"

    def stack_options(self, reader: Reader) -> options.StackOptions:
        """The image, and what is asked before the switch."""
        return options.read_stack(reader)

    def region_options(self, reader: Reader) -> options.RegionOptions:
        """The region's domain and its servers."""
        return options.read_region(reader)

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """DNS that can't be replaced, and domains that would catch names of others."""
        if settings.gcp is not None and settings.gcp.autopilot:
            yield Problem(
                "gcp.autopilot",
                "true makes clusters whose names Cloud DNS answers, with no kube-dns that could be replaced; leave it "
                "out, for Standard clusters",
            )
        for index, region in enumerate(settings.regions):
            if region.state in RUNNING:
                path = f"regions[{index}]"
                yield from _irreplaceable(path, region)
                yield from _domain(path, region, settings)
                servers = options.of_region(region).upstream_nameservers
                if len(servers) > MAX_UPSTREAMS:
                    yield Problem(
                        f"{path}.strategyOptions.upstreamNameservers",
                        f"lists {len(servers)} DNS servers; CoreDNS asks at most {MAX_UPSTREAMS}, two are plenty",
                    )
        yield from _blocks(settings)

    def dns_zone(self, region: RegionSettings) -> str:
        """The region's whole domain: namespaces need not tell clusters apart."""
        return options.domain(region)

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The pod's name under the headless Service."""
        return _pod(region, f"{SERVICE}-{ordinal}")

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', the pods' wildcard among them, in the cluster's domain and in the region's."""
        own = (f"{service}.{_namespace(region)}" for service in (PUBLIC_SERVICE, SQL_SERVICE, f"*.{SERVICE}"))
        return (*service_names(region), *own)

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """The other running regions' domains, and other people's zones; none for a region that is lost or removed."""
        if region.state not in RUNNING:
            return {}
        others = {
            self.dns_zone(other): tuple(map(str, other.dns_addresses))
            for other in settings.regions
            if other.name != region.name and other.state in RUNNING
        }
        extra = {zone: tuple(map(str, servers)) for zone, servers in settings.dns.extra_stub_domains.items()}
        return {**others, **extra}

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """DNS, for the other regions' forwards."""
        return (dns_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and DNS."""
        return (*POD_PORTS, *DNS_PORTS)

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the planned name: `hostname -f` would say the cluster's own domain."""
        return PodIdentity(
            advertise_host=_pod(region, "$(POD_NAME)"),
            host_network=False,
            certificate_source=CertificateSource.PLANNED,
        )


def _namespace(region: RegionSettings) -> str:
    return f"{region.name}.svc.{options.domain(region)}"


def _pod(region: RegionSettings, pod: str) -> str:
    return f"{pod}.{SERVICE}.{_namespace(region)}"


def _irreplaceable(path: str, region: RegionSettings) -> Iterator[Problem]:
    if region.platform is Platform.EKS:
        yield Problem(
            f"{path}.platform",
            "eks has CoreDNS already, as an add-on whose replicas EKS sets again by itself: scaled to zero it would "
            "come back beside the program's; take strategy stub-domains, with which the program writes that CoreDNS's "
            "configuration",
        )
    elif region.dns_kind is DnsKind.CLOUD_DNS:
        instead = "kube-dns" if region.platform is Platform.GKE else "a cluster with kube-dns or CoreDNS"
        yield Problem(
            f"{path}.dns.kind",
            "cloud-dns answers names outside the cluster, where nothing can take its place; use " + instead,
        )


def _domain(path: str, region: RegionSettings, settings: Settings) -> Iterator[Problem]:
    """Of two zones one in the other, the shorter one's server would be asked for names of both."""
    key = f"{path}.strategyOptions.domain"
    mine = options.domain(region)
    longest = f"{SERVICE}-{MAX_NODES_PER_REGION}.{SERVICE}.{region.name}.svc.{mine}"
    if len(longest) > MAX_NAME:
        yield Problem(key, f"{mine} makes names of nodes longer than {MAX_NAME} characters; use a shorter domain")
    for index, other in enumerate(settings.regions):
        if other.state not in RUNNING:
            continue
        if _meet(mine, other.cluster_domain):
            yield Problem(
                key,
                f"{mine} covers or is part of {other.cluster_domain}, regions[{index}]'s cluster domain; "
                "use a domain outside of it",
            )
            return
        if other.name != region.name and _inside(mine, options.domain(other)):
            yield Problem(
                key,
                f"{mine} covers or is part of regions[{index}]'s domain {options.domain(other)}; use domains of which "
                "none is inside another region's",
            )
            return
    for zone in settings.dns.extra_stub_domains:
        if _inside(zone, mine):
            yield Problem(f"dns.extraStubDomains.{zone}", f"is {path}'s domain {mine} or part of it; leave it out")


def _blocks(settings: Settings) -> Iterator[Problem]:
    """Server blocks for zones that the program's own serve: CoreDNS would refuse to start."""
    own = {options.domain(region) for region in settings.regions if region.state in RUNNING}
    own |= set(settings.dns.extra_stub_domains)
    for zone in dict.fromkeys(block_zones(settings.dns.extra_server_blocks)):
        for mine in sorted(own):
            if _inside(zone, mine):
                yield Problem(
                    "dns.extraServerBlocks",
                    f"has a block for {zone}, but {mine} is served by the program's own; leave it out",
                )
                break


def _inside(zone: str, parent: str) -> bool:
    return zone == parent or zone.endswith("." + parent)


def _meet(one: str, other: str) -> bool:
    return _inside(one, other) or _inside(other, one)


STRATEGY = CorednsPrimaryPlan()
