"""A tunnel between the clouds works where both ends agree on everything."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clouds.store import State
from tests.unit.lab.clouds.fabrics import GKE, add, aws, change, drop, gcp, link, made

ROUTER = "gcp:compute/router:Router"
TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
INTERFACE = "gcp:compute/routerInterface:RouterInterface"
PEER = "gcp:compute/routerPeer:RouterPeer"
CONNECTION = "aws:ec2/vpnConnection:VpnConnection"
PLACE = "projects/p/regions/us-east1"
HERE = ("10.1.0.0/20", "10.1.128.0/17", "10.1.16.0/24")


def joined(*, peered: bool = False) -> tuple[State, State]:
    """One tunnel between us-east1's network and us-east-1's VPC; both private tables there learn by it."""
    google, amazon = gcp(peered=peered), aws()
    network = link("us-east1" if peered else "net")
    ranges = [{"range": each} for each in (*HERE, "10.2.0.0/20", "10.2.128.0/17")]
    add(
        google,
        ROUTER,
        f"{PLACE}/routers/vpn",
        name="vpn",
        region="us-east1",
        network=network,
        bgp={"asn": 64512, "advertiseMode": "CUSTOM", "advertisedIpRanges": ranges},
    )
    interfaces: list[dict[str, Any]] = [{"id": 0, "ipAddress": "34.1.1.1"}, {"id": 1, "ipAddress": "34.1.1.2"}]
    gateway = {"name": "ha", "network": network, "region": "us-east1", "vpnInterfaces": interfaces}
    add(google, "gcp:compute/haVpnGateway:HaVpnGateway", f"{PLACE}/vpnGateways/ha", **gateway)
    far = [{"id": n, "ipAddress": f"52.1.1.{n}"} for n in range(4)]
    external = "projects/p/global/externalVpnGateways/aws"
    add(google, "gcp:compute/externalVpnGateway:ExternalVpnGateway", external, name="aws", interfaces=far)
    add(
        google,
        TUNNEL,
        f"{PLACE}/vpnTunnels/t0",
        name="t0",
        region="us-east1",
        vpnGateway=f"{PLACE}/vpnGateways/ha",
        vpnGatewayInterface=0,
        peerExternalGateway=external,
        peerExternalGatewayInterface=0,
        sharedSecret="s3cret",
        router="vpn",
    )
    inner = {"name": "if0", "router": "vpn", "region": "us-east1", "ipRange": "169.254.7.2/30", "vpnTunnel": "t0"}
    add(google, INTERFACE, "us-east1/vpn/if0", **inner)
    peer = {"name": "peer0", "router": "vpn", "interface": "if0", "peerIpAddress": "169.254.7.1", "peerAsn": 64600}
    add(google, PEER, f"{PLACE}/routers/vpn/peer0", **peer)
    add(amazon, "aws:ec2/vpnGateway:VpnGateway", "vgw-3", vpcId="vpc-3", amazonSideAsn="64600")
    add(amazon, "aws:ec2/customerGateway:CustomerGateway", "cgw-0", ipAddress="34.1.1.1", bgpAsn="64512")
    add(
        amazon,
        CONNECTION,
        "vpn-0",
        customerGatewayId="cgw-0",
        vpnGatewayId="vgw-3",
        tunnel1Address="52.1.1.0",
        tunnel1PresharedKey="s3cret",
        tunnel1CgwInsideAddress="169.254.7.2",
        tunnel1VgwInsideAddress="169.254.7.1",
        tunnel2Address="52.1.1.1",
        tunnel2PresharedKey="other",
    )
    for k in (0, 1):
        propagation = {"vpnGatewayId": "vgw-3", "routeTableId": f"rtb-3{k}"}
        token = "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"
        add(amazon, token, f"vgw-3_rtb-3{k}", **propagation)
    return google, amazon


def reach(google: State, amazon: State, lost: frozenset[str] = frozenset()) -> tuple[set[str], set[str]]:
    """What us-east1 has of the VPC, and what the VPC's first private subnet has of GCP."""
    fabric = made(google, amazon, lost)
    east = {each for each in fabric[f"{GKE[0]}-c"].tables[0].remote if each.startswith("10.3")}
    table = next(table for table in fabric["eks-3"].tables if table.name == "rtb-30")
    return east, {each for each in table.remote if not each.startswith("10.4")}


