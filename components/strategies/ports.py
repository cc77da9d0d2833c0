"""Ports that several strategies open between regions."""

from __future__ import annotations

from ..plan.balancers import API_SERVERS, DNS, JOIN, NODES, PODS
from ..plan.defaults import DNS_PORT, HTTP_PORT, SQL_PORT
from .base import Port, Protocols

POD_PORTS = (
    Port("sql", Protocols.TCP, SQL_PORT, (PODS,)),
    Port("http", Protocols.TCP, HTTP_PORT, (PODS,)),
)
"""Nodes to nodes."""
DNS_PORTS = (
    Port("dns-udp", Protocols.UDP, DNS_PORT, (PODS, NODES), DNS),
    Port("dns-tcp", Protocols.TCP, DNS_PORT, (PODS, NODES), DNS),
)
"""Over both transports: NodeLocal DNSCache asks from its node, by TCP when it likes."""
JOIN_PORTS = (
    Port("join-sql", Protocols.TCP, SQL_PORT, (PODS, NODES), JOIN),
    Port("join-http", Protocols.TCP, HTTP_PORT, (PODS, NODES), JOIN),
)
"""From hosts too, which may stand in for their pods."""
API_PORT = Port("api", Protocols.TCP, 443, (PODS,), API_SERVERS)
"""Where pods watch the other regions' API servers: the port on GKE and EKS; elsewhere, what their URL says."""
