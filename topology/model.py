"""What is drawn, as plain values: regions, pairs of regions, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .places import Place

RUNNING = ("active", "draining")
SAME_NETWORK = "one VPC"
LINKS = {"peering": "VPC peering", "transit-gateway": "Transit Gateways", "vpn": "VPN"}
"""The plan's kinds of links, in words."""
PLATFORMS = {"gke": "GKE", "eks": "EKS", "existing": "existing"}


@dataclass(frozen=True, slots=True)
class Node:
    """A CockroachDB node. `address` None: only run time knows it. `down`: verify said so."""

    name: str
    address: str | None
    port: int
    down: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and how many of the region's nodes are planned for it."""

    name: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Balancer:
    """An internal load balancer."""

    kind: str
    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forward:
    """A DNS zone that is asked of other servers; `region`: whose it is, None for someone else's."""

    zone: str
    addresses: tuple[str, ...]
    region: str | None


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the config. `health` None: not verified, or not running."""

    number: int
    name: str
    state: str
    platform: str
    place: Place | None
    cidr: str
    node_cidr: str
    pod_cidr: str
    service_cidr: str
    namespace: str
    private_zone: str | None
    network: str | None
    """VPC that the program makes; None: the network was there."""
    zones: tuple[Zone, ...]
    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    forwards: tuple[Forward, ...]
    health: str | None
    reaches: tuple[int, int] | None
    """Of the other regions, how many it talks with both ways, and how many there are."""

    @property
    def running(self) -> bool:
        """Whether its nodes are part of the cluster."""
        return self.state in RUNNING


@dataclass(frozen=True, slots=True)
class Pair:
    """Two running regions, and what joins their VPCs. `link` None: the network between them is not the program's."""

    one: str
    other: str
    link: str | None
    health: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One of verify's, with the pairs that it was seen in."""

    severity: str
    layer: str
    where: str
    subject: str
    symptom: str
    fix: str
    regions: frozenset[tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """All of a picture's content."""

    strategy: str
    regions: tuple[Region, ...]
    pairs: tuple[Pair, ...]
    networks: Mapping[str, tuple[str, tuple[str, ...]]]
    """VPC -> its platform and regions."""
    join: tuple[str, ...]
    ports: tuple[str, ...]
    verdict: str | None
    matrix: Mapping[str, Mapping[str, str]]
    findings: tuple[Finding, ...]

    def region(self, name: str) -> Region:
        """The region called `name`. Raises KeyError."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)

    @property
    def running(self) -> tuple[Region, ...]:
        """Regions whose nodes are part of the cluster."""
        return tuple(region for region in self.regions if region.running)


def listing(words: Iterable[str], most: int = 3) -> str:
    """`a, b, c` or `a, b, c and 5 more`."""
    every = list(words)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"
