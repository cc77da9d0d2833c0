"""What the proof finds: a hop that fails, and the pair of regions that cannot talk for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from components.plan.balancers import PODS

from .ranges import host
from .topology import Region


class Severity(StrEnum):
    """What a missing hop costs."""

    BROKEN = "broken"
    """The pair cannot talk, or a node there sees a peer at an address that is not the peer's."""
    DEGRADED = "degraded"
    """It talks, but a part is missing that another stands in for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One hop that does not hold, whoever's packets need it."""

    hop: str
    """A few words, the same for the same kind of hop: `route`, `firewall`, `SNAT`, …"""
    message: str
    """What is missing, and what would be right."""
    urn: str = ""
    """The resource to look at, where there is one."""
    severity: Severity = Severity.BROKEN


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets of one kind from one region to another."""

    source: Region
    target: Region
    origin: str
    """`pods` or `nodes`."""
    protocol: str
    """`tcp`, `udp` or `icmp`."""
    port: int
    """0 for ICMP."""
    address: IPv4Address | None = None
    """A load balancer's of the target; None: the target itself."""
    to: str = PODS
    """Without an address: `pods` or `nodes`."""

    @property
    def sources(self) -> IPv4Network:
        """Where the packets come from."""
        return self.source.pod_cidr if self.origin == PODS else self.source.node_cidr

    @property
    def destination(self) -> IPv4Network:
        """Where they go."""
        if self.address is not None:
            return host(self.address)
        return self.target.pod_cidr if self.to == PODS else self.target.node_cidr

    @property
    def what(self) -> str:
        """`pods tcp/26257`."""
        return f"{self.origin} {self.protocol}" + (f"/{self.port}" if self.port else "")


@dataclass(frozen=True, slots=True)
class Violation:
    """Two regions that the declared network does not connect as the strategy needs it."""

    source: str
    target: str
    what: tuple[str, ...]
    """The packets that fail: `pods tcp/26257`, …"""
    hop: str
    severity: Severity
    message: str
    urn: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.source} -> {self.target} ({', '.join(self.what)}): {self.hop}: {self.message}"
