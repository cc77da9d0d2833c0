"""GCP's records as routers: subnets, peerings, learned routes and SNAT of GKE clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lab.clouds.fabric import Router, Rule, Site, Snat, Table, present, unique
from lab.clouds.gcp_firewalls import DEFAULT_PRIORITY, filters, health_ports
from lab.clouds.gcp_records import CLUSTER, SUBNETWORK, find, name_of, network_of, same
from lab.clouds.store import Record, State

if TYPE_CHECKING:
    from lab.clouds.fabric_vpn import Link

PEERING = "gcp:compute/networkPeering:NetworkPeering"
ADDRESS = "gcp:compute/address:Address"

NOT_MASQUERADED = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24"),
    *("192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
)
"""Where GKE's default SNAT leaves pods' addresses alone (cloud.google.com/kubernetes-engine, "IP masquerade agent")."""


def routers(state: State, sites: Sequence[Site], links: Sequence[Link]) -> dict[str, Router]:
    """A router for each cluster that has a record, a network and a subnet."""
    made: dict[str, Router] = {}
    for site in sites:
        cluster = next((record for record in present(state, CLUSTER) if name_of(record) == site.key), None)
        network = network_of(state, cluster["network"]) if cluster else None
        if cluster is not None and network is not None:
            made[site.key] = _router(state, site, cluster, network, sites, links)
    return made


def _router(
    state: State, site: Site, cluster: Record, network: Record, sites: Sequence[Site], links: Sequence[Link]
) -> Router:
    nodes = _subnet_of(state, cluster, network)
    location = str(nodes["region"]) if nodes else site.location
    own = subnet_ranges(state, network, location)
    remote = [each for each in reachable(state, network, location, links) if each not in own]
    inside = _own_rules(cluster, nodes)
    subnets = list(_subnets(state, network, location))
    addresses = [record for record in present(state, ADDRESS) if record["addressType"] == "INTERNAL"]
    ids = {record.key for record in subnets}
    return Router(
        key=site.key,
        ranges=own,
        tables=(Table(network.id, own, tuple(remote)),),
        filters=tuple(filters(state, site, network, sites, inside, "INGRESS")),
        egress=tuple(filters(state, site, network, sites, [], "EGRESS")),
        balancer_ranges=tuple(record["ipCidrRange"] for record in subnets if record is not nodes),
        snats=tuple(_snats(cluster, site)),
        health_ports=health_ports(state, network, site),
        subnets={name_of(record): record["ipCidrRange"] for record in subnets},
        nodes_subnet=name_of(nodes) if nodes else "",
        reserved={
            record["address"]: record["purpose"] or "GCE_ENDPOINT"
            for record in addresses
            if (subnet := find(state, SUBNETWORK, record["subnetwork"])) is not None and subnet.key in ids
        },
    )


def reachable(state: State, network: Record, location: str, links: Sequence[Link]) -> tuple[str, ...]:
    """Every destination that a network has a route to, seen from one location: subnets, peers' subnets, learned routes.

    A peer's learned routes come only where one side exports and the other imports custom routes.
    """
    found = [*subnet_ranges(state, network, None), *_learned(network, location, links)]
    for ours, theirs, peer in _peerings(state, network):
        found += subnet_ranges(state, peer, None)
        if ours["importCustomRoutes"] and theirs["exportCustomRoutes"]:
            found += _learned(peer, location, links)
    return unique(found)


def _peerings(state: State, network: Record) -> Iterator[tuple[Record, Record, Record]]:
    """(our half, their half, their network) of each peering that is active: both halves are there and say so."""
    halves = [record for record in present(state, PEERING) if record["state"] in (None, "ACTIVE")]
    for ours in halves:
        peer = network_of(state, ours["peerNetwork"])
        if peer is None or network_of(state, ours["network"]) is not network:
            continue
        for theirs in halves:
            if network_of(state, theirs["network"]) is peer and network_of(state, theirs["peerNetwork"]) is network:
                yield ours, theirs, peer
                break


def hosts_of(state: State, network: Record) -> tuple[str, ...]:
    """Every subnet range that packets in a network come to: its own, and those of its peers."""
    peers = [peer for _, _, peer in _peerings(state, network)]
    return unique(each for one in (network, *peers) for each in subnet_ranges(state, one, None))


def _learned(network: Record, location: str, links: Sequence[Link]) -> list[str]:
    everywhere = network["routingMode"] == "GLOBAL"
    return [
        each
        for link in links
        if link.network == network.key and (everywhere or link.location == location)
        for each in link.to_aws
    ]


def subnet_ranges(state: State, network: Record, location: str | None) -> tuple[str, ...]:
    """Primary and secondary ranges of a network's subnets, in one location or in all."""
    found: list[str] = []
    for subnet in _subnets(state, network, location):
        found += [subnet["ipCidrRange"], *(each["ipCidrRange"] for each in subnet["secondaryIpRanges"] or ())]
    return unique(found)


def _subnets(state: State, network: Record, location: str | None) -> Iterator[Record]:
    for record in present(state, SUBNETWORK):
        here = str(record["region"]).rpartition("/")[2]
        if network_of(state, record["network"]) is network and location in (None, here):
            yield record


def _subnet_of(state: State, cluster: Record, network: Record) -> Record | None:
    for record in _subnets(state, network, None):
        if same(record, cluster["subnetwork"]):
            return record
    return None


def _own_rules(cluster: Record, nodes: Record | None) -> list[tuple[int, Rule]]:
    """What GKE opens by itself: a cluster's pods to its pods and hosts, its hosts' subnet to its hosts and pods."""
    if nodes is None:
        return []
    name = (cluster["ipAllocationPolicy"] or {}).get("clusterSecondaryRangeName")
    pods = [each["ipCidrRange"] for each in nodes["secondaryIpRanges"] or () if each["rangeName"] == name]
    return [(DEFAULT_PRIORITY, Rule(sources=(*pods, nodes["ipCidrRange"])))]


def _snats(cluster: Record, site: Site) -> Iterator[Snat]:
    if (cluster["defaultSnatStatus"] or {}).get("disabled") is not True:
        for machine in site.machines:
            yield Snat(machine.pods, machine.address, NOT_MASQUERADED)
