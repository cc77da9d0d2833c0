"""`coredns-federated`, pure side.

A node is its pod's name in the region's own namespace. Each region has DNS servers of its own for the other regions'
zones, which watch those regions' API servers; the cluster's DNS forwards the zones to them. No DNS question crosses
regions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from ...plan.authorized import by_endpoint
from ...plan.model import GcpNetworkMode, Platform, Problem, RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..base import Port
from ..common import PodNames, extra_stub_domains, first_nodes, nested_zones, other_regions, takes_no_forwards
from ..ports import API_PORT, POD_PORTS
from . import options
from .names import NAMESPACE

PLACES = (53, 54)
"""The servers' places in a region's Service range: in the part that Kubernetes gives nobody unasked, if it is a /20 or
larger (KEP-3070), and after DNS's port."""


class CorednsFederatedPlan(PodNames):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "coredns-federated"

    def stack_options(self, reader: Reader) -> options.StackOptions:
        """The servers' image, and the credentials' generation."""
        return options.stack_options(reader)

    def region_options(self, reader: Reader) -> options.RegionOptions:
        """Where its API server is for others, and where its own servers answer."""
        return options.region_options(reader)

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """DNS that takes no forwards, zones inside zones, servers without addresses, API servers out of reach."""
        yield from takes_no_forwards(settings)
        yield from nested_zones(self, settings)
        for index, region in enumerate(settings.regions):
            if region.state in RUNNING:
                yield from _servers(f"regions[{index}]", region)
                yield from _unreachable(f"regions[{index}]", region, settings)

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """The other running regions' zones, to the region's own servers."""
        servers = tuple(map(str, server_addresses(region)))
        others = {self.dns_zone(other): servers for other in other_regions(settings, region)}
        return {**others, **extra_stub_domains(settings, region)}

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and the servers' pods to the other regions' API servers."""
        return (*POD_PORTS, API_PORT)


def server_addresses(region: RegionSettings) -> tuple[IPv4Address, ...]:
    """Where the region's servers answer: that of servers which know every region, then that of any server."""
    given = options.of_region(region).dns_addresses
    return given or tuple(region.service_cidr.network_address + place for place in PLACES)


def _servers(path: str, region: RegionSettings) -> Iterator[Problem]:
    at = f"{path}.strategyOptions.dnsAddresses"
    given = options.of_region(region).dns_addresses
    if given and len(set(given)) != options.SERVERS:
        yield Problem(at, f"lists {len(set(given))} addresses; list two, of serviceCidr {region.service_cidr}")
        return
    outside = [str(each) for each in server_addresses(region) if each not in region.service_cidr]
    if outside:
        why = f"{', '.join(outside)} {'is' if len(outside) == 1 else 'are'} outside serviceCidr {region.service_cidr}"
        yield Problem(at, f"{why}; list two addresses of it that no Service has")
    if region.name == NAMESPACE:
        yield Problem(f"{path}.name", f"{NAMESPACE} is the namespace of this strategy's servers; use another name")


def _unreachable(path: str, region: RegionSettings, settings: Settings) -> Iterator[Problem]:
    """API servers of clusters that the program makes, where their private endpoints lead nowhere for other regions."""
    others = other_regions(settings, region)
    if options.of_region(region).api_server is not None or not others:
        return
    at = f"{path}.strategyOptions.apiServer"
    instead = "say where other regions' pods reach it, such as https://10.1.17.2"
    elsewhere = next((other for other in others if other.platform is not region.platform), None)
    if region.platform is not Platform.EXISTING and elsewhere is not None:
        yield Problem(
            at,
            f"missing; the private endpoint of a cluster on {region.platform} is not routed to {elsewhere.name}, which "
            f"is on {elsewhere.platform}: {instead}",
        )
    elif region.platform is Platform.GKE and settings.gcp and settings.gcp.network is GcpNetworkMode.PEERED:
        yield Problem(
            at,
            "missing; with `gcp.network: peered` a cluster's private endpoint is not routed to the other regions' "
            f"VPCs: take `global`, or {instead}",
        )
    elif region.platform is Platform.EKS and settings.aws:
        public, _ = by_endpoint([str(cidr) for cidr in settings.aws.authorized_cidrs])
        if public:
            yield Problem(
                at,
                f"missing; aws.authorizedCidrs has {public[0]}, for which the API server gets a public endpoint, and "
                "its name leads the other regions' pods there, who are not let in: list private ranges only, or "
                f"{instead}",
            )


STRATEGY = CorednsFederatedPlan()
