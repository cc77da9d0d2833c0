"""A region's internal load balancers: what each takes, and where."""

from __future__ import annotations

from .defaults import DNS_PORT, HTTP_PORT, SQL_PORT
from .layout import cut, eks_zones, node_balancer_address
from .model import BalancerPlan, BalancerPort, Platform, RegionSettings

PODS = "pods"
NODES = "nodes"
"""What other regions call without a load balancer: the pods, or the hosts."""
API_SERVERS = "api-servers"
"""What they call where they read each other's clusters: the control plane, which is the platform's to open."""

SQL = "sql"
"""For SQL clients and readers of the console. Every region has it, whatever the strategy."""
DNS = "dns"
"""For the other regions' questions about this one's names."""
NODE = "node"
"""For one node alone."""
JOIN = "join"
"""For nodes that look for the cluster: any node of the region will do."""


def balanced(to: str) -> bool:
    """Whether what a port leads to is called by a load balancer: anything but pods, hosts and API servers."""
    return to not in (PODS, NODES, API_SERVERS)


# Node ports are out of Kubernetes' default range of 30000-32767, and fixed, so that target groups are complete before
# any Service exists; UDP and TCP may share a number.
SQL_HEALTH_CHECK_NODE_PORT = 30026
"""Where GKE's load balancers ask a host whether it has a ready CockroachDB node. Fixed, as the firewall must let it in.
"""
NODE_HEALTH_CHECK_NODE_PORT = 30600
"""Of node 0; the others' follow."""
JOIN_HEALTH_CHECK_NODE_PORT = 30027
"""The same for hosts that have a CockroachDB node, ready or not."""
SQL_PORTS = (
    BalancerPort("grpc", "TCP", SQL_PORT, 30257),
    BalancerPort("http", "TCP", HTTP_PORT, 30080),
)
JOIN_PORTS = (
    BalancerPort("grpc", "TCP", SQL_PORT, 30258),
    BalancerPort("http", "TCP", HTTP_PORT, 30081),
)
DNS_PORTS = (
    BalancerPort("dns", "UDP", DNS_PORT, 30053),
    BalancerPort("dns-tcp", "TCP", DNS_PORT, 30053),
)


def sql_balancer(region: RegionSettings) -> BalancerPlan:
    """In front of the region's nodes that are ready."""
    addresses = tuple(map(str, region.sql_addresses))
    return BalancerPlan(SQL, SQL, addresses, SQL_PORTS, health_check_node_port=SQL_HEALTH_CHECK_NODE_PORT)


def dns_balancer(region: RegionSettings) -> BalancerPlan:
    """In front of the cluster's DNS servers."""
    return BalancerPlan(DNS, DNS, tuple(map(str, region.dns_addresses)), DNS_PORTS)


def join_balancer(region: RegionSettings) -> BalancerPlan:
    """In front of all of the region's nodes, ready or not: the first ones join before any is ready."""
    if region.platform is Platform.EKS:
        places = [zone.join_address for zone in eks_zones(region.cidr, len(region.zones))]
    else:
        places = [cut(region.cidr).join_address]
    return BalancerPlan(
        JOIN, JOIN, tuple(map(str, places)), JOIN_PORTS, health_check_node_port=JOIN_HEALTH_CHECK_NODE_PORT
    )


def node_balancer(region: RegionSettings, ordinal: int) -> BalancerPlan:
    """In front of one node, ready or not: others join it before it is ready."""
    zones = len(region.zones) if region.platform is Platform.EKS else None
    return BalancerPlan(
        kind=NODE,
        name=f"{NODE}-{ordinal}",
        addresses=(str(node_balancer_address(region.cidr, ordinal, zones)),),
        ports=(
            BalancerPort("grpc", "TCP", SQL_PORT, 30400 + ordinal),
            BalancerPort("http", "TCP", HTTP_PORT, 30500 + ordinal),
        ),
        pod=f"cockroachdb-{ordinal}",
        health_check_node_port=NODE_HEALTH_CHECK_NODE_PORT + ordinal,
    )
