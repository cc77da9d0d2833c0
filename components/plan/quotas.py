"""Quotas of the clouds that a plan can exceed: their published defaults, and how much of each a stack takes.

A quota that the account or project has had raised is stated in the config (`aws.quotas`, `gcp.quotas`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota: its default, how far it can be raised, and what it counts."""

    default: int
    most: int | None
    """None: as far as the cloud's support agrees to."""
    counts: str


AWS_QUOTAS: Mapping[str, Quota] = {
    "peeringsPerVpc": Quota(50, 125, "peerings of one VPC"),
    "rulesPerSecurityGroup": Quota(60, 200, "inbound rules of one security group"),
    "routesPerRouteTable": Quota(50, 1000, "routes of one route table"),
    "vpcsPerRegion": Quota(5, None, "VPCs in one AWS region"),
    "elasticIpsPerRegion": Quota(5, None, "Elastic IP addresses in one AWS region"),
    "vpnConnectionsPerGateway": Quota(10, None, "VPN connections of one virtual private gateway"),
    "peeringsPerTransitGateway": Quota(50, None, "peerings of one Transit Gateway"),
}
"""Amazon VPC quotas (docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html); the last two are from
Site-to-Site VPN quotas (…/vpn/latest/s2svpn/vpn-limits.html) and Transit Gateway quotas
(…/vpc/latest/tgw/transit-gateway-quotas.html). At most 200 rules, for that quota times the 5 security groups of an
interface cannot exceed 1,000."""

GCP_QUOTAS: Mapping[str, Quota] = {
    "peeringsPerNetwork": Quota(25, None, "peerings of one VPC network"),
}
"""Google Cloud VPC quotas (cloud.google.com/vpc/docs/quota), PEERINGS_PER_NETWORK. Most of its other quotas have no
published default: they are the project's own, on its quota page."""

PROPAGATED_ROUTES = 100
"""What BGP may teach a VPC's route table (Amazon VPC quotas): fixed, and past it the session goes down."""

ROUTERS_PER_REGION = 5
"""Cloud Routers of one network in one Google Cloud region (cloud.google.com/network-connectivity/docs/router/quotas): a
fixed limit. One is for Cloud NAT."""

OWN_RULES = 6
"""Rules of an EKS cluster's security group for its own region: EKS's rule for itself, from the program's load balancers
two for DNS and one each for SQL and the console, and what is spare."""

RULES_PER_RANGE = 3
"""Rules there for each range of another region: SQL, HTTP and ICMP."""

VPN_ROUTES_PER_REGION = 3
"""What a VPN teaches of a GKE region: the ranges of nodes, pods and load balancers."""

VPN_CONNECTIONS_PER_GATEWAY = 2
"""To one Google Cloud VPN gateway: one per interface, two tunnels in each."""
