"""Site-to-site VPN."""

from __future__ import annotations

import re
from ipaddress import IPv4Network

import pytest

from lab.clouds.aws import tokens
from lab.clouds.aws.vpn import RESERVED
from lab.clouds.store import Record
from tests.unit.lab.clouds.aws.places import Place, region, undeletable

KINDS = {"type": "ipsec.1"}


def gateway(place: Place) -> Record:
    return place.make(tokens.VPN_GATEWAY, "vpn", vpcId=place.vpc.id, amazonSideAsn="64600")


def customer(place: Place, address: str = "35.242.0.1") -> Record:
    return place.make(tokens.CUSTOMER_GATEWAY, "gcp", bgpAsn="64512", ipAddress=address, **KINDS)


def test_the_ends_of_a_connection(place: Place) -> None:
    near, far = gateway(place), customer(place)
    assert re.fullmatch(r"vgw-[0-9a-f]{17}", near.id) and re.fullmatch(r"cgw-[0-9a-f]{17}", far.id)
    connection = place.make(
        tokens.VPN_CONNECTION,
        "c",
        vpnGatewayId=near.id,
        customerGatewayId=far.id,
        tunnel1InsideCidr="169.254.10.0/30",
        **KINDS,
    )
    assert re.fullmatch(r"vpn-[0-9a-f]{17}", connection.id)
    assert connection["tunnel1CgwInsideAddress"] == "169.254.10.2"
    assert connection["tunnel1VgwInsideAddress"] == "169.254.10.1"
    assert connection["tunnel1BgpAsn"] == "64600" and connection["tunnel1BgpHoldtime"] == 30
    assert connection["tunnel1Address"] < connection["tunnel2Address"]
    assert re.fullmatch(r"[1-9a-z][0-9a-z]{31}", connection["tunnel1PresharedKey"])
    assert connection["tunnel1PresharedKey"] != connection["tunnel2PresharedKey"]
    chosen = IPv4Network(connection["tunnel2InsideCidr"])
    assert chosen.prefixlen == 30 and chosen.subnet_of(IPv4Network("169.254.0.0/16")) and chosen not in RESERVED
    assert connection["tunnel2PresharedKey"] in connection["customerGatewayConfiguration"]
    assert "IncorrectState" in undeletable(place.aws, near)
    assert "IncorrectState" in undeletable(place.aws, far)


def test_what_is_secret() -> None:
    from lab.clouds.kinds import KINDS as MODELS

    assert set(MODELS[tokens.VPN_CONNECTION].secrets) == {
        "customerGatewayConfiguration",
        "tunnel1PresharedKey",
        "tunnel2PresharedKey",
    }


def test_a_vpc_has_one_gateway(place: Place) -> None:
    gateway(place)
    said = place.refused(tokens.VPN_GATEWAY, "second", vpcId=place.vpc.id)
    assert said.endswith(
        "VpnGatewayAttachmentLimitExceeded: The maximum number of virtual private gateway attachments has been reached."
    )


def test_a_customer_gateway_is_there_once(place: Place) -> None:
    customer(place)
    said = place.refused(tokens.CUSTOMER_GATEWAY, "g", bgpAsn="64512", ipAddress="35.242.0.1", **KINDS)
    assert "an existing customer gateway for IpAddress: 35.242.0.1" in said
    for inputs, path in (
        ({"type": "ipsec.2"}, "type"),
        ({**KINDS, "ipAddress": "nowhere"}, "ipAddress"),
        ({**KINDS, "bgpAsn": "0"}, "bgpAsn"),
    ):
        _, problems = place.aws.check(tokens.CUSTOMER_GATEWAY, "g", **inputs)
        assert problems[0][0] == path


@pytest.mark.parametrize("cidr", ["169.254.0.0/30", "169.254.169.252/30", "169.254.10.0/29", "10.0.0.0/30", "x"])
def test_the_inside_of_a_tunnel(place: Place, cidr: str) -> None:
    given = {"customerGatewayId": "cgw-1", "vpnGatewayId": "vgw-1", **KINDS}
    _, problems = place.aws.check(tokens.VPN_CONNECTION, "c", **given, tunnel2InsideCidr=cidr)
    assert problems[0][0] == "tunnel2InsideCidr"


