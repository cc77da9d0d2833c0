"""How a region's /16 is cut by default.

Nodes .0.0/20, load balancers .16.0/24, control plane .17.0/28, services .32.0/20, pods .128.0/17.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

REGION_PREFIX = 16
"""Default ranges are /16s of `networkCidr`; a larger range is cut in its first /16."""

PLACEHOLDER = IPv4Network("0.0.0.0/16")
"""Stands where no range could be found; a problem has been noted then, and no plan is made."""

DNS_HOST = 53
"""The DNS load balancer's place in the balancer range: .16.53."""

SQL_HOST = 26
"""The SQL load balancer's place in the balancer range: .16.26, after port 26257."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts of one region's range."""

    nodes: IPv4Network
    balancers: IPv4Network
    control_plane: IPv4Network
    services: IPv4Network
    pods: IPv4Network

    @property
    def dns_address(self) -> IPv4Address:
        """Where the region's DNS answers other regions."""
        return self.balancers[DNS_HOST]

    @property
    def sql_address(self) -> IPv4Address:
        """Where the region takes SQL connections."""
        return self.balancers[SQL_HOST]


def default_range(network: IPv4Network, index: int) -> IPv4Network | None:
    """The range of the region at `index`, or None past the end of `network`.

    10.1/16 for the first region of 10.0.0.0/8: 10.0/16 is left free, for what is nobody's region.
    """
    if network.prefixlen > REGION_PREFIX or index + 1 >= 2 ** (REGION_PREFIX - network.prefixlen):
        return None
    step = 2 ** (32 - REGION_PREFIX)
    return IPv4Network((int(network.network_address) + (index + 1) * step, REGION_PREFIX))


def cut(cidr: IPv4Network) -> Cut:
    """The parts of `cidr`, which may be too small to hold them: then a rule says so."""
    base = int(cidr.network_address)

    def part(third: int, prefix: int) -> IPv4Network:
        return IPv4Network(((base + third * 256) & 0xFFFFFFFF, prefix), strict=False)

    return Cut(
        nodes=part(0, 20),
        balancers=part(16, 24),
        control_plane=part(17, 28),
        services=part(32, 20),
        pods=part(128, 17),
    )
