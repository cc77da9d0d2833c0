"""Which packets a VPC lets through to the database's hosts and pods: firewall rules as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from ...plan.balancers import NODES, PODS, balanced
from ...plan.defaults import HTTP_PORT, SQL_PORT

NODE_TAG = "cockroachdb"
"""Network tag of the node pools' hosts: rules hold for these (and their pods) alone."""

HEALTH_CHECKERS = ("35.191.0.0/16", "130.211.0.0/22")
"""Where load balancers ask from whether a host is well (cloud.google.com/load-balancing/docs/firewall-rules)."""

HEALTH_CHECK_PORT = 10256
"""Asked of a Service's hosts with `externalTrafficPolicy: Cluster`; with `Local` each Service has one of its own."""

EVERYONE = "0.0.0.0/0"


class GcpPortArgs(TypedDict):
    """A port that regions call in each other."""

    protocol: str
    """`TCP` or `UDP`."""
    port: int
    """Its number."""
    sources: list[str]
    """IPv4 ranges that call it: of pods, of hosts, or of both, in every region whose nodes run."""
    to: str
    """`pods`, `nodes`, or the kind of load balancer that they come by, and by no other way. `api-servers` are no hosts
    of the VPC: no rule is about them."""


@dataclass(frozen=True, slots=True)
class Allow:
    """One transport and its ports; no ports: all of it (ICMP)."""

    protocol: str
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that lets packets in. What no rule lets in, the VPC refuses."""

    suffix: str
    sources: tuple[str, ...]
    allows: tuple[Allow, ...]
    why: str
    destinations: tuple[str, ...] = ()
    """Where the packets go: a passthrough load balancer's address is still in those that a host gets. Empty: anywhere
    on the host."""


def rules(
    ports: Sequence[GcpPortArgs],
    peer_cidrs: Sequence[str],
    client_cidrs: Sequence[str],
    balancer_cidrs: Sequence[str],
    health_check_ports: Sequence[int],
) -> list[Rule]:
    """The rules of one VPC.

    `peer_cidrs`: pods and hosts of every region whose nodes run. `client_cidrs`: who may reach SQL and the console.
    `balancer_cidrs`: the VPC's load balancers, by which alone balanced ports and clients come. `health_check_ports`:
    of Services with `externalTrafficPolicy: Local`. Raises ValueError where a source is the whole internet.
    """
    direct = [port for port in ports if port["to"] in (PODS, NODES)]
    kinds = _unique([port["to"] for port in ports if balanced(port["to"])])
    balancers = _unique(balancer_cidrs)
    made = [
        *_by_sources("nodes", direct, "Nodes of every region call each other"),
        *(
            rule
            for kind in kinds
            for rule in _by_sources(
                kind,
                [port for port in ports if port["to"] == kind],
                f"Every region calls the others' {kind} load balancers",
                balancers,
            )
        ),
    ]
    if peer_cidrs:
        made.append(Rule("icmp", _unique(peer_cidrs), (Allow("icmp"),), "A path's MTU is learned by ICMP"))
    if client_cidrs:
        allow = Allow("tcp", (SQL_PORT, HTTP_PORT))
        why = "SQL clients, and readers of the console"
        made.append(Rule("clients", _unique(client_cidrs), (allow,), why, balancers))
    health = Allow("tcp", (HEALTH_CHECK_PORT, *health_check_ports))
    made.append(Rule("health-checks", HEALTH_CHECKERS, (health,), "Load balancers ask which hosts are well"))
    for rule in made:
        if EVERYONE in rule.sources:
            raise ValueError(f"the {rule.suffix} rule would be open to {EVERYONE}: name the ranges that need it")
    return made


def _by_sources(suffix: str, ports: Sequence[GcpPortArgs], why: str, destinations: tuple[str, ...] = ()) -> list[Rule]:
    """A rule per set of sources: a port that hosts may not call is not opened to them by one that they may.

    None for no sources: to GCP that would be all of them.
    """
    grouped: dict[tuple[str, ...], dict[str, tuple[int, ...]]] = {}
    for port in ports:
        allows = grouped.setdefault(_unique(port["sources"]), {})
        protocol = port["protocol"].lower()
        allows[protocol] = (*allows.get(protocol, ()), port["port"])
    return [
        Rule(
            suffix if index == 0 else f"{suffix}-{index + 1}",
            sources,
            tuple(Allow(protocol, numbers) for protocol, numbers in allows.items()),
            why,
            destinations,
        )
        for index, (sources, allows) in enumerate((sources, allows) for sources, allows in grouped.items() if sources)
    ]


def _unique(cidrs: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cidrs))
