"""What both clouds' records make of the network, as plain values: per region its routes, filters, balancers and SNAT.

Every region has one router. What the program created decides what a router sends, lets in and translates; a record that
is missing or wrong is a packet that does not cross, at the hop where a real cloud would lose it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network
from typing import Any

from lab.clouds.store import DELETING, FAILED, Record, State

EVERYWHERE = "0.0.0.0/0"
ANY_PORT = ("0-65535",)


@dataclass(frozen=True, slots=True)
class Machine:
    """One host that runs: what the clouds' records don't have."""

    name: str
    address: str
    pods: str
    """Range of its pods' addresses."""
    zone: str
    pool: str
    """Name of its node pool or node group in the cloud."""
    tags: tuple[str, ...] = ()
    """GCP: network tags; AWS: ids of security groups. The node pool's own record comes first, where there is one."""
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster that runs, and so has a router."""

    key: str
    """The cluster's name in its cloud."""
    platform: str
    """`gke` or `eks`."""
    location: str
    machines: tuple[Machine, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A route table: what packets from some sources find beyond the region. What is not in it is unreachable."""

    name: str
    sources: tuple[str, ...]
    """Ranges whose packets are looked up here."""
    remote: tuple[str, ...]
    """Destinations in other regions that it leads to."""
    refused: tuple[str, ...] = ()
    """Routes that lead nowhere (black holes): they win over wider ones."""

    @property
    def number(self) -> int:
        """The same for a table whatever others there are; Linux has 32 bits for it, of which it uses the first few."""
        return 1000 + int(hashlib.sha256(self.name.encode()).hexdigest()[:7], 16)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a filter: all that is given has to match; what is empty matches everything."""

    accept: bool = True
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    protocol: str = ""
    """`tcp`, `udp`, `icmp`, another name or number; empty: all."""
    ports: tuple[str, ...] = ()
    """`53` or `1-100`."""
    icmp: tuple[int, int] | None = None
    """Type and code, of which -1 is any."""
    through: tuple[str, ...] = ()
    """Addresses of load balancers: only what came by one of these."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What may come to, or from, some machines and their pods. The first rule that matches decides."""

    machines: tuple[str, ...]
    """Addresses."""
    rules: tuple[Rule, ...]
    ranges: tuple[str, ...] = ()
    """Of an egress filter: what the machines and their pods are seen by."""


@dataclass(frozen=True, slots=True)
class Balancer:
    """One address and port of a network load balancer, and where it sends."""

    address: str
    protocol: str
    """`tcp` or `udp`."""
    port: int
    targets: tuple[str, ...]
    """Machines' addresses. None: nobody answers."""
    target_port: int
    table: str
    """Name of the route table of its own subnet, by which its answers go."""
    keeps_source: bool
    """Whether a target sees the client's address; else the balancer's."""
    admits: tuple[Rule, ...] | None
    """Its own security groups' ingress, before it sends on; None: it has no groups."""
    sends: tuple[Rule, ...] | None
    """The same groups' egress, to targets."""


@dataclass(frozen=True, slots=True)
class Snat:
    """Pods that are seen as their host elsewhere."""

    pods: str
    address: str
    kept: tuple[str, ...]
    """Destinations that still see the pod."""


@dataclass(frozen=True, slots=True)
class Router:
    """One region's part of the network."""

    key: str
    ranges: tuple[str, ...] = ()
    """Everything that is physically here, for the core to know."""
    tables: tuple[Table, ...] = ()
    filters: tuple[Filter, ...] = ()
    egress: tuple[Filter, ...] = ()
    """What machines and their pods may send."""
    balancers: tuple[Balancer, ...] = ()
    balancer_ranges: tuple[str, ...] = ()
    """Where load balancers have their addresses, whoever runs them."""
    snats: tuple[Snat, ...] = ()
    health_ports: tuple[str, ...] = ANY_PORT
    """TCP ports of hosts by which what asks for their health gets through (GCP: from ranges of Google's)."""
    subnets: Mapping[str, str] = field(default_factory=dict[str, str])
    """GCP: name -> range of each of the region's subnets, which Services name."""
    nodes_subnet: str = ""
    """GCP: the name of the hosts' own."""
    reserved: Mapping[str, str] = field(default_factory=dict[str, str])
    """GCP: reserved internal address -> purpose."""


Fabric = Mapping[str, Router]
"""By the clusters' keys."""


def filtered(machines: Sequence[Machine], rules: tuple[Rule, ...]) -> Filter:
    """The filter of some machines."""
    ranges = unique(each for machine in machines for each in (f"{machine.address}/32", machine.pods))
    return Filter(tuple(machine.address for machine in machines), rules, ranges)


def present(state: State, token: str) -> list[Record]:
    """Records that count: not those on their way out, or that never came to be."""
    return [record for record in state.all(token) if record.phase not in (DELETING, FAILED)]


@lru_cache(maxsize=4096)
def within(inner: str, outer: str) -> bool:
    """Whether the range `inner` is part of `outer`."""
    return IPv4Network(inner).subnet_of(IPv4Network(outer))


def common(one: str, other: str) -> str | None:
    """What two ranges share: the smaller, or nothing."""
    if within(one, other):
        return one
    return other if within(other, one) else None


def words(value: Any) -> tuple[str, ...]:
    """A list of strings, or none."""
    return tuple(str(each) for each in value or ())


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(values))