@pytest.mark.parametrize("key", ["short", "0leading-zero", "0123456789", "white space", "x" * 65])
def test_preshared_keys(place: Place, key: str) -> None:
    given = {"customerGatewayId": "cgw-1", "vpnGatewayId": "vgw-1", **KINDS}
    _, problems = place.aws.check(tokens.VPN_CONNECTION, "c", **given, tunnel1PresharedKey=key)
    assert problems[0][0] == "tunnel1PresharedKey"


def test_tunnels_of_a_gateway_differ_inside(place: Place) -> None:
    near, one, two = gateway(place), customer(place), customer(place, "35.242.0.2")
    inside = {"vpnGatewayId": near.id, "tunnel1InsideCidr": "169.254.10.0/30", **KINDS}
    place.make(tokens.VPN_CONNECTION, "c", customerGatewayId=one.id, **inside)
    said = place.refused(tokens.VPN_CONNECTION, "c", customerGatewayId=two.id, **inside)
    assert "169.254.10.0/30 is already in use" in said
    said = place.refused(tokens.VPN_CONNECTION, "c", customerGatewayId=one.id, vpnGatewayId=near.id, **KINDS)
    assert "already exists" in said


def test_connections_are_counted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.vpn-connections-per-gateway=0")
    said = place.refused(
        tokens.VPN_CONNECTION, "c", customerGatewayId=customer(place).id, vpnGatewayId=gateway(place).id, **KINDS
    )
    assert said.endswith("VpnConnectionLimitExceeded: The maximum number of VPN connections has been reached.")


def test_ends_that_are_not_there(place: Place) -> None:
    far = region(place.aws, "eu-west-1", 2)
    near, elsewhere = gateway(place), customer(far)
    said = place.refused(tokens.VPN_CONNECTION, "c", customerGatewayId=elsewhere.id, vpnGatewayId=near.id, **KINDS)
    assert "InvalidCustomerGatewayID.NotFound" in said
    said = place.refused(tokens.VPN_CONNECTION, "c", customerGatewayId=customer(place).id, **KINDS)
    assert "MissingParameter" in said


def test_learned_routes_go_to_tables_of_the_same_network(place: Place) -> None:
    far = region(place.aws, "us-west-2", 2)
    near = gateway(place)
    made = place.make(tokens.ROUTE_PROPAGATION, "p", vpnGatewayId=near.id, routeTableId=place.table.id)
    assert made.id == f"{near.id}_{place.table.id}"
    other = place.make(tokens.VPC, "second", cidrBlock="10.9.0.0/16")
    table = place.make(tokens.ROUTE_TABLE, "t", vpcId=other.id)
    said = place.refused(tokens.ROUTE_PROPAGATION, "p", vpnGatewayId=near.id, routeTableId=table.id)
    assert said.endswith(f"Gateway.NotAttached: resource {near.id} is not attached to network {other.id}")
    said = far.refused(tokens.ROUTE_PROPAGATION, "p", vpnGatewayId=near.id, routeTableId=far.table.id)
    assert "InvalidVpnGatewayID.NotFound" in said


def test_a_connection_to_a_transit_gateway(place: Place) -> None:
    gateway = place.make(tokens.TRANSIT_GATEWAY, "tgw", amazonSideAsn=64620)
    connection = place.make(
        tokens.VPN_CONNECTION, "c", transitGatewayId=gateway.id, customerGatewayId=customer(place).id, **KINDS
    )
    assert re.fullmatch(r"tgw-attach-[0-9a-f]{17}", connection["transitGatewayAttachmentId"])
    assert connection["tunnel2BgpAsn"] == "64620"
    assert "has non-deleted VPN Attachments" in undeletable(place.aws, gateway)
