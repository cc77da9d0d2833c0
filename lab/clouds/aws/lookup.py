"""Finding a resource that another one names, in its region, or AWS's word on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from lab.clouds.aws import tokens
from lab.clouds.aws.names import ec2
from lab.clouds.kinds import Cloud
from lab.clouds.store import Record, State

NOT_FOUND: Mapping[str, tuple[str, str]] = {
    tokens.VPC: ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    tokens.SUBNET: ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    tokens.INTERNET_GATEWAY: ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{}' does not exist"),
    tokens.EIP: ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    tokens.NAT_GATEWAY: ("InvalidNatGatewayID.NotFound", "The natGateway ID '{}' does not exist"),
    tokens.ROUTE_TABLE: ("InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    tokens.PEERING: ("InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID '{}' does not exist"),
    tokens.SECURITY_GROUP: ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    tokens.TRANSIT_GATEWAY: ("InvalidTransitGatewayID.NotFound", "Transit Gateway {} was deleted or does not exist."),
    tokens.TRANSIT_PEERING: (
        "InvalidTransitGatewayAttachmentID.NotFound",
        "Transit Gateway Attachment {} was deleted or does not exist.",
    ),
    tokens.VPN_GATEWAY: ("InvalidVpnGatewayID.NotFound", "The vpnGateway ID '{}' does not exist"),
    tokens.CUSTOMER_GATEWAY: ("InvalidCustomerGatewayID.NotFound", "The customerGateway ID '{}' does not exist"),
    tokens.PREFIX_LIST: ("InvalidPrefixListID.NotFound", "The prefix list ID '{}' does not exist"),
    tokens.LAUNCH_TEMPLATE: (
        "InvalidLaunchTemplateId.NotFoundException",
        "The specified launch template, with template ID {}, does not exist.",
    ),
}
"""EC2's code and message, by type."""


def the(cloud: Cloud, action: str, token: str, id: str, region: str) -> Record:
    """The resource of that id. Raises Refused where the region has none: every id is of one region."""
    record = cloud.state.get(token, id)
    if record is None or record["region"] != region:
        code, message = NOT_FOUND[token]
        raise ec2(action, code, message.format(id))
    return record


def network(record: Record) -> IPv4Network:
    """The range of a VPC or subnet."""
    return IPv4Network(record["cidrBlock"], strict=False)


def pointing(state: State, id: str, *links: tuple[str, str]) -> Iterator[Record]:
    """Records whose property names `id`, alone or in a list; `links` are types and their properties."""
    for token, property in links:
        for record in state.all(token):
            value = record[property]
            if value == id or (isinstance(value, list) and id in value):
                yield record


def placed(state: State, subnet: str) -> Iterator[Record]:
    """What has a network interface in a subnet, and so keeps it from being deleted."""
    links = (
        (tokens.NAT_GATEWAY, "subnetId"),
        (tokens.NODE_GROUP, "subnetIds"),
        (tokens.TRANSIT_ATTACHMENT, "subnetIds"),
    )
    yield from pointing(state, subnet, *links)
    for record in state.all(tokens.LOAD_BALANCER):
        if any(mapping.get("subnetId") == subnet for mapping in record["subnetMappings"] or ()):
            yield record
    for record in state.all(tokens.CLUSTER):
        if subnet in (record["vpcConfig"] or {}).get("subnetIds", ()):
            yield record


def common(cloud: Cloud, inputs: Mapping[str, Any], region: str, **outputs: Any) -> dict[str, Any]:
    """The outputs that every regional resource has, and its own."""
    return {"region": region, "tagsAll": dict(inputs.get("tags") or {}), **outputs}
