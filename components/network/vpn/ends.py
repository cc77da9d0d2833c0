"""The two clouds' ends of a VPN: what there is once, however many tunnels end there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from .numbers import aws_asn, gcp_asn


class VpnGatewayArgs(TypedDict):
    """One end on Google's side."""

    name: str
    """Name of the gke region that it is in."""
    location: str
    """Google's region, such as `us-east1`."""
    place: int
    """The region's place in the stack, from 0: its BGP number and addresses follow from it, so it never changes."""
    network: pulumi.Input[str]
    """Id of its VPC."""
    advertised_cidrs: list[str]
    """Ranges that are reached through it: hosts, pods and load balancers of every region in that VPC."""


class VpnVpcArgs(TypedDict):
    """One end on Amazon's side."""

    name: str
    """Name of the eks region."""
    location: str
    """Amazon's region, such as `us-east-1`."""
    place: int
    """The region's place in the stack, from 0: its BGP number and addresses follow from it, so it never changes."""
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    route_tables: list[pulumi.Input[str]]
    """Ids of the route tables of its hosts, pods and load balancers."""


@dataclass(frozen=True, slots=True)
class GcpEnd:
    """An HA VPN gateway, whose two interfaces have an address each, and the router that speaks BGP for it."""

    name: str
    location: str
    place: int
    asn: int
    gateway: gcp.compute.HaVpnGateway
    router: gcp.compute.Router

    def address(self, interface: int) -> pulumi.Output[str]:
        """Public address of interface 0 or 1."""
        return self.gateway.vpn_interfaces.apply(partial(_address, interface))


@dataclass(frozen=True, slots=True)
class AwsEnd:
    """A Virtual Private Gateway. It serves its own VPC only, not that VPC's peers: so each VPC has one."""

    name: str
    location: str
    place: int
    asn: int
    gateway: aws.ec2.VpnGateway


def gcp_end(args: VpnGatewayArgs, parent: pulumi.Resource) -> GcpEnd:
    """Google's end in one region. Its routes are the whole VPC's, whose routing mode is GLOBAL."""
    child = pulumi.ResourceOptions(parent=parent)
    asn = gcp_asn(args["place"])
    gateway = gcp.compute.HaVpnGateway(
        f"{args['name']}-vpn", network=args["network"], region=args["location"], opts=child
    )
    router = gcp.compute.Router(
        f"{args['name']}-vpn",
        network=args["network"],
        region=args["location"],
        bgp={
            "asn": asn,
            # By itself it would tell of its own region's subnets alone, or of Services' ranges too.
            "advertise_mode": "CUSTOM",
            "advertised_ip_ranges": [{"range": cidr} for cidr in args["advertised_cidrs"]],
        },
        opts=child,
    )
    return GcpEnd(args["name"], args["location"], args["place"], asn, gateway, router)


def aws_end(args: VpnVpcArgs, parent: pulumi.Resource) -> AwsEnd:
    """Amazon's end in one VPC: what it learns by BGP goes into every route table given."""
    child = pulumi.ResourceOptions(parent=parent)
    asn = aws_asn(args["place"])
    name = f"{args['name']}-vpn"
    gateway = aws.ec2.VpnGateway(
        name,
        region=args["location"],
        vpc_id=args["vpc_id"],
        amazon_side_asn=str(asn),
        tags={"Name": name},
        opts=child,
    )
    for index, table in enumerate(args["route_tables"]):
        aws.ec2.VpnGatewayRoutePropagation(
            f"{name}-{index}", region=args["location"], vpn_gateway_id=gateway.id, route_table_id=table, opts=child
        )
    return AwsEnd(args["name"], args["location"], args["place"], asn, gateway)


def _address(interface: int, made: Sequence[gcp.compute.outputs.HaVpnGatewayVpnInterface]) -> str:
    """Interfaces are told apart by their id. Raises RuntimeError where the gateway has no such one."""
    for each in made:
        if (each.id or 0) == interface and each.ip_address:
            return each.ip_address
    raise RuntimeError(f"the VPN gateway has no address on interface {interface}")
