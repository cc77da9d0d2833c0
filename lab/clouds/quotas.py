"""How much of what the clouds give before one asks for more.

GCP: what `gcloud compute project-info describe` lists for a project of some age; per network and per router, the
documented limits of VPC, Cloud Router and Cloud VPN. AWS: the documented default quotas, but for vCPUs, of which a new
account has 5: no region starts with those. It has what accounts had before that was so.
`LAB_CLOUD_QUOTAS=gcp.networks=30,aws.vpcs-per-region=10` stands for having asked.
"""

from __future__ import annotations

import os

DEFAULTS = {
    "gcp.networks": 15,
    "gcp.subnetworks": 175,
    "gcp.firewalls": 200,
    "gcp.routers": 20,
    "gcp.routers-per-network-and-region": 5,
    "gcp.peerings-per-network": 25,
    "gcp.secondary-ranges-per-subnetwork": 170,
    "gcp.internal-addresses-per-region": 200,
    "gcp.vpn-gateways": 10,
    "gcp.external-vpn-gateways": 10,
    "gcp.vpn-tunnels": 50,
    "gcp.clusters-per-region": 100,
    "aws.vpcs-per-region": 5,
    "aws.subnets-per-vpc": 200,
    "aws.internet-gateways-per-region": 5,
    "aws.elastic-ips-per-region": 5,
    "aws.nat-gateways-per-zone": 5,
    "aws.route-tables-per-vpc": 200,
    "aws.routes-per-table": 500,
    "aws.propagated-routes-per-table": 100,
    "aws.peerings-per-vpc": 50,
    "aws.transit-gateways-per-region": 5,
    "aws.peering-attachments-per-transit-gateway": 50,
    "aws.attachments-per-transit-gateway": 5000,
    "aws.security-groups-per-region": 2500,
    "aws.rules-per-security-group": 60,
    "aws.load-balancers-per-region": 50,
    "aws.target-groups-per-region": 3000,
    "aws.eks-clusters-per-region": 100,
    "aws.node-groups-per-cluster": 30,
    "aws.vcpus-per-region": 1152,
    "aws.roles": 1000,
    "aws.vpn-gateways-per-region": 5,
    "aws.customer-gateways-per-region": 50,
    "aws.vpn-connections-per-region": 50,
    "aws.vpn-connections-per-gateway": 10,
}


def limit(name: str) -> int:
    """The limit `gcp.networks`, as given or as asked for."""
    asked = dict(each.split("=", 1) for each in os.environ.get("LAB_CLOUD_QUOTAS", "").split(",") if "=" in each)
    return int(asked.get(name, DEFAULTS[name]))


def full(name: str, used: int) -> bool:
    """Whether one more would be too many."""
    return used >= limit(name)
