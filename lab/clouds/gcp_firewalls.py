"""GCP's firewall rules as filters: which hold for a machine, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.clouds.fabric import ANY_PORT, EVERYWHERE, Filter, Machine, Rule, Site, filtered, present, within, words
from lab.clouds.gcp_records import CLUSTER, name_of, network_of
from lab.clouds.store import Record, State

FIREWALL = "gcp:compute/firewall:Firewall"
NODE_POOL = "gcp:container/nodePool:NodePool"

HEALTH_CHECKERS = "35.191.0.0/16"
"""Where Google's load balancers ask from; with 130.211.0.0/22."""

DEFAULT_PRIORITY = 1000


def filters(
    state: State, site: Site, network: Record, sites: Sequence[Site], inside: list[tuple[int, Rule]], direction: str
) -> Iterator[Filter]:
    """One filter for the machines that the same rules hold for.

    `inside` are GKE's own rules, with their priorities; `direction` is `INGRESS` or `EGRESS`.
    """
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


def health_ports(state: State, network: Record, site: Site) -> tuple[str, ...]:
    """TCP ports and ranges of them on which rules let Google's health checkers ask the machines."""
    found: set[str] = set()
    for record in present(state, FIREWALL):
        if network_of(state, record["network"]) is not network or record["disabled"] or record["direction"] == "EGRESS":
            continue
        if not any(within(HEALTH_CHECKERS, each) for each in words(record["sourceRanges"])):
            continue
        if any(_targets(record, *_identity(state, site, machine)) for machine in site.machines):
            for allow in record["allows"] or ():
                if str(allow["protocol"]).lower() in ("tcp", "all"):
                    found |= set(words(allow.get("ports")) or ANY_PORT)
    return tuple(sorted(found))
