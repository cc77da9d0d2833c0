"""The plan's networks and links are those that the program declares."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from components.plan import plan
from components.plan.model import RegionState
from components.plan.networks import vpn_gateways
from policy.aws import kinds as aws
from policy.gcp import kinds as gcp
from policy.graph import Graph, Resource
from tests.unit.policy.graphs import config, graph

ENDS = {
    gcp.PEERING: ("network", "peerNetwork"),
    aws.PEERING: ("vpcId", "peerVpcId"),
    aws.TRANSIT_PEERING: ("transitGatewayId", "peerTransitGatewayId"),
}
"""Type of a link -> properties that name what it joins."""


@pytest.mark.parametrize("case", ["gke", "eks-transit", "multicloud-peered"])
def test_what_is_planned_is_declared(case: str) -> None:
    planned, declared = plan(config(case))[1], graph(case)
    vpcs = {region(vpc) for vpc in declared.of(gcp.NETWORK, aws.VPC)}
    assert {network.name for network in planned.networks} == vpcs
    by_kind = {
        kind: {frozenset(link.regions) for link in planned.links if link.kind == kind}
        for kind in ("peering", "transit-gateway", "vpn")
    }
    assert by_kind == {
        "peering": joined(declared, declared.of(gcp.PEERING, aws.PEERING)),
        "transit-gateway": joined(declared, declared.of(aws.TRANSIT_PEERING)),
        "vpn": {frozenset(tunnels(declared, each)) for each in declared.of(aws.VPN_CONNECTION)},
    }


def region(resource: Resource) -> str:
    """The region that a VPC, a gateway or a router is called after; `gcp` of the VPC for all."""
    return resource.name.removesuffix("-vpc").removesuffix("-transit").removesuffix("-vpn")


def joined(declared: Graph, found: Iterable[Resource]) -> set[frozenset[str]]:
    return {
        frozenset(
            region(there)
            for end in ENDS[each.type]
            for there in declared.follow(each, end, gcp.NETWORK, aws.VPC, aws.TRANSIT_GATEWAY)
        )
        for each in found
    }


def tunnels(declared: Graph, connection: Resource) -> Iterable[str]:
    """The regions of the gateways at a VPN connection's ends."""
    for far in declared.follow(connection, "customerGatewayId", aws.CUSTOMER_GATEWAY):
        yield from (region(gateway) for gateway in declared.follow(far, "ipAddress", gcp.VPN_GATEWAY))
    yield from (region(gateway) for gateway in declared.follow(connection, "vpnGatewayId", aws.VPN_GATEWAY))


def test_a_lost_regions_gateway_does_not_count() -> None:
    settings, _ = plan(config("gke"))
    first, *others = settings.regions
    lost = [replace(first, state=RegionState.LOST), *others]
    assert [each.name for each in vpn_gateways(settings, settings.regions)] == ["us-east1", "us-central1"]
    assert [each.name for each in vpn_gateways(settings, lost)] == ["us-east1", "us-central1", "us-west1"]
