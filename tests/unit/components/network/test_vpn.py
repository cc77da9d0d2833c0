"""The VPN between the clouds: both ends of every tunnel agree, and what is lost on either side leaves another way."""

from collections import Counter
from ipaddress import IPv4Network
from itertools import product
from typing import Any

import pytest

from components.network.vpn import numbers
from components.network.vpn.cloud_vpn import CloudVpn, CloudVpnArgs
from tests.unit.recording import Recording, record

GCP_CIDRS = ["10.1.0.0/20", "10.1.128.0/17", "10.1.16.0/24", "10.2.0.0/20", "10.2.128.0/17", "10.2.16.0/24"]
GATEWAYS = (("us-east1", 0), ("us-central1", 1))
VPCS = (("us-west-2", 2), ("eu-west-1", 4))
PAIRS = [(gateway, vpc) for (gateway, _), (vpc, _) in product(GATEWAYS, VPCS)]
TUNNELS = [(gateway, vpc, k) for gateway, vpc in PAIRS for k in range(4)]


def vpn_args() -> CloudVpnArgs:
    return {
        "gateways": [
            {"name": name, "location": name, "place": place, "network": "vpc-id", "advertised_cidrs": GCP_CIDRS}
            for name, place in GATEWAYS
        ],
        "vpcs": [
            {
                "name": name,
                "location": name,
                "place": place,
                "vpc_id": f"{name}-vpc-id",
                "route_tables": [f"{name}-table-a", f"{name}-table-b"],
            }
            for name, place in VPCS
        ],
    }


def outputs(args: Any) -> dict[str, Any]:
    if args.typ == "gcp:compute/haVpnGateway:HaVpnGateway":
        return {"vpnInterfaces": [{"id": k, "ipAddress": f"{args.name} interface {k}"} for k in (0, 1)]}
    if args.typ == "aws:ec2/vpnConnection:VpnConnection":
        return {
            **{f"tunnel{k}Address": f"{args.name} address {k}" for k in (1, 2)},
            **{f"tunnel{k}PresharedKey": f"{args.name} key {k}" for k in (1, 2)},
        }
    return {"name": f"{args.name}-1234567"}


def made(*, preview: bool = False) -> Recording:
    return record(
        lambda: CloudVpn("vpn", vpn_args()).sessions, outputs if not preview else lambda _: {}, preview=preview
    )


def test_a_preview_has_the_same_graph_as_an_update() -> None:
    assert made().graph() == made(preview=True).graph()


def test_each_gateway_and_vpc_have_four_tunnels() -> None:
    recording = made()
    assert recording.result == 16
    names = {f"{gateway}-to-{vpc}-{k}" for gateway, vpc, k in TUNNELS}
    for kind in (":VPNTunnel", ":RouterInterface", ":RouterPeer"):
        assert {each.name for each in recording.of(kind)} == names
    assert len(recording.of(":VpnConnection")) == len(recording.of(":CustomerGateway")) == 2 * len(PAIRS)
    assert [each.inputs["redundancyType"] for each in recording.of(":ExternalVpnGateway")] == [
        "FOUR_IPS_REDUNDANCY"
    ] * len(PAIRS)


@pytest.mark.parametrize(("gateway", "vpc"), PAIRS)
def test_amazons_half_calls_both_interfaces_of_googles_gateway(gateway: str, vpc: str) -> None:
    recording = made()
    asn = recording.named(":Router", f"{gateway}-vpn").inputs["bgp"]["asn"]
    for k in (0, 1):
        name = f"{gateway}-to-{vpc}-{k}"
        customer = recording.named(":CustomerGateway", name).inputs
        assert customer["ipAddress"] == f"{gateway}-vpn interface {k}"
        assert customer["bgpAsn"] == str(int(asn))
        assert customer["region"] == vpc
        connection = recording.named(":VpnConnection", name).inputs
        assert connection["customerGatewayId"] == f"{name}-id"
        assert connection["vpnGatewayId"] == f"{vpc}-vpn-id"
        assert connection["type"] == customer["type"] == "ipsec.1"
        assert connection["staticRoutesOnly"] is False
        assert connection["region"] == vpc


