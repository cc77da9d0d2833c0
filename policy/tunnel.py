"""Every tunnel between the clouds, and the first thing on its way that keeps it down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface
from typing import Any

from .aws import kinds as aws_kinds
from .findings import Failure
from .gcp import kinds as gcp_kinds
from .graph import Graph, Resource


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel, as far as its chain of resources holds: URNs, empty where a link is missing."""

    urn: str
    gateway: str = ""
    network: str = ""
    location: Any = field(default=None, hash=False)
    router: str = ""
    peer: str = ""
    connection: str = ""
    vpn_gateway: str = ""
    vpc: str = ""
    failure: Failure | None = None
    """Why it is down; None: up."""


def tunnels(graph: Graph) -> list[Tunnel]:
    """All of them. The chain on GCP's side comes first, for it says whose tunnel it is."""
    return [_aws_side(graph, _gcp_side(graph, resource), resource) for resource in graph.of(gcp_kinds.TUNNEL)]


def _down(tunnel: Tunnel, resource: Resource, hop: str, message: str) -> Tunnel:
    """The first reason stays."""
    return (
        tunnel if tunnel.failure else replace(tunnel, failure=Failure(hop, f"{resource.label} {message}", resource.urn))
    )


def _gcp_side(graph: Graph, resource: Resource) -> Tunnel:
    tunnel = Tunnel(resource.urn)
    gateway = _one(graph, resource, "vpnGateway", gcp_kinds.VPN_GATEWAY)
    router = _one(graph, resource, "router", gcp_kinds.ROUTER)
    network = _one(graph, gateway, "network", gcp_kinds.NETWORK) or _one(graph, router, "network", gcp_kinds.NETWORK)
    tunnel = replace(
        tunnel,
        gateway=gateway.urn if gateway else "",
        network=network.urn if network else "",
        router=router.urn if router else "",
        location=resource.get("region") or (gateway.get("region") if gateway else None),
    )
    if gateway is None:
        return _down(tunnel, resource, "VPN gateway", "starts at no HaVpnGateway that is declared here")
    if router is None:
        return _down(tunnel, resource, "Cloud Router", "has no Router that is declared here")
    if network is None or network not in graph.follow(router, "network", gcp_kinds.NETWORK):
        return _down(tunnel, router, "Cloud Router", f"is not in the network of {gateway.label}")
    interfaces = graph.pointing(gcp_kinds.INTERFACE, "vpnTunnel", resource)
    if not any(router in graph.follow(each, "router", gcp_kinds.ROUTER) for each in interfaces):
        return _down(tunnel, resource, "router interface", f"has no RouterInterface on {router.label}; declare one")
    peers = graph.pointing(gcp_kinds.PEER, "interface", interfaces[0])
    if not peers or peers[0].get("enable") is False:
        return _down(tunnel, interfaces[0], "BGP peer", "has no RouterPeer that is on; nothing is learned without one")
    return replace(tunnel, peer=peers[0].urn)


def _aws_side(graph: Graph, tunnel: Tunnel, resource: Resource) -> Tunnel:
    connection = _one(graph, resource, "sharedSecret", aws_kinds.VPN_CONNECTION)
    if connection is None:
        tunnel = replace(tunnel, vpc=_siblings_vpc(graph, resource))
        return _down(tunnel, resource, "VPN connection", "has the shared secret of no VpnConnection declared here")
    gateway = _one(graph, connection, "vpnGatewayId", aws_kinds.VPN_GATEWAY)
    vpc = _vpc(graph, gateway)
    tunnel = replace(
        tunnel,
        connection=connection.urn,
        vpn_gateway=gateway.urn if gateway else "",
        vpc=vpc.urn if vpc else "",
    )
    if gateway is None:
        return _down(tunnel, connection, "VPN gateway", "ends at no VpnGateway that is declared here")
    if vpc is None:
        return _down(tunnel, gateway, "VPN gateway", "is attached to no VPC; set vpcId")
    tunnel = _endpoints(graph, tunnel, resource, connection)
    return _session(graph, tunnel, resource, connection, gateway) if tunnel.failure is None else tunnel


