"""`private-zone`, pure side.

A node is its pod's name in a private zone outside of Kubernetes: `cockroachdb-0.us-east1.crdb.internal`. In each region
external-dns writes its own pods' addresses there. Every cluster's DNS asks that zone's servers, for its own nodes as
for the others'; or, where the cloud keeps the zone, the cloud's DNS, as for any name that is not the cluster's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from ...plan.check_dns import block_zones
from ...plan.defaults import MAX_UPSTREAMS
from ...plan.model import DnsKind, Platform, Problem, RegionSettings, RegionState, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port
from ..common import StrategyDefaults, extra_stub_domains, first_nodes
from ..ports import POD_PORTS
from ..services import SERVICE, service_names
from .keeper import SERVICES, TAKEN, keeper, options, part, platforms
from .options import SECRET, DynamicServers, PrivateZoneOptions, read

TTL_SECONDS = 5
"""How long resolvers may keep a node's address: about as long as a pod takes to come back with another one."""

SERVERS = "strategyOptions.rfc2136.servers"
ZONE = "strategyOptions.zone"


class PrivateZonePlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "private-zone"

    def stack_options(self, reader: Reader) -> PrivateZoneOptions:
        """The zone, and who serves it."""
        return read(reader)

    def settled_options(self, stack: object, region: object) -> object:
        """The stack's: every region's names are in the one zone."""
        return stack

    @property
    def secret_options(self) -> tuple[str, ...]:
        """What updates of the zone are signed with."""
        return (SECRET,)

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Nobody to keep the zone, servers that can't be those, and zones that would hide names of others."""
        servers = options(settings.strategy_options).servers
        if servers is not None:
            yield from self._servers(settings, servers)
            yield from self._without_forwards(settings)
        elif keeper(settings) is None:
            yield from self._kept_by_nobody(settings)
        else:
            yield from self._taken(settings)
        yield from self._hidden(settings)

    def _kept_by_nobody(self, settings: Settings) -> Iterator[Problem]:
        found = platforms(settings)
        if found:
            able = " or ".join(f"on {platform} ({service})" for platform, service in SERVICES.items())
            yield Problem(
                "strategyOptions.rfc2136",
                f"missing, and regions are on {' and '.join(found)}: the program makes zones itself only where all "
                f"running regions are {able}; give the `servers` of the zone, which take dynamic updates (RFC 2136), "
                "and a `tsigKeyName`, or take strategy stub-domains",
            )

    def _taken(self, settings: Settings) -> Iterator[Problem]:
        """A private zone answers for all that is below its name, in the whole VPC."""
        for region in settings.regions:
            zone = self.private_zone(settings, region)
            for name in TAKEN.get(region.platform, ()):
                if zone is not None and (_inside(zone, name) or _inside(name, zone)):
                    yield Problem(
                        ZONE,
                        f"makes a zone {zone}, which would hide names of {name} that hosts and pods need; "
                        "use one outside of it, such as crdb.internal",
                    )
                    return

    def _servers(self, settings: Settings, found: DynamicServers) -> Iterator[Problem]:
        if len(found.servers) > MAX_UPSTREAMS:
            yield Problem(
                SERVERS,
                f"lists {len(found.servers)}; CoreDNS forwards a zone to at most {MAX_UPSTREAMS}, two are plenty",
            )
        for place, server in enumerate(found.servers):
            if server in found.servers[:place]:
                yield Problem(f"{SERVERS}[{place}]", f"{server} is listed twice; list each address once")
            for index, region in enumerate(settings.regions):
                for kind, cidr in (("pods", region.pod_cidr), ("services", region.service_cidr)):
                    apart = region.platform is Platform.EKS and kind == "pods"
                    if IPv4Address(server) in cidr and region.state in RUNNING and not apart:
                        yield Problem(
                            f"{SERVERS}[{place}]",
                            f"{server} is in the range of regions[{index}]'s {kind} ({cidr}): such addresses do not "
                            "stay, or mean nothing elsewhere; use servers outside of the clusters",
                        )

    def _without_forwards(self, settings: Settings) -> Iterator[Problem]:
        if settings.gcp is not None and settings.gcp.autopilot:
            yield Problem(
                "gcp.autopilot",
                "true makes clusters whose names Cloud DNS answers: with no kube-dns pods, nothing there would ask the "
                "zone's servers; leave it out, for Standard clusters",
            )
        for index, region in enumerate(settings.regions):
            if region.dns_kind is DnsKind.CLOUD_DNS and region.state in RUNNING:
                yield Problem(
                    f"regions[{index}].dns.kind",
                    "cloud-dns answers names outside the cluster: with no kube-dns pods, nothing there would ask the "
                    "zone's servers; use a cluster with kube-dns or CoreDNS",
                )

    def _hidden(self, settings: Settings) -> Iterator[Problem]:
        """A forward catches a whole zone, and the longest zone that fits a name decides who answers.

        Where no forward leads to the nodes' names, a wider one of others catches them.
        """
        found = options(settings.strategy_options)
        zone, alone = found.zone, found.servers is None
        domains = {region.cluster_domain for region in settings.regions if region.state in RUNNING}
        for domain in sorted(domains):
            if _inside(zone, domain) or _inside(domain, zone):
                yield Problem(
                    ZONE,
                    f"{zone} covers or is part of {domain}, the clusters' own domain, whose names their own DNS "
                    "answers; use a zone outside of it, such as crdb.internal",
                )
        others = [(each, f"dns.extraStubDomains.{each}", "") for each in settings.dns.extra_stub_domains]
        blocks = dict.fromkeys(block_zones(settings.dns.extra_server_blocks))
        others += [(each, "dns.extraServerBlocks", f"has a block for {each}, which ") for each in blocks]
        for other, key, said in others:
            if _inside(other, zone) or (alone and _inside(zone, other)):
                how = "is" if other == zone else "is part of" if _inside(other, zone) else "covers"
                yield Problem(
                    key,
                    f"{said}{how} {zone}, where the nodes' names are: its servers would be asked instead; leave it "
                    "out, or use another strategyOptions.zone",
                )

    def dns_zone(self, region: RegionSettings) -> str:
        """The region's part of the zone."""
        return part(region)

    def private_zone(self, settings: Settings, region: RegionSettings) -> str | None:
        """The region's part, where its cloud keeps it. A lost region's stays, with the VPC that it is shown to."""
        there = region.state is not RegionState.REMOVED and region.platform is keeper(settings)
        return part(region) if there else None

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The pod's name in the region's part."""
        return f"{SERVICE}-{ordinal}.{self.dns_zone(region)}"

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', which the region's own cluster knows, and the nodes' names in the zone."""
        return (*service_names(region), f"*.{self.dns_zone(region)}")

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """The whole zone, of which the region's own part is one: its cluster's DNS does not know these names."""
        found = options(settings.strategy_options)
        if region.state not in RUNNING:
            return {}
        zone = {} if found.servers is None else {found.zone: found.servers.servers}
        return {**zone, **extra_stub_domains(settings, region)}

    def service_annotations(self, region: RegionSettings) -> Mapping[str, str]:
        """What external-dns makes records of: the name of all nodes, and below it each pod's hostname.

        It publishes pods that aren't ready too, as the Service says (`publishNotReadyAddresses`): nodes join before.
        """
        return {
            "external-dns.alpha.kubernetes.io/hostname": self.dns_zone(region),
            "external-dns.alpha.kubernetes.io/ttl": str(TTL_SECONDS),
        }

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes. Whoever answers for the zone is in no region; the way there is not the program's to say."""
        return POD_PORTS

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the name in the zone."""
        return PodIdentity(
            advertise_host=f"$(POD_NAME).{self.dns_zone(region)}",
            host_network=False,
            certificate_source=CertificateSource.PLANNED,
        )


def _inside(zone: str, other: str) -> bool:
    return f".{zone}".endswith(f".{other}")


STRATEGY = PrivateZonePlan()
