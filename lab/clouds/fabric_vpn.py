"""VPNs between the clouds: which ends see each other, and what they tell each other by BGP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.clouds.fabric import common, present, unique, words
from lab.clouds.fabric_gcp import hosts_of, subnet_ranges
from lab.clouds.gcp_records import network_of, same
from lab.clouds.store import Record, State


@dataclass(frozen=True, slots=True)
class Link:
    """One tunnel that is up, with a BGP session on it."""

    network: str
    """Key of the GCP network's record."""
    location: str
    """Of the Cloud Router."""
    to_gcp: tuple[str, ...]
    """What the GCP side advertises, as far as it has it."""
    vpn_gateway: str
    """Id of the AWS side's virtual private gateway."""
    to_aws: tuple[str, ...]
    """What the AWS side advertises: its VPC's ranges."""


def links(gcp: State, aws: State, lost: frozenset[str]) -> tuple[Link, ...]:
    """Every tunnel that both ends agree on: keys, outer and inner addresses, AS numbers."""
    return tuple(
        link for tunnel in present(gcp, "gcp:compute/vPNTunnel:VPNTunnel") for link in _up(gcp, aws, tunnel, lost)
    )


def _up(gcp: State, aws: State, tunnel: Record, lost: frozenset[str]) -> Iterator[Link]:
    gateway = _gcp(gcp, "gcp:compute/haVpnGateway:HaVpnGateway", tunnel["vpnGateway"])
    outside = _gcp(gcp, "gcp:compute/externalVpnGateway:ExternalVpnGateway", tunnel["peerExternalGateway"])
    router = _gcp(gcp, "gcp:compute/router:Router", tunnel["router"], tunnel["region"])
    if gateway is None or outside is None or router is None or str(router["region"]).rpartition("/")[2] in lost:
        return
    network = network_of(gcp, router["network"])
    if network is None or network != network_of(gcp, gateway["network"]):
        return
    near = _address(gateway["vpnInterfaces"], tunnel["vpnGatewayInterface"])
    far = _address(outside["interfaces"], tunnel["peerExternalGatewayInterface"])
    for connection in present(aws, "aws:ec2/vpnConnection:VpnConnection"):
        customer = _aws(aws, "aws:ec2/customerGateway:CustomerGateway", connection["customerGatewayId"])
        virtual = _aws(aws, "aws:ec2/vpnGateway:VpnGateway", connection["vpnGatewayId"])
        vpc = _aws(aws, "aws:ec2/vpc:Vpc", _attached(aws, virtual)) if virtual else None
        if customer is None or virtual is None or vpc is None or near is None or customer["ipAddress"] != near:
            continue
        for end in ("tunnel1", "tunnel2"):
            shared = connection[f"{end}PresharedKey"]
            if connection[f"{end}Address"] != far or not shared or shared != tunnel["sharedSecret"]:
                continue
            session = _session(gcp, tunnel, router, connection, end)
            numbers = _number((router["bgp"] or {}).get("asn")) == _number(customer["bgpAsn"])
            if session is None or not numbers or _number(session["peerAsn"]) != _number(virtual["amazonSideAsn"]):
                continue
            told = _advertised(gcp, network, router, session)
            yield Link(network.key, str(router["region"]), told, virtual.id, words([vpc["cidrBlock"]]))


def _session(gcp: State, tunnel: Record, router: Record, connection: Record, end: str) -> Record | None:
    """The BGP peer of a tunnel whose inner addresses are those of the AWS end."""
    for interface in present(gcp, "gcp:compute/routerInterface:RouterInterface"):
        if not same(tunnel, interface["vpnTunnel"]) or not same(router, interface["router"]):
            continue
        inner = str(interface["ipRange"] or "").partition("/")[0]
        if inner != connection[f"{end}CgwInsideAddress"]:
            continue
        for peer in present(gcp, "gcp:compute/routerPeer:RouterPeer"):
            if (
                same(router, peer["router"])
                and same(interface, peer["interface"])
                and peer["peerIpAddress"] == connection[f"{end}VgwInsideAddress"]
                and peer["enable"] is not False
                and peer["ipAddress"] in (None, "", inner)
            ):
                return peer
    return None


def _advertised(gcp: State, network: Record, router: Record, peer: Record) -> tuple[str, ...]:
    """The peer's own list where it has one, else the router's; by default every subnet that the router sees."""
    settings: Mapping[str, Any] = router["bgp"] or {}
    if peer["advertiseMode"] == "CUSTOM":
        settings = peer.outputs
    everything = settings.get("advertiseMode") != "CUSTOM" or "ALL_SUBNETS" in words(settings.get("advertisedGroups"))
    seen = None if network["routingMode"] == "GLOBAL" else router["region"]
    ranges = [each["range"] for each in settings.get("advertisedIpRanges") or ()]
    told = [*(subnet_ranges(gcp, network, seen) if everything else ()), *ranges]
    shared = (common(one, other) for one in told for other in hosts_of(gcp, network))
    return unique(each for each in shared if each)


def _attached(aws: State, gateway: Record) -> str | None:
    for attachment in present(aws, "aws:ec2/vpnGatewayAttachment:VpnGatewayAttachment"):
        if attachment["vpnGatewayId"] == gateway.id:
            return attachment["vpcId"]
    return gateway["vpcId"]


def _gcp(state: State, token: str, reference: Any, region: str | None = None) -> Record | None:
    for record in present(state, token):
        if reference and same(record, reference) and (region is None or same_place(record["region"], region)):
            return record
    return None


def _aws(state: State, token: str, id: Any) -> Record | None:
    return next((record for record in present(state, token) if id and record.id == id), None)


def same_place(one: Any, other: Any) -> bool:
    """Whether two references to a region, names or links, are to the same."""
    return str(one).rpartition("/")[2] == str(other).rpartition("/")[2]


def _address(interfaces: Any, number: Any) -> str | None:
    for position, interface in enumerate(interfaces or ()):
        if _number(interface.get("id", position)) == _number(number):
            return interface.get("ipAddress")
    return None


def _number(value: Any) -> int | None:
    return None if value in (None, "") else int(value)
