"""One region's part of a VPC: its subnets, its way out, and the addresses that its load balancers will have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import pulumi
import pulumi_gcp as gcp

PODS = "pods"
SERVICES = "services"
"""Names of the nodes subnet's secondary ranges."""


class GcpBalancerArgs(TypedDict):
    """An internal load balancer that the region will have."""

    name: str
    """Part of its addresses' names, and no other's in the region."""
    addresses: list[str]
    """Where it will answer."""
    shared: bool
    """True: a TCP and a UDP forwarding rule share each address."""


class GcpRegionArgs(TypedDict):
    """A region, and the ranges that were planned for it."""

    name: str
    """The region's name in the program, which begins its resources' names."""
    location: str
    """The cloud's region, such as `us-east1`."""
    node_cidr: str
    """Hosts: the nodes subnet's primary range."""
    pod_cidr: str
    """Pods: its secondary range `pods`."""
    service_cidr: str
    """Services: its secondary range `services`."""
    balancer_cidr: str
    """Load balancers: a subnet of their own, so that nothing else can take a planned address."""
    balancers: list[GcpBalancerArgs]
    """The load balancers whose addresses are reserved."""


@dataclass(frozen=True, slots=True)
class GcpRegionNetwork:
    """What a region's cluster stands on."""

    vpn_network: str
    """Names the VPC: the same for every region of a global one."""
    network_id: pulumi.Output[str]
    network_self_link: pulumi.Output[str]
    nodes_subnet: pulumi.Output[str]
    """Id of the subnet for hosts, with the secondary ranges `pods` and `services`."""
    balancers_subnet_name: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]
    """What a cluster waits for, beside its subnet: APIs, firewall rules, NAT, reserved addresses. No peering is among
    them."""


@dataclass(frozen=True, slots=True)
class Subnets:
    """A region's two subnets."""

    nodes: gcp.compute.Subnetwork
    balancers: gcp.compute.Subnetwork


def subnets(region: GcpRegionArgs, network: gcp.compute.Network, opts: pulumi.ResourceOptions) -> Subnets:
    """The region's subnets in `network`, which route to each other and to every other subnet of it."""
    nodes = gcp.compute.Subnetwork(
        f"{region['name']}-nodes",
        network=network.id,
        region=region["location"],
        ip_cidr_range=region["node_cidr"],
        secondary_ip_ranges=[
            {"range_name": PODS, "ip_cidr_range": region["pod_cidr"]},
            {"range_name": SERVICES, "ip_cidr_range": region["service_cidr"]},
        ],
        private_ip_google_access=True,
        opts=opts,
    )
    balancers = gcp.compute.Subnetwork(
        f"{region['name']}-balancers",
        network=network.id,
        region=region["location"],
        ip_cidr_range=region["balancer_cidr"],
        opts=opts,
    )
    return Subnets(nodes, balancers)


def nat(name: str, location: str, network: gcp.compute.Network, opts: pulumi.ResourceOptions) -> gcp.compute.RouterNat:
    """The way out for hosts and pods without a public address: to fetch images. Nothing comes in by it.

    One serves every subnet of `network` in `location`, and GCP refuses a second that would.
    """
    router = gcp.compute.Router(f"{name}-nat", network=network.id, region=location, opts=opts)
    return gcp.compute.RouterNat(
        f"{name}-nat",
        router=router.name,
        region=location,
        nat_ip_allocate_option="AUTO_ONLY",
        source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
        opts=opts,
    )


def addresses(region: GcpRegionArgs, made: Subnets, opts: pulumi.ResourceOptions) -> list[gcp.compute.Address]:
    """The planned addresses, reserved before any load balancer asks for them."""

    return [
        gcp.compute.Address(
            f"{region['name']}-{balancer['name']}" + (f"-{index}" if balancer["shared"] else ""),
            address=address,
            address_type="INTERNAL",
            purpose="SHARED_LOADBALANCER_VIP" if balancer["shared"] else "GCE_ENDPOINT",
            subnetwork=made.balancers.id,
            region=region["location"],
            opts=opts,
        )
        for balancer in region["balancers"]
        for index, address in enumerate(balancer["addresses"])
    ]
