"""The network proof: whether every region's pods and nodes reach every other region as the strategy needs, and back.

Nothing is assumed of a packet that no declared resource carries: subnet, route, peering, tunnel, filter, load balancer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from ipaddress import IPv4Network

from components.plan.balancers import API_SERVERS, DNS, NODES, PODS, SQL
from components.plan.defaults import HTTP_PORT, SQL_PORT
from components.plan.model import Platform

from . import egress, vpn
from .aws import balancer as aws_balancer
from .aws import names as aws_names
from .aws import routes as aws_routes
from .aws import security
from .aws import site as aws_site
from .aws import snat as aws_snat
from .findings import Failure, Flow, Severity, Violation
from .gcp import api as gcp_api
from .gcp import balancer as gcp_balancer
from .gcp import firewall
from .gcp import names as gcp_names
from .gcp import site as gcp_site
from .gcp import snat as gcp_snat
from .graph import Graph
from .ranges import host
from .topology import Balancer, Region, Topology

INTERNET = "the internet"
"""The target of what hosts need beside the other regions."""

Site = gcp_site.Site | aws_site.Site


def violations(graph: Graph, topology: Topology) -> list[Violation]:
    """What keeps regions apart, each hop once for a pair of them."""
    return Proof(graph, topology).violations()


class Proof:
    """One graph and its topology; sites and tunnels are looked up once."""

    def __init__(self, graph: Graph, topology: Topology) -> None:
        self.graph = graph
        self.topology = topology
        self._links: dict[tuple[str, str], vpn.Link] = {}

    @cached_property
    def sites(self) -> dict[str, Site | Failure]:
        """Region -> what stands of it, or what is missing."""
        return {
            region.name: (gcp_site if region.platform is Platform.GKE else aws_site).site(self.graph, region)
            for region in self.topology.regions
        }

    def violations(self) -> list[Violation]:
        """For every ordered pair, and of every region with itself and the internet."""
        found: list[Violation] = []
        for source in self.topology.regions:
            for target in self.topology.regions:
                pair = self._within(source) if source is target else self._pair(source, target)
                found += _merged(source.name, target.name, pair)
            site = self.sites[source.name]
            if not isinstance(site, Failure):
                out = (("hosts", failure) for failure in egress.failures(self.graph, site))
                found += _merged(source.name, INTERNET, out)
        return found

    def _within(self, region: Region) -> Iterator[tuple[str, Failure]]:
        """Its own pods and hosts reach its load balancers' addresses. Nodes do without."""
        if isinstance(self.sites[region.name], Failure):
            return
        for flow, balancer in self._to_balancers(region, region):
            for what, failure in self._any_address(flow, balancer):
                yield what, replace(failure, severity=Severity.DEGRADED)

    def _pair(self, source: Region, target: Region) -> Iterator[tuple[str, Failure]]:
        here, there = self.sites[source.name], self.sites[target.name]
        if isinstance(here, Failure) or isinstance(there, Failure):
            yield from (("everything", site) for site in (here, there) if isinstance(site, Failure))
            return
        if isinstance(here, gcp_site.Site) and isinstance(there, gcp_site.Site):
            yield from (("nodes' names", failure) for failure in gcp_names.found(self.graph, here, there))
        if isinstance(here, aws_site.Site) and isinstance(there, aws_site.Site):
            yield from (("nodes' names", failure) for failure in aws_names.found(self.graph, here, there))
        for flow in self._directly(source, target):
            yield from ((flow.what, failure) for failure in self._failures(flow))
        for flow in self._to_api_server(source, target):
            yield from ((f"{flow.what} to API server", failure) for failure in self._api_failures(flow))
        for flow, balancer in self._to_balancers(source, target):
            for what, failure in self._any_address(flow, balancer):
                console = balancer.kind == SQL and flow.port == HTTP_PORT
                yield what, replace(failure, severity=Severity.DEGRADED) if console else failure
        for end in (here, there):
            if isinstance(end, aws_site.Site):
                yield from (("hosts of a zone", failure) for failure in aws_site.zones(self.graph, end))

    def _directly(self, source: Region, target: Region) -> Iterator[Flow]:
        """To the target's pods and hosts, and ICMP between all that talk so."""
        ends: dict[tuple[str, str], None] = {}
        for port in self.topology.ports:
            if port.to in (PODS, NODES):
                for origin in port.sources:
                    ends[origin, port.to] = None
                    yield Flow(source, target, origin, str(port.protocol).lower(), port.number, to=port.to)
        for origin, to in ends:
            yield Flow(source, target, origin, "icmp", 0, to=to)

    def _to_api_server(self, source: Region, target: Region) -> Iterator[Flow]:
        """To where the target's private endpoint is: on EKS among its hosts; on GKE nowhere that is routed by a range
        of the plan."""
        for port in self.topology.ports:
            if port.to == API_SERVERS:
                for origin in port.sources:
                    yield Flow(source, target, origin, str(port.protocol).lower(), port.number, to=NODES)

    def _api_failures(self, flow: Flow) -> Iterator[Failure]:
        target = self.sites[flow.target.name]
        if isinstance(target, gcp_site.Site):
            return gcp_api.admitted(self.graph, target, flow)
        return self._failures(flow)

    def _to_balancers(self, source: Region, target: Region) -> Iterator[tuple[Flow, Balancer]]:
        for port in self.topology.ports:
            for balancer in target.balancers_of(port.to):
                for origin in port.sources:
                    yield Flow(source, target, origin, str(port.protocol).lower(), port.number), balancer
        for balancer in target.balancers_of(SQL):
            for number in (SQL_PORT, HTTP_PORT):
                yield Flow(source, target, PODS, "tcp", number), balancer

    def _any_address(self, flow: Flow, balancer: Balancer) -> Iterator[tuple[str, Failure]]:
        """One address that answers is enough for the pair to talk; the others' failures degrade it then."""
        where = "" if balancer.kind == DNS else f" to the load balancer {balancer.name}"
        by_address = {address: list(self._failures(replace(flow, address=address))) for address in balancer.addresses}
        answered = any(
            all(failure.severity is Severity.DEGRADED for failure in failures) for failures in by_address.values()
        )
        for address, failures in by_address.items():
            for failure in failures:
                severity = Severity.DEGRADED if answered else failure.severity
                common = all(failure in others for others in by_address.values())
                what = f"{flow.what}{where}" if common else f"{flow.what} to {address}"
                yield what, replace(failure, severity=severity)

    def _failures(self, flow: Flow) -> Iterator[Failure]:
        """Every hop of one flow that does not hold, there and back."""
        source, target = self.sites[flow.source.name], self.sites[flow.target.name]
        if isinstance(source, Failure) or isinstance(target, Failure):
            return
        icmp = flow.protocol == "icmp"
        if not icmp and flow.source is not flow.target:
            yield from self._snat(source, flow)
            forth = list(self._way(source, None, target, flow.destination))
            yield from forth
            for failure in self._way(target, flow.address and host(flow.address), source, flow.sources):
                if failure not in forth:
                    yield replace(failure, hop=f"{failure.hop}, way back")
        if isinstance(target, gcp_site.Site):
            filtered = firewall.admitted(self.graph, target, flow)
        elif flow.address is None:
            filtered = security.admitted(self.graph, target, flow)
        else:
            filtered = iter(())
        for failure in filtered:
            # Without ICMP a path's MTU is not learned: most packets pass, large ones may not.
            yield replace(failure, severity=Severity.DEGRADED) if icmp else failure
        if isinstance(source, gcp_site.Site):
            yield from firewall.let_out(self.graph, source, flow)
        if flow.address is None:
            return
        if isinstance(target, gcp_site.Site):
            near = isinstance(source, gcp_site.Site) and source.location == target.location
            yield from gcp_balancer.answers(self.graph, target, flow, flow.address, same_location=near)
        else:
            yield from aws_balancer.answers(self.graph, target, flow, flow.address)

    def _snat(self, source: Site, flow: Flow) -> Iterator[Failure]:
        if isinstance(source, gcp_site.Site):
            return gcp_snat.masqueraded(source, flow)
        return aws_snat.masqueraded(self.graph, source, flow)

    def _way(
        self, source: Site, start: IPv4Network | None, target: Site, destination: IPv4Network
    ) -> Iterator[Failure]:
        """Routes from a region's hosts and pods, or from the load balancer at `start`, to a range of another's."""
        if isinstance(source, gcp_site.Site):
            if isinstance(target, gcp_site.Site):
                return gcp_site.routes(self.graph, source, target, destination)
            return vpn.to_eks(self._link(source, target), source, destination, target)
        starts = source.subnets
        if start is not None:
            beside = aws_balancer.subnet_of(self.graph, source, start.network_address)
            starts = (beside,) if beside else ()
        if isinstance(target, gcp_site.Site):
            return vpn.to_gke(self.graph, self._link(target, source), starts, target, destination)
        return aws_routes.leads(self.graph, source, starts, target, destination)

    def _link(self, gke: gcp_site.Site, eks: aws_site.Site) -> vpn.Link:
        key = (gke.network.urn, eks.vpc.urn)
        if key not in self._links:
            self._links[key] = vpn.link(self.graph, gke, eks)
        return self._links[key]


def _merged(source: str, target: str, found: Iterator[tuple[str, Failure]]) -> list[Violation]:
    """A hop that fails for many kinds of packets is one violation; the worst severity counts."""
    whats: dict[tuple[str, str, str], list[str]] = {}
    severities: dict[tuple[str, str, str], Severity] = {}
    for what, failure in found:
        key = (failure.hop, failure.message, failure.urn)
        whats.setdefault(key, []).append(what)
        worse = severities.get(key) is Severity.BROKEN or failure.severity is Severity.BROKEN
        severities[key] = Severity.BROKEN if worse else Severity.DEGRADED
    return [
        Violation(
            source=source,
            target=target,
            what=tuple(dict.fromkeys(what)),
            hop=hop,
            severity=severities[hop, message, urn],
            message=message,
            urn=urn,
        )
        for (hop, message, urn), what in whats.items()
    ]
