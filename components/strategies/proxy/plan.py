"""`proxy`, pure side.

A node is a port of its region's proxies, which stand at one address that is reserved in advance. Neither names nor
pods' addresses mean anything outside of their cluster, so pod networks need not be routed between regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from ...plan.balancers import NODES, PODS
from ...plan.layout import REGION_PREFIX
from ...plan.model import BalancerPlan, BalancerPort, Platform, Problem, RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols
from ..common import StrategyDefaults, first_nodes
from ..services import service_names
from .options import (
    PROXY_HOST,
    ProxyOptions,
    RegionProxyOptions,
    proxy_address,
    read_region,
    read_stack,
    region_options,
)

PROXY = "proxy"
"""For all nodes of a region, one port each: the kind of its load balancer."""

MOST_NODES = 50
"""Two ports each: an EndpointSlice, of which kube-proxies make their rules, is documented to hold 100."""
SQL_FIRST = 26300
"""Port of node 0 for SQL and RPC; the others' follow."""
HTTP_FIRST = 28100
"""Port of node 0 for HTTP; the others' follow."""
SQL_NODE_FIRST = 30400
HTTP_NODE_FIRST = 30500

MOST_LETTERS = 57
"""Of a region's name: the proxies' namespace, a DNS label of at most 63, is called `<name>-proxy`."""


def namespace(region: str) -> str:
    """Of the region's proxies: what runs there can read nothing of the database's."""
    return f"{region}-proxy"


def proxy_ports(ordinal: int) -> tuple[BalancerPort, BalancerPort]:
    """Where the proxies take what is for node `ordinal`: SQL and RPC, and HTTP."""
    return (
        BalancerPort(f"sql-{ordinal}", "TCP", SQL_FIRST + ordinal, SQL_NODE_FIRST + ordinal),
        BalancerPort(f"http-{ordinal}", "TCP", HTTP_FIRST + ordinal, HTTP_NODE_FIRST + ordinal),
    )


class ProxyPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "proxy"

    def stack_options(self, reader: Reader) -> ProxyOptions:
        """The proxies' image."""
        return read_stack(reader)

    def region_options(self, reader: Reader) -> RegionProxyOptions:
        """Where a region's proxies answer, and on which hosts they run."""
        return read_region(reader)

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Regions without a gain, an address or ports for proxies, and addresses that lead elsewhere."""
        seen: dict[str, str] = {}
        for index, region in enumerate(settings.regions):
            if region.state not in RUNNING:
                continue
            path = f"regions[{index}]"
            yield from _no_place(path, region)
            given = region_options(region).address
            if given is None and region.cidr.prefixlen > REGION_PREFIX:
                yield Problem(
                    f"{path}.strategyOptions.address",
                    f"missing; {region.cidr} is too small for the proxies' usual place, .16.{PROXY_HOST} of a range: "
                    "say which address your load balancers can give",
                )
                continue
            address = proxy_address(region)
            if address in seen:
                yield Problem(
                    f"{path}.strategyOptions.address",
                    f"{address} is where {seen[address]}'s proxies answer too; use each address once",
                )
            seen.setdefault(address, region.name)
            if given is not None:
                yield from _leads_elsewhere(f"{path}.strategyOptions.address", region, settings)

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The proxies'."""
        return proxy_address(region)

    def advertised_ports(self, region: RegionSettings, ordinal: int) -> tuple[int, int]:
        """The node's own on the proxies."""
        sql, http = proxy_ports(ordinal)
        return sql.number, http.number

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', and the proxies' address: one more node changes no certificate."""
        return (*service_names(region), proxy_address(region))

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """The one in front of the proxies."""
        ports = tuple(port for ordinal in range(region.nodes) for port in proxy_ports(ordinal))
        return (BalancerPlan(PROXY, PROXY, (proxy_address(region),), ports),)

    def ports(self) -> tuple[Port, ...]:
        """Nodes to proxies, from pods, or from hosts that stand in for them on the way out.

        As many as a region may have nodes, so that one more needs no rule.
        """
        return (
            Port("sql", Protocols.TCP, SQL_FIRST, (PODS, NODES), PROXY, SQL_FIRST + MOST_NODES - 1),
            Port("http", Protocols.TCP, HTTP_FIRST, (PODS, NODES), PROXY, HTTP_FIRST + MOST_NODES - 1),
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Each pod is told its own port."""
        return PodIdentity(advertise_host=None, host_network=False, certificate_source=CertificateSource.PLANNED)

    def gateway_namespaces(self, region: RegionSettings) -> tuple[str, ...]:
        """The proxies': nodes of one region dial each other through them too."""
        return (namespace(region.name),)


def _no_place(path: str, region: RegionSettings) -> Iterator[Problem]:
    if region.platform is not Platform.EXISTING:
        yield Problem(
            f"{path}.platform",
            f"{region.platform} load balancers have no port for each node, and the program's own network routes pods "
            "between regions anyway; take strategy stub-domains or load-balancer-per-node, or platform existing",
        )
    if region.nodes > MOST_NODES:
        yield Problem(
            f"{path}.nodes",
            f"{region.nodes} nodes need two ports each of the region's proxies, which have them for {MOST_NODES}; "
            "list more regions, or take another strategy",
        )
    if len(region.name) > MOST_LETTERS:
        yield Problem(
            f"{path}.name",
            f"{region.name} has {len(region.name)} letters, and the proxies' namespace, called <name>-proxy, may have "
            f"63; use at most {MOST_LETTERS}",
        )


def _leads_elsewhere(path: str, region: RegionSettings, settings: Settings) -> Iterator[Problem]:
    """A load balancer's address is the region's, and none of its pods', Services' or hosts' router's."""
    address = region_options(region).address
    if address is None:
        return
    if address not in region.cidr and address not in region.node_cidr:
        yield Problem(
            path,
            f"{address} is outside this region's cidr ({region.cidr}) and nodeCidr ({region.node_cidr}); "
            "use an address that the region's load balancers can give, or a cidr that covers it",
        )
    taken: list[tuple[str, IPv4Network]] = [("serviceCidr", region.service_cidr)]
    taken += [(f"{other.name}'s podCidr", other.pod_cidr) for other in settings.regions if other.state in RUNNING]
    for holder, network in taken:
        if address in network:
            yield Problem(path, f"{address} is within {holder} ({network}); use a load balancer's address")
    if address in region.dns_addresses:
        yield Problem(path, f"{address} is given at dnsAddresses too; use each address once")


STRATEGY = ProxyPlan()