def _endpoints(graph: Graph, tunnel: Tunnel, resource: Resource, connection: Resource) -> Tunnel:
    """Each end must name the other's public address."""
    external = _one(graph, resource, "peerExternalGateway", gcp_kinds.EXTERNAL_GATEWAY)
    if external is None:
        return _down(tunnel, resource, "external gateway", "leads to no ExternalVpnGateway that is declared here")
    place = resource.get("peerExternalGatewayInterface", 0)
    path = f"interfaces.{place}.ipAddress"
    if connection not in graph.follow(external, path, aws_kinds.VPN_CONNECTION):
        return _down(
            tunnel, external, "external gateway", f"has no address of {connection.label} as its interface {place}"
        )
    customer = _one(graph, connection, "customerGatewayId", aws_kinds.CUSTOMER_GATEWAY)
    if customer is None:
        return _down(tunnel, connection, "customer gateway", "leads to no CustomerGateway that is declared here")
    if tunnel.gateway and graph[tunnel.gateway] not in graph.follow(customer, "ipAddress", gcp_kinds.VPN_GATEWAY):
        return _down(
            tunnel, customer, "customer gateway", f"does not have the address of {graph[tunnel.gateway].label}"
        )
    return tunnel


def _session(graph: Graph, tunnel: Tunnel, resource: Resource, connection: Resource, gateway: Resource) -> Tunnel:
    """BGP: both ends must name the other's number and inside address."""
    if not tunnel.peer:
        return tunnel
    peer, router = graph[tunnel.peer], graph[tunnel.router]
    customer = _one(graph, connection, "customerGatewayId", aws_kinds.CUSTOMER_GATEWAY)
    if connection.get("staticRoutesOnly") is True:
        return _down(tunnel, connection, "BGP peer", "has staticRoutesOnly, and no BGP session then")
    if _differ(peer.get("peerAsn"), gateway.get("amazonSideAsn")):
        return _down(
            tunnel,
            peer,
            "BGP peer",
            f"expects AS {peer.get('peerAsn')}; {gateway.label} is {gateway.get('amazonSideAsn')}",
        )
    if customer and _differ(customer.get("bgpAsn"), router.get("bgp.asn")):
        return _down(
            tunnel,
            customer,
            "BGP peer",
            f"expects AS {customer.get('bgpAsn')}; {router.label} is {router.get('bgp.asn')}",
        )
    number = _number(resource, connection, graph)
    if number is None:
        return tunnel
    interface = graph.pointing(gcp_kinds.INTERFACE, "vpnTunnel", resource)[0]
    if _differ(_address(interface.get("ipRange")), connection.get(f"tunnel{number}CgwInsideAddress")):
        return _down(tunnel, interface, "router interface", f"does not have the inside address of {connection.label}")
    if _differ(peer.get("peerIpAddress"), connection.get(f"tunnel{number}VgwInsideAddress")):
        return _down(tunnel, peer, "BGP peer", f"does not dial the inside address of {connection.label}")
    return tunnel


def _number(resource: Resource, connection: Resource, graph: Graph) -> int | None:
    """Which of the connection's two tunnels it is; None where the addresses are not known yet."""
    external = _one(graph, resource, "peerExternalGateway", gcp_kinds.EXTERNAL_GATEWAY)
    place = resource.get("peerExternalGatewayInterface", 0)
    address = external.get(f"interfaces.{place}.ipAddress") if external else None
    for number in (1, 2):
        if isinstance(address, str) and address == connection.get(f"tunnel{number}Address"):
            return number
    return None


def _siblings_vpc(graph: Graph, resource: Resource) -> str:
    """Where the other tunnels to the same external gateway end."""
    external = _one(graph, resource, "peerExternalGateway", gcp_kinds.EXTERNAL_GATEWAY)
    found = graph.follow(external, "interfaces.*.ipAddress", aws_kinds.VPN_CONNECTION) if external else []
    vpcs = [_vpc(graph, _one(graph, each, "vpnGatewayId", aws_kinds.VPN_GATEWAY)) for each in found]
    return next((vpc.urn for vpc in vpcs if vpc), "")


def _vpc(graph: Graph, gateway: Resource | None) -> Resource | None:
    own = _one(graph, gateway, "vpcId", aws_kinds.VPC)
    if own is not None or gateway is None:
        return own
    for attachment in graph.pointing(aws_kinds.VPN_ATTACHMENT, "vpnGatewayId", gateway):
        return _one(graph, attachment, "vpcId", aws_kinds.VPC)
    return None


def _one(graph: Graph, resource: Resource | None, path: str, kind: str) -> Resource | None:
    found = graph.follow(resource, path, kind) if resource is not None else []
    return found[0] if found else None


def _differ(one: Any, other: Any) -> bool:
    """Both known, and not the same: numbers may be texts."""
    return isinstance(one, str | int) and isinstance(other, str | int) and str(one) != str(other)


def _address(text: Any) -> Any:
    return str(IPv4Interface(text).ip) if isinstance(text, str) else text
