"""Where a subnet's packets go: its route table, the most specific route, and what that leads through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from ..findings import Failure
from ..graph import Graph, Resource
from ..ranges import ANYWHERE, network
from . import kinds, transit
from .site import Site


@dataclass(frozen=True, slots=True)
class Way:
    """One route, declared beside its table or in it."""

    owner: Resource
    """The `Route`, or the table that holds it."""
    prefix: str
    """Where in `owner` its properties are: empty, or `routes.0.`."""
    destination: IPv4Network

    def leads(self, graph: Graph, key: str, *types: str) -> list[Resource]:
        """What it leads through, if that is one of `types` by the property `key`."""
        return graph.follow(self.owner, f"{self.prefix}{key}", *types) if self.uses(key) else []

    def uses(self, key: str) -> bool:
        """Whether it says anything of that property."""
        return (
            self.owner.says(f"{self.prefix}{key}") if not self.prefix else bool(self.owner.get(f"{self.prefix}{key}"))
        )


def table(graph: Graph, subnet: Resource) -> Resource | None:
    """The subnet's own route table."""
    for association in graph.pointing(kinds.ASSOCIATION, "subnetId", subnet):
        for found in graph.follow(association, "routeTableId", kinds.ROUTE_TABLE):
            return found
    return None


def best(graph: Graph, routes: Resource, destination: IPv4Network) -> Way | None:
    """The most specific route of a table that holds all of `destination`."""
    ways = [
        Way(route, "", there)
        for route in graph.pointing(kinds.ROUTE, "routeTableId", routes)
        if (there := network(route.get("destinationCidrBlock"))) is not None
    ]
    ways += [
        Way(routes, f"routes.{index}.", there)
        for index, entry in enumerate(routes.get("routes") or [])
        if isinstance(entry, dict) and (there := network(entry.get("cidrBlock"))) is not None
    ]
    fitting = [way for way in ways if destination.subnet_of(way.destination)]
    return max(fitting, key=lambda way: way.destination.prefixlen, default=None)


def leads(
    graph: Graph, source: Site, starts: tuple[Resource, ...], target: Site, destination: IPv4Network
) -> Iterator[Failure]:
    """Whether packets from each of the subnets `starts` get to `destination` in another EKS region's VPC."""
    for subnet in starts:
        routes = table(graph, subnet)
        if routes is None:
            yield no_table(subnet)
            continue
        way = best(graph, routes, destination)
        if way is None or way.destination == ANYWHERE:
            yield Failure(
                "route",
                f"{routes.label} (of {subnet.label}) has no route to {target.vpc.get('cidrBlock')}; add one through "
                f"a peering connection or Transit Gateway that leads to {target.vpc.label}",
                routes.urn,
            )
        elif way.uses("transitGatewayId"):
            yield from transit.through(
                graph,
                way.leads(graph, "transitGatewayId", kinds.TRANSIT_GATEWAY),
                source,
                subnet,
                target,
                destination,
                way.owner,
            )
        else:
            yield from _by_peering(graph, way, source, target)


def no_table(subnet: Resource) -> Failure:
    """A subnet without an association has the VPC's main table, which leads nowhere else."""
    return Failure(
        "route table",
        f"{subnet.label} is associated with no route table, so its packets stay in the VPC; associate one",
        subnet.urn,
    )


def _by_peering(graph: Graph, way: Way, source: Site, target: Site) -> Iterator[Failure]:
    links = {
        connection.urn: connection
        for found in way.leads(graph, "vpcPeeringConnectionId", kinds.PEERING, kinds.ACCEPTER)
        for connection in (
            [found] if found.type == kinds.PEERING else graph.follow(found, "vpcPeeringConnectionId", kinds.PEERING)
        )
    }
    if not links:
        yield Failure(
            "peering",
            f"{way.owner.label} leads to {way.destination} through no VPC peering connection that is declared here",
            way.owner.urn,
        )
        return
    ends = {source.vpc.urn, target.vpc.urn}
    for connection in links.values():
        here = graph.follow(connection, "vpcId", kinds.VPC)
        there = graph.follow(connection, "peerVpcId", kinds.VPC)
        if {vpc.urn for vpc in (*here, *there)} >= ends:
            if not _accepted(graph, connection):
                yield Failure(
                    "peering accepter",
                    f"{connection.label} is not accepted: declare a VpcPeeringConnectionAccepter for it, in the "
                    "peer's region, with autoAccept",
                    connection.urn,
                )
            return
    yield Failure(
        "peering",
        f"{way.owner.label} leads to {way.destination} through {next(iter(links.values())).label}, which does not "
        f"join {source.vpc.label} and {target.vpc.label}",
        way.owner.urn,
    )


def _accepted(graph: Graph, connection: Resource) -> bool:
    accepters = graph.pointing(kinds.ACCEPTER, "vpcPeeringConnectionId", connection)
    return any(each.get("autoAccept") is True for each in (*accepters, connection))