def test_a_tunnel_carries_both_ways_to_every_region_of_the_network() -> None:
    google, amazon = joined()
    assert reach(google, amazon) == ({"10.3.128.0/17"}, {*HERE, "10.2.0.0/20", "10.2.128.0/17"})
    assert "10.3.128.0/17" in made(google, amazon)["us-west1-c"].tables[0].remote


def test_a_network_that_routes_by_region_learns_in_the_routers_alone() -> None:
    google, amazon = joined()
    change(google, "gcp:compute/network:Network", "projects/p/global/networks/net", routingMode="REGIONAL")
    assert reach(google, amazon)[0] == {"10.3.128.0/17"}
    assert "10.3.128.0/17" not in made(google, amazon)["us-west1-c"].tables[0].remote


@pytest.mark.parametrize(
    ("token", "id", "wrong"),
    [
        (TUNNEL, f"{PLACE}/vpnTunnels/t0", {"sharedSecret": "guessed"}),
        (TUNNEL, f"{PLACE}/vpnTunnels/t0", {"vpnGatewayInterface": 1}),
        (TUNNEL, f"{PLACE}/vpnTunnels/t0", {"peerExternalGatewayInterface": 3}),
        (INTERFACE, "us-east1/vpn/if0", {"ipRange": "169.254.9.2/30"}),
        (INTERFACE, "us-east1/vpn/if0", {"vpnTunnel": "t1"}),
        (PEER, f"{PLACE}/routers/vpn/peer0", {"peerAsn": 64601}),
        (PEER, f"{PLACE}/routers/vpn/peer0", {"peerIpAddress": "169.254.7.3"}),
        (PEER, f"{PLACE}/routers/vpn/peer0", {"enable": False}),
        (ROUTER, f"{PLACE}/routers/vpn", {"bgp": {"asn": 64513, "advertiseMode": "DEFAULT"}}),
    ],
)
def test_ends_that_disagree_carry_nothing(token: str, id: str, wrong: dict[str, Any]) -> None:
    google, amazon = joined()
    change(google, token, id, **wrong)
    assert reach(google, amazon) == (set(), set())


def test_a_lost_region_takes_its_gateway_with_it() -> None:
    assert reach(*joined(), frozenset({"us-east1"})) == (set(), set())


def test_what_is_not_advertised_is_not_learned() -> None:
    google, amazon = joined()
    bgp = {"asn": 64512, "advertiseMode": "CUSTOM", "advertisedIpRanges": [{"range": "10.1.0.0/20"}]}
    change(google, ROUTER, f"{PLACE}/routers/vpn", bgp=bgp)
    assert reach(google, amazon) == ({"10.3.128.0/17"}, {"10.1.0.0/20"})


def test_a_table_without_propagation_learns_nothing() -> None:
    google, amazon = joined()
    drop(amazon, "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation", "vgw-3_rtb-30")
    assert reach(google, amazon)[1] == set()


def test_a_peered_network_needs_the_custom_routes_exchanged() -> None:
    """Packets to it get there; its answers find their way only by routes that it imports."""
    google, amazon = joined(peered=True)
    west = "us-west1-c"
    assert reach(google, amazon)[1] == {*HERE, "10.2.0.0/20", "10.2.128.0/17"}
    assert "10.3.128.0/17" not in made(google, amazon)[west].tables[0].remote
    peering = "gcp:compute/networkPeering:NetworkPeering"
    change(google, peering, "us-east1/to-us-west1", exportCustomRoutes=True)
    change(google, peering, "us-west1/to-us-east1", importCustomRoutes=True)
    assert "10.3.128.0/17" in made(google, amazon)[west].tables[0].remote
