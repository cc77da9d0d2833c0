"""Routers, NAT, HA VPN and BGP."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clouds.gcp.base import (
    EXTERNAL_GATEWAY,
    ROUTER,
    ROUTER_INTERFACE,
    ROUTER_NAT,
    ROUTER_PEER,
    TUNNEL,
    VPN_GATEWAY,
)
from lab.clouds.kinds import Refused
from lab.clouds.store import Record
from tests.unit.lab.clouds.gcp.places import network
from tests.unit.lab.clouds.world import World

EAST = {"region": "us-east1"}


def router(gcp: World, net: Record, name: str = "vpn", **inputs: Any) -> Record:
    return gcp.create(ROUTER, name, **{"network": net.id, **EAST, "bgp": {"asn": 64512}, **inputs})


def external(gcp: World, name: str = "aws", count: int = 4) -> Record:
    interfaces = [{"id": index, "ipAddress": f"52.0.0.{index + 1}"} for index in range(count)]
    return gcp.create(EXTERNAL_GATEWAY, name, redundancyType="FOUR_IPS_REDUNDANCY", interfaces=interfaces)


class Ends:
    """A gateway, a router and what is at the other end."""

    def __init__(self, gcp: World) -> None:
        self.gcp = gcp
        self.network = network(gcp)
        self.gateway = gcp.create(VPN_GATEWAY, "vpn", network=self.network.id, **EAST)
        self.router = router(gcp, self.network)
        self.external = external(gcp)

    def tunnel(self, number: int = 0, **inputs: Any) -> Record:
        given = {
            "vpnGateway": self.gateway["selfLink"],
            "vpnGatewayInterface": number // 2,
            "peerExternalGateway": self.external["selfLink"],
            "peerExternalGatewayInterface": number,
            "router": self.router["name"],
            "sharedSecret": "s3cret",
            **EAST,
        }
        return self.gcp.create(TUNNEL, f"tunnel-{number}", **{**given, **inputs})

    def interface(self, tunnel: Record, number: int = 0, **inputs: Any) -> Record:
        given = {
            "router": self.router["name"],
            "vpnTunnel": tunnel["name"],
            "ipRange": f"169.254.{number}.2/30",
            **EAST,
        }
        return self.gcp.create(ROUTER_INTERFACE, f"interface-{number}", **{**given, **inputs})

    def peer(self, interface: Record, number: int = 0, /, **inputs: Any) -> Record:
        given = {
            "router": self.router["name"],
            "interface": interface["name"],
            "peerIpAddress": f"169.254.{number}.1",
            "peerAsn": 64600,
            **EAST,
        }
        return self.gcp.create(ROUTER_PEER, f"peer-{number}", **{**given, **inputs})


@pytest.fixture
def ends(gcp: World) -> Ends:
    return Ends(gcp)


def test_gateways_have_two_addresses(ends: Ends) -> None:
    interfaces = ends.gateway["vpnInterfaces"]
    assert [each["id"] for each in interfaces] == [0, 1]
    assert interfaces[0]["ipAddress"] != interfaces[1]["ipAddress"]


def test_four_tunnels(ends: Ends) -> None:
    for number in range(4):
        tunnel = ends.tunnel(number)
        assert tunnel["peerIp"] == f"52.0.0.{number + 1}"
        assert tunnel["router"] == ends.router["selfLink"]
        peer = ends.peer(ends.interface(tunnel, number), number)
        assert peer["ipAddress"] == f"169.254.{number}.2"
        assert peer.id.endswith(f"routers/{ends.router['name']}/{peer['name']}")


def test_what_a_tunnel_needs(ends: Ends) -> None:
    gcp = ends.gcp
    assert [path for path, _ in gcp.check(TUNNEL, "x")[1]] == [
        "sharedSecret",
        "vpnGateway",
        "vpnGatewayInterface",
        "router",
    ]
    with pytest.raises(Refused, match="has no such interface"):
        ends.tunnel(peerExternalGatewayInterface=4)
    with pytest.raises(Refused, match="A gateway has 0 and 1"):
        ends.tunnel(vpnGatewayInterface=2)
    other = router(gcp, network(gcp, "other"), "other")
    with pytest.raises(Refused, match="not in the gateway's network"):
        ends.tunnel(router=other.id)
    with pytest.raises(Refused, match="not in region us-west1"):
        ends.tunnel(region="us-west1", router=ends.router.id)


def test_the_other_end(gcp: World) -> None:
    found = gcp.check(EXTERNAL_GATEWAY, "x", redundancyType="FOUR_IPS_REDUNDANCY", interfaces=[])[1]
    assert found == [("interfaces", "FOUR_IPS_REDUNDANCY needs 4 interfaces, not 0")]
    same = [{"id": index, "ipAddress": "52.0.0.1"} for index in range(4)]
    with pytest.raises(Refused, match="an address of its own"):
        gcp.create(EXTERNAL_GATEWAY, "x", redundancyType="FOUR_IPS_REDUNDANCY", interfaces=same)
    private = [{"id": index, "ipAddress": f"10.0.0.{index}"} for index in range(4)]
    with pytest.raises(Refused, match="A public address is needed"):
        gcp.create(EXTERNAL_GATEWAY, "x", redundancyType="FOUR_IPS_REDUNDANCY", interfaces=private)


def test_interfaces_and_peers(ends: Ends) -> None:
    tunnel, other = ends.tunnel(0), ends.tunnel(1)
    interface = ends.interface(tunnel)
    with pytest.raises(Refused, match="Another interface has it"):
        ends.interface(tunnel, 1)
    with pytest.raises(Refused, match="It overlaps with that of"):
        ends.interface(other, 1, ipRange="169.254.0.1/30")
    with pytest.raises(Refused, match=r"of 169\.254\.0\.0/16 is needed"):
        ends.interface(other, 1, ipRange="10.0.0.1/30")
    with pytest.raises(Refused, match="Not another address of the interface's"):
        ends.peer(interface, peerIpAddress="169.254.0.5")
    with pytest.raises(Refused, match="no such interface"):
        ends.peer(interface, interface="nowhere")
    peer = ends.peer(interface)
    for used in (interface, tunnel, ends.gateway, ends.external, ends.router, ends.network):
        with pytest.raises(Refused, match="resourceInUse"):
            ends.gcp.delete(used)
    for each in (peer, interface, tunnel, other, ends.gateway, ends.external, ends.router, ends.network):
        ends.gcp.delete(each)


def test_bgp(gcp: World) -> None:
    assert gcp.check(ROUTER, "x", network="n", bgp={"asn": 15169})[1][0][0] == "bgp.asn"
    ranges = [{"range": "10.1.0.0/16"}]
    found = gcp.check(ROUTER, "x", network="n", bgp={"asn": 64512, "advertisedIpRanges": ranges})[1]
    assert [path for path, _ in found] == ["bgp.advertisedIpRanges"]
    custom = {"asn": 64512, "advertiseMode": "CUSTOM", "advertisedIpRanges": ranges}
    assert gcp.check(ROUTER, "x", network="n", bgp=custom)[1] == []


def test_routers_of_a_region(gcp: World) -> None:
    net = network(gcp)
    for number in range(5):
        router(gcp, net, f"router-{number}")
    with pytest.raises(Refused, match="At most 5 Cloud Routers"):
        router(gcp, net, "router-5")
    router(gcp, net, "router-6", region="us-west1")


def test_one_nat_for_all_subnetworks(gcp: World) -> None:
    net = network(gcp)
    own, other = router(gcp, net, "one"), router(gcp, net, "two")
    everything = {"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES", "natIpAllocateOption": "AUTO_ONLY"}
    nat = gcp.create(ROUTER_NAT, "nat", router=own["name"], **EAST, **everything)
    assert nat.id == f"my-project/us-east1/{own['name']}/{nat['name']}"
    with pytest.raises(Refused, match="another NAT config"):
        gcp.create(ROUTER_NAT, "nat", router=other["name"], **EAST, **everything)
    with pytest.raises(Refused, match="resourceInUse"):
        gcp.delete(own)
