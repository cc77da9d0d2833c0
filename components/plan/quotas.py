"""Quotas of the clouds that a plan can exceed: their published defaults, and how much of each a stack takes.

A quota that the account or project has had raised is stated in the config (`aws.quotas`, `gcp.quotas`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota: its default, how far it can be raised, and what it counts."""

    default: int | None
    """None: each account's or project's own, so checked only where the config states it."""
    most: int | None
    """None: as far as the cloud's support agrees to."""
    counts: str


AWS_QUOTAS: Mapping[str, Quota] = {
    "peeringsPerVpc": Quota(50, 125, "peerings of one VPC"),
    "rulesPerSecurityGroup": Quota(60, 200, "inbound rules of one security group"),
    "routesPerRouteTable": Quota(50, 1000, "routes of one route table"),
    "vcpusPerRegion": Quota(None, None, "vCPUs of On-Demand Standard instances in one AWS region"),
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
    "vcpusPerRegion": Quota(None, None, "vCPUs in one region of Google Cloud"),
    "peeringsPerNetwork": Quota(25, None, "peerings of one VPC network"),
}
"""Google Cloud VPC quotas (cloud.google.com/vpc/docs/quota), PEERINGS_PER_NETWORK. Most of its other quotas have no
published default: they are the project's own, on its quota page."""

PROPAGATED_ROUTES = 100
"""What BGP may teach a VPC's route table (Amazon VPC quotas): fixed, and past it the session goes down."""

BGP_SESSIONS = 128
"""Of one Cloud Router (cloud.google.com/network-connectivity/docs/router/quotas): fixed."""

EKS_PUBLIC_CIDRS = 40
"""Ranges that may reach one EKS cluster's public endpoint (docs.aws.amazon.com/general/latest/gr/eks.html): fixed."""

GKE_AUTHORIZED_CIDRS = 100
"""Authorized networks of one private GKE cluster (GKE docs, «Authorized networks»): fixed."""

MAX_GKE_PLACE = 40
MAX_EKS_PLACE = 64
"""Places in the list from which regions' VPN addresses can be cut: AWS has only 169.254.0.0/16 for all of them
(`components.network.vpn.numbers`)."""

VPN_ROUTES_PER_REGION = 3
"""What a VPN teaches of a GKE region: the ranges of nodes, pods and load balancers."""

VPN_CONNECTIONS_PER_GATEWAY = 2
"""To one Google Cloud VPN gateway: one per interface, two tunnels in each."""

VPN_SESSIONS_PER_VPC = 4
"""BGP sessions of one Google Cloud VPN gateway with one VPC: one per tunnel."""

EKS_SURGE = 2
"""Hosts beside those of a node group in one zone while it is updated (docs.aws.amazon.com/eks/latest/userguide/
managed-node-update-behavior.html: up to twice the number of its zones)."""

GKE_SURGE = 1
"""Hosts beside those of a node pool while it is updated: its `max_surge`."""