@pytest.mark.parametrize(("gateway", "vpc"), PAIRS)
def test_googles_half_is_the_other_end_of_the_same_tunnels(gateway: str, vpc: str) -> None:
    recording = made()
    asn = recording.named(":VpnGateway", f"{vpc}-vpn").inputs["amazonSideAsn"]
    external = recording.named(":ExternalVpnGateway", f"{gateway}-to-{vpc}").inputs["interfaces"]
    for k in range(4):
        name, half, one = f"{gateway}-to-{vpc}-{k}", f"{gateway}-to-{vpc}-{k // 2}", k % 2 + 1
        tunnel = recording.named(":VPNTunnel", name).inputs
        assert tunnel["vpnGateway"] == f"{gateway}-vpn-id"
        assert tunnel["vpnGatewayInterface"] == k // 2
        assert tunnel["peerExternalGateway"] == f"{gateway}-to-{vpc}-id"
        assert external[int(tunnel["peerExternalGatewayInterface"])] == {
            "id": k,
            "ipAddress": f"{half} address {one}",
        }
        assert tunnel["sharedSecret"] == f"{half} key {one}"
        assert tunnel["ikeVersion"] == 2
        range_ = IPv4Network(recording.named(":VpnConnection", half).inputs[f"tunnel{one}InsideCidr"])
        interface = recording.named(":RouterInterface", name).inputs
        peer = recording.named(":RouterPeer", name).inputs
        assert interface["ipRange"] == f"{range_[2]}/30", "the customer has the second address"
        assert interface["vpnTunnel"] == f"{name}-1234567"
        assert (peer["ipAddress"], peer["peerIpAddress"]) == (str(range_[2]), str(range_[1]))
        assert peer["peerAsn"] == int(asn)
        assert peer["interface"] == f"{name}-1234567"
        for each in (tunnel, interface, peer):
            assert each["router"] == f"{gateway}-vpn-1234567"
            assert each["region"] == gateway


def test_keys_are_secrets() -> None:
    recording = made()
    assert recording.of(":VPNTunnel")
    assert not [text for tunnel in recording.of(":VPNTunnel") for text in tunnel.plain_texts() if " key " in text]


def test_every_range_of_googles_network_is_told_of_and_goes_into_every_route_table() -> None:
    recording = made()
    for gateway, _ in GATEWAYS:
        router = recording.named(":Router", f"{gateway}-vpn").inputs
        assert router["network"] == "vpc-id"
        assert router["bgp"]["advertiseMode"] == "CUSTOM"
        assert [each["range"] for each in router["bgp"]["advertisedIpRanges"]] == GCP_CIDRS
    propagated = {
        (each.inputs["vpnGatewayId"], each.inputs["routeTableId"], each.inputs["region"])
        for each in recording.of(":VpnGatewayRoutePropagation")
    }
    assert propagated == {(f"{vpc}-vpn-id", f"{vpc}-table-{zone}", vpc) for vpc, _ in VPCS for zone in "ab"}


def test_each_vpc_has_a_gateway_of_its_own() -> None:
    gateways = {each.name: each.inputs for each in made().of("aws:ec2/vpnGateway:VpnGateway")}
    assert {name: (each["vpcId"], each["region"]) for name, each in gateways.items()} == {
        f"{vpc}-vpn": (f"{vpc}-vpc-id", vpc) for vpc, _ in VPCS
    }


def test_numbers_inside_a_tunnel_are_known_on_a_first_preview() -> None:
    known, unknown = made(), made(preview=True)
    for gateway, vpc, k in TUNNELS:
        name = f"{gateway}-to-{vpc}-{k}"
        for key in ("ipAddress", "peerIpAddress", "peerAsn"):
            planned = unknown.named(":RouterPeer", name).inputs[key]
            assert planned == known.named(":RouterPeer", name).inputs[key]


def test_speakers_of_bgp_all_have_numbers_of_their_own() -> None:
    ours = [numbers.gcp_asn(place) for place in range(numbers.MAX_GATEWAYS)]
    theirs = [numbers.aws_asn(place) for place in range(numbers.MAX_VPCS)]
    assert len({*ours, *theirs}) == len(ours) + len(theirs)
    assert min(ours) >= 64512
    assert max(theirs) <= 65534


def test_no_two_tunnels_share_an_address_and_none_is_amazons_own() -> None:
    reserved = [IPv4Network(f"169.254.{third}.0/30") for third in range(6)] + [IPv4Network("169.254.169.252/30")]
    seen = Counter(
        end.network
        for gateway, vpc in product(range(numbers.MAX_GATEWAYS), range(numbers.MAX_VPCS))
        for end in numbers.inside(gateway, vpc)
    )
    assert set(seen.values()) == {1}
    link_local = IPv4Network("169.254.0.0/16")
    assert all(network.subnet_of(link_local) for network in seen)
    assert not [network for network in reserved if network in seen]


@pytest.mark.parametrize(("gateway", "vpc", "word"), [(40, 0, "gke"), (0, 64, "eks"), (-1, 0, "gke")])
def test_a_place_past_the_last_is_refused(gateway: int, vpc: int, word: str) -> None:
    with pytest.raises(ValueError, match=f"takes {word} regions among the first"):
        numbers.inside(gateway, vpc)
