"""Which addresses of a subnet are taken, and by whom AWS says so."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import network
from lab.clouds.aws.names import ec2
from lab.clouds.store import Record, State

FIRST = 4
"""The first four addresses of a subnet, and its last, are AWS's own."""


def taken(state: State, subnet: str) -> Iterator[IPv4Address]:
    """Addresses of NAT gateways and load balancers in a subnet. Hosts' addresses are the lab's to give out."""
    for nat in state.find(tokens.NAT_GATEWAY, subnetId=subnet):
        yield IPv4Address(nat["privateIp"])
    for balancer in state.all(tokens.LOAD_BALANCER):
        for mapping in balancer["subnetMappings"] or ():
            if mapping.get("subnetId") == subnet and mapping.get("privateIpv4Address"):
                yield IPv4Address(mapping["privateIpv4Address"])


def refuse_address(state: State, action: str, subnet: Record, address: str) -> None:
    """Raises Refused where a network interface of that subnet can't have this address."""
    wanted, within = IPv4Address(address), network(subnet)
    if wanted not in within:
        message = f"Address {address} does not fall within the subnet's address range"
        raise ec2(action, "InvalidParameterValue", message)
    if int(wanted) - int(within.network_address) < FIRST or wanted == within.broadcast_address:
        message = f"Address {address} is in subnet's reserved address range"
        raise ec2(action, "InvalidParameterValue", message)
    if wanted in taken(state, subnet.id):
        raise ec2(action, "InvalidIPAddress.InUse", f"Address {address} is in use.")


def free_address(state: State, action: str, subnet: Record) -> str:
    """The last free address of a subnet: the lab's hosts have the first ones. Raises Refused where there is none."""
    within, used = network(subnet), set(taken(state, subnet.id))
    for offset in range(within.num_addresses - 2, FIRST - 1, -1):
        if within[offset] not in used:
            return str(within[offset])
    message = f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the request."
    raise ec2(action, "InsufficientFreeAddressesInSubnet", message)
