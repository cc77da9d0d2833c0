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


JOIN_HOST = 27
"""The place of the load balancer that new nodes join through: .16.27, and .27 of each zone's balancer subnet on EKS."""


@dataclass(frozen=True, slots=True)
class _Balancers:
    balancers: IPv4Network

    @property
    def dns_address(self) -> IPv4Address:
        """Where the region's DNS answers other regions."""
        return self.balancers[DNS_HOST]

    @property
    def sql_address(self) -> IPv4Address:
        """Where the region takes SQL connections."""
        return self.balancers[SQL_HOST]

    @property
    def join_address(self) -> IPv4Address:
        """Where new nodes join the cluster, for strategies that know no node's address beforehand."""
        return self.balancers[JOIN_HOST]


@dataclass(frozen=True, slots=True)
class Cut(_Balancers):
    """The parts of one region's range."""

    nodes: IPv4Network
    control_plane: IPv4Network
    services: IPv4Network
    pods: IPv4Network


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


MAX_EKS_ZONES = 6
"""Zones that an EKS region's range is cut for."""


@dataclass(frozen=True, slots=True)
class EksZone(_Balancers):
    """The subnets of one availability zone; its network load balancers are in .240.0/26, .240.64/26, ..."""

    private: IPv4Network
    """Hosts and pods: .128.0/20 of the region's range for the first zone, .144.0/20 for the second, and so on."""
    public: IPv4Network
    """NAT gateways: .224.0/24, .225.0/24, ..."""


def eks_vpc(cidr: IPv4Network) -> IPv4Network:
    """The VPC of an EKS region: the upper half of its range. Services stay outside of it, in the lower half."""
    return cut(cidr).pods


def eks_zones(cidr: IPv4Network, count: int) -> tuple[EksZone, ...]:
    """The subnets of an EKS region's first `count` zones, at most `MAX_EKS_ZONES`."""
    base = int(cidr.network_address)

    def part(third: int, fourth: int, prefix: int) -> IPv4Network:
        return IPv4Network(((base + third * 256 + fourth) & 0xFFFFFFFF, prefix), strict=False)

    return tuple(
        EksZone(
            private=part(128 + 16 * zone, 0, 20),
            public=part(224 + zone, 0, 24),
            balancers=part(240, 64 * zone, 26),
        )
        for zone in range(min(count, MAX_EKS_ZONES))
    )


def hosts_per_zone(nodes: int, zones: int) -> tuple[int, ...]:
    """How many machines each zone of a region needs, one CockroachDB node on each: the first zones have more."""
    return tuple(nodes // zones + (1 if zone < nodes % zones else 0) for zone in range(zones))


NODE_HOST = 100
"""Node 0's place in the balancer range, where each node has a load balancer: .16.100."""
EKS_NODE_HOST = 28
"""The same in a zone's balancer subnet on EKS, which DNS_HOST ends."""
EKS_BALANCED_NODES_PER_ZONE = DNS_HOST - EKS_NODE_HOST


def node_balancer_address(cidr: IPv4Network, ordinal: int, eks_zone_count: int | None) -> IPv4Address:
    """Where a load balancer of node `ordinal` alone answers. `eks_zone_count`: None where the platform isn't EKS."""
    if eks_zone_count is None:
        return cut(cidr).balancers[NODE_HOST + ordinal]
    turn, zone = divmod(ordinal, max(eks_zone_count, 1))
    return eks_zones(cidr, max(eks_zone_count, 1))[zone].balancers[EKS_NODE_HOST + turn]
