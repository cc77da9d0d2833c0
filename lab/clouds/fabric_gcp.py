"""GCP's records as routers: subnets, peerings, learned routes, firewall rules and SNAT of GKE clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lab.clouds.fabric import (
    EVERYWHERE,
    Filter,
    Machine,
    Router,
    Rule,
    Site,
    Snat,
    Table,
    filtered,
    present,
    unique,
    within,
    words,
)
from lab.clouds.store import Record, State

if TYPE_CHECKING:
    from lab.clouds.fabric_vpn import Link

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
PEERING = "gcp:compute/networkPeering:NetworkPeering"
FIREWALL = "gcp:compute/firewall:Firewall"
ADDRESS = "gcp:compute/address:Address"
CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"

NOT_MASQUERADED = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24"),
    *("192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
)
"""Where GKE's default SNAT leaves pods' addresses alone (cloud.google.com/kubernetes-engine, "IP masquerade agent")."""

HEALTH_CHECKERS = "35.191.0.0/16"
"""Where Google's load balancers ask from; with 130.211.0.0/22."""

HEALTH_CHECK_PORT = 10256
"""kube-proxy's, which a load balancer asks where any host may answer for a Service."""

DEFAULT_PRIORITY = 1000


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
        filters=tuple(_filters(state, site, network, sites, inside, "INGRESS")),
        egress=tuple(_filters(state, site, network, sites, [], "EGRESS")),
        balancer_ranges=tuple(record["ipCidrRange"] for record in subnets if record is not nodes),
        snats=tuple(_snats(cluster, site)),
        health_checks=_health_checks(state, network, site),
        subnets={name_of(record): record["ipCidrRange"] for record in subnets},
        nodes_subnet=name_of(nodes) if nodes else "",
        reserved={
            record["address"]: record["purpose"] or "GCE_ENDPOINT"
            for record in addresses
            if (subnet := _find(state, SUBNETWORK, record["subnetwork"])) is not None and subnet.key in ids
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


def _filters(
    state: State, site: Site, network: Record, sites: Sequence[Site], inside: list[tuple[int, Rule]], direction: str
) -> Iterator[Filter]:
    """One filter for the machines that the same rules hold for."""
    groups: dict[tuple[Rule, ...], list[Machine]] = {}
    records = [
        record
        for record in present(state, FIREWALL)
        if network_of(state, record["network"]) is network
        and not record["disabled"]
        and (record["direction"] or "INGRESS") == direction
    ]
    for machine in site.machines:
        tags, account = _identity(state, site, machine)
        found = list(inside)
        for record in records:
            if _targets(record, tags, account):
                found += _rules(state, record, network, sites)
        # Lower numbers first; of the same number what denies.
        found.sort(key=lambda each: (each[0], each[1].accept))
        rules = [rule for _, rule in found]
        if direction == "EGRESS":
            rules.append(Rule())
        groups.setdefault(tuple(rules), []).append(machine)
    for rules, machines in groups.items():
        yield filtered(machines, rules)


def _targets(record: Record, tags: tuple[str, ...], account: str | None) -> bool:
    wanted, accounts = words(record["targetTags"]), words(record["targetServiceAccounts"])
    return bool((not wanted and not accounts) or set(wanted) & set(tags) or (account and account in accounts))


def _rules(state: State, record: Record, network: Record, sites: Sequence[Site]) -> list[tuple[int, Rule]]:
    priority = DEFAULT_PRIORITY if record["priority"] is None else int(record["priority"])
    sources = [*words(record["sourceRanges"]), *_tagged(state, record, network, sites)]
    if not sources and record["direction"] != "EGRESS":
        selected = record["sourceTags"] or record["sourceServiceAccounts"]
        if selected:
            return []
        sources = [EVERYWHERE]
    made: list[tuple[int, Rule]] = []
    for accept, transports in ((False, record["denies"]), (True, record["allows"])):
        for transport in transports or ():
            protocol = str(transport["protocol"]).lower()
            rule = Rule(
                accept,
                tuple(sources),
                words(record["destinationRanges"]),
                "" if protocol == "all" else protocol,
                words(transport.get("ports")),
            )
            made.append((priority, rule))
    return made


def _tagged(state: State, record: Record, network: Record, sites: Sequence[Site]) -> list[str]:
    """Addresses of the network's machines that a rule names as sources: never their pods', which are alias ranges."""
    tags, accounts = set(words(record["sourceTags"])), set(words(record["sourceServiceAccounts"]))
    found: list[str] = []
    for site in sites if tags or accounts else ():
        cluster = next((each for each in present(state, CLUSTER) if name_of(each) == site.key), None)
        if cluster is None or network_of(state, cluster["network"]) is not network:
            continue
        for machine in site.machines:
            its, account = _identity(state, site, machine)
            if tags & set(its) or account in accounts:
                found.append(f"{machine.address}/32")
    return found


def _identity(state: State, site: Site, machine: Machine) -> tuple[tuple[str, ...], str | None]:
    """A machine's network tags and service account: its node pool's."""
    for pool in present(state, NODE_POOL):
        cluster = str(pool["cluster"]).rpartition("/")[2]
        if name_of(pool) == machine.pool and cluster == site.key:
            config = pool["nodeConfig"] or {}
            return words(config.get("tags")), config.get("serviceAccount")
    return machine.tags, None


def _snats(cluster: Record, site: Site) -> Iterator[Snat]:
    if (cluster["defaultSnatStatus"] or {}).get("disabled") is not True:
        for machine in site.machines:
            yield Snat(machine.pods, machine.address, NOT_MASQUERADED)


def _health_checks(state: State, network: Record, site: Site) -> bool:
    """Whether some rule lets Google's health checkers in to the machines."""
    for record in present(state, FIREWALL):
        if network_of(state, record["network"]) is not network or record["disabled"] or record["direction"] == "EGRESS":
            continue
        if not any(within(HEALTH_CHECKERS, each) for each in words(record["sourceRanges"])):
            continue
        for machine in site.machines:
            allows = record["allows"] or ()
            if _targets(record, *_identity(state, site, machine)) and any(_lets_ask(each) for each in allows):
                return True
    return False


def _lets_ask(allow: Any) -> bool:
    ports = [str(port).partition("-") for port in allow.get("ports") or ()]
    right = any(int(low) <= HEALTH_CHECK_PORT <= int(high or low) for low, _, high in ports)
    return str(allow["protocol"]).lower() in ("tcp", "all") and (right or not ports)


def network_of(state: State, reference: Any) -> Record | None:
    """The network that an id, a self link or a name refers to."""
    return _find(state, NETWORK, reference)


def _find(state: State, token: str, reference: Any) -> Record | None:
    return next((record for record in present(state, token) if reference and same(record, reference)), None)


def same(record: Record, reference: Any) -> bool:
    """Whether a reference, an id, a self link or a bare name, is to this record."""
    text = str(reference)
    if "/" not in text:
        return text in (name_of(record), record.id)
    return _path(text) in (_path(record.id), _path(str(record["selfLink"])))


def name_of(record: Record) -> str:
    return str(record["name"] or record.id.rpartition("/")[2])


def _path(text: str) -> str:
    """From `projects/` on, as ids and self links have in common."""
    return text[text.find("projects/") :]
