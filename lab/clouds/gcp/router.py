"""Cloud Routers: what they translate (NAT), and whom they exchange routes with (BGP)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.gcp import base
from lab.clouds.gcp.base import (
    ROUTER,
    ROUTER_INTERFACE,
    ROUTER_NAT,
    ROUTER_PEER,
    TUNNEL,
    ComputeKind,
    refuse_while_used,
    resolve,
)
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record

LINK_LOCAL = IPv4Network("169.254.0.0/16")
PRIVATE_ASNS = (range(64512, 65535), range(4200000000, 4294967295))


@register
class Router(ComputeKind):
    token = ROUTER
    collection = "routers"
    quota = "gcp.routers"
    times = Times(create=11, update=11, delete=11)
    replaces = frozenset({"name", "network", "region", "project", "encryptedInterconnectRouter", "params"})
    computed = (*ComputeKind.computed, "region", "creationTimestamp")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        if "network" not in inputs:
            yield "network", "missing: a router of a VPC network needs it"
        bgp = inputs.get("bgp")
        if isinstance(bgp, Mapping):
            yield from _bgp_problems(bgp)

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        network = base.network_link(cloud, inputs["network"])
        beside = cloud.state.find(self.token, network=network, region=where["region"])
        if quotas.full("gcp.routers-per-network-and-region", len(beside)):
            limit = quotas.limit("gcp.routers-per-network-and-region")
            raise Refused(f"Error 403: At most {limit} Cloud Routers per network and region., limitExceeded")
        return id, {**where, "network": network, "creationTimestamp": base.now()}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"network": record["network"]}

    def delete(self, cloud: Cloud, record: Record) -> None:
        refuse_while_used(record, cloud.state.find(TUNNEL, router=record["selfLink"]))
        for token in (ROUTER_NAT, ROUTER_INTERFACE, ROUTER_PEER):
            parts = cloud.state.find(token, router=record["name"], region=record["region"])
            refuse_while_used(record, parts)


class RouterPart(Kind):
    """What is inside of a router, and named there."""

    auto_name = "name"
    computed = ("project", "region")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from base.name_problems(inputs.get("name"))

    def router(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[Record, dict[str, Any]]:
        """(the router, the outputs that say where this is). Raises Refused."""
        where = {"project": base.project(cloud, inputs), "region": base.region(cloud, inputs)}
        router = resolve(cloud, ROUTER, inputs["router"], "router", where["region"])
        if router["region"] != where["region"]:
            raise base.invalid("router", router.id, f"The router is not in region {where['region']}.")
        return router, {**where, "router": router["name"]}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"router": record["router"]}


@register
class RouterNat(RouterPart):
    token = ROUTER_NAT
    times = Times(create=11, update=11, delete=11)
    replaces = frozenset({"name", "router", "region", "project", "type", "endpointTypes"})
    computed = (*RouterPart.computed, "natIpAllocateOption", "minPortsPerVm", "autoNetworkTier")
    defaults: ClassVar[Mapping[str, Any]] = {"natIpAllocateOption": "AUTO_ONLY", "type": "PUBLIC"}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        words = ("ALL_SUBNETWORKS_ALL_IP_RANGES", "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES", "LIST_OF_SUBNETWORKS")
        field = "sourceSubnetworkIpRangesToNat"
        yield from base.word_problems(field, inputs.get(field), words)
        option = inputs.get("natIpAllocateOption")
        yield from base.word_problems("natIpAllocateOption", option, ("AUTO_ONLY", "MANUAL_ONLY"))
        if option == "MANUAL_ONLY" and not inputs.get("natIps"):
            yield "natIps", "missing: MANUAL_ONLY needs addresses"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        router, where = self.router(cloud, inputs)
        everything = inputs["sourceSubnetworkIpRangesToNat"].startswith("ALL_SUBNETWORKS")
        routers = cloud.state.find(ROUTER, network=router["network"], region=router["region"])
        for other in (nat for each in routers for nat in cloud.state.find(self.token, router=each["name"])):
            if everything and other["region"] == where["region"]:
                raise Refused(
                    "Error 400: Invalid value for field 'resource.nats': another NAT config "
                    f"'{other.id}' of the same network and region has all subnetworks., invalid"
                )
        id = f"{where['project']}/{where['region']}/{where['router']}/{inputs['name']}"
        return id, {**where, "minPortsPerVm": inputs.get("minPortsPerVm", 64), "autoNetworkTier": "PREMIUM"}


@register
class RouterInterface(RouterPart):
    token = ROUTER_INTERFACE
    times = Times(create=11, update=0, delete=11)
    replaces = frozenset({"name", "router", "region", "project", "ipRange", "ipVersion", "vpnTunnel", "subnetwork"}) | {
        "privateIpAddress",
        "redundantInterface",
        "interconnectAttachment",
    }
    computed = (*RouterPart.computed, "ipRange", "ipVersion")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        router, where = self.router(cloud, inputs)
        if not inputs.get("vpnTunnel"):
            raise Refused("the lab's cloud has no model of router interfaces without a VPN tunnel")
        tunnel = resolve(cloud, TUNNEL, inputs["vpnTunnel"], "interfaces.linkedVpnTunnel", where["region"])
        if tunnel["router"] != router["selfLink"]:
            raise base.invalid("interfaces.linkedVpnTunnel", tunnel.id, f"It is a tunnel of '{tunnel['router']}'.")
        outputs = {**where, "vpnTunnel": tunnel["selfLink"], "ipVersion": "IPV4", "ipRange": inputs.get("ipRange", "")}
        beside = cloud.state.find(self.token, router=where["router"], region=where["region"])
        if any(other["vpnTunnel"] == tunnel["selfLink"] for other in beside):
            raise base.invalid("interfaces.linkedVpnTunnel", tunnel.id, "Another interface has it.")
        if outputs["ipRange"]:
            own = IPv4Interface(outputs["ipRange"])
            if own not in LINK_LOCAL or own.network.prefixlen not in (29, 30):
                raise base.invalid("interfaces.ipRange", own, "A /30 or /29 of 169.254.0.0/16 is needed.")
            for other in _interfaces(cloud, router["network"]):
                if other["ipRange"] and IPv4Interface(other["ipRange"]).network.overlaps(own.network):
                    raise base.invalid("interfaces.ipRange", own, f"It overlaps with that of '{other.id}'.")
        return f"{where['region']}/{where['router']}/{inputs['name']}", outputs

    def delete(self, cloud: Cloud, record: Record) -> None:
        peers = cloud.state.find(ROUTER_PEER, router=record["router"], region=record["region"])
        refuse_while_used(record, [peer for peer in peers if peer["interface"] == record["name"]])


@register
class RouterPeer(RouterPart):
    token = ROUTER_PEER
    times = Times(create=11, update=11, delete=11)
    replaces = frozenset({"name", "router", "region", "project", "interface"})
    computed = (*RouterPart.computed, "ipAddress", "peerIpAddress", "managementType", "advertisedRoutePriority")
    defaults: ClassVar[Mapping[str, Any]] = {
        "advertiseMode": "DEFAULT",
        "enable": True,
        "enableIpv4": True,
        "enableIpv6": False,
    }

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        yield from _bgp_problems(inputs, "")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        router, where = self.router(cloud, inputs)
        if not router["bgp"]:
            raise base.invalid("bgpPeers", inputs["name"], f"The router '{router.id}' has no ASN.")
        beside = cloud.state.find(ROUTER_INTERFACE, router=where["router"], region=where["region"])
        interface = next((each for each in beside if each["name"] == inputs["interface"]), None)
        if interface is None:
            raise base.invalid("bgpPeers.interfaceName", inputs["interface"], "The router has no such interface.")
        outputs: dict[str, Any] = {**where, "managementType": "MANAGED_BY_USER", "advertisedRoutePriority": 100}
        if interface["ipRange"]:
            own = IPv4Interface(interface["ipRange"])
            outputs["ipAddress"] = inputs.get("ipAddress", str(own.ip))
            peer = inputs.get("peerIpAddress")
            if not peer or IPv4Address(peer) not in own.network or peer == str(own.ip):
                raise base.invalid(
                    "bgpPeers.peerIpAddress", peer, f"Not another address of the interface's {own.network}."
                )
        elif not inputs.get("peerIpAddress"):
            raise base.invalid("bgpPeers.peerIpAddress", "", "The interface has no range to choose it from.")
        id = f"projects/{where['project']}/regions/{where['region']}/routers/{where['router']}/{inputs['name']}"
        return id, {**outputs, "advertisedRoutePriority": inputs.get("advertisedRoutePriority", 100)}


def _interfaces(cloud: Cloud, network: str) -> Iterator[Record]:
    """Of every router in a network, wherever: their ranges may not overlap."""
    for router in cloud.state.find(ROUTER, network=network):
        yield from cloud.state.find(ROUTER_INTERFACE, router=router["name"], region=router["region"])


def _bgp_problems(bgp: Mapping[str, Any], path: str = "bgp.") -> Iterator[tuple[str, str]]:
    asn = bgp.get("asn")
    if isinstance(asn, int) and not any(asn in private for private in PRIVATE_ASNS):
        yield f"{path}asn", f"expected a private ASN (64512-65534, 4200000000-4294967294), got {asn}"
    mode = bgp.get("advertiseMode")
    yield from base.word_problems(f"{path}advertiseMode", mode, ("DEFAULT", "CUSTOM"))
    given = bgp.get("advertisedIpRanges")
    if isinstance(given, list):
        if given and mode != "CUSTOM":
            yield f"{path}advertisedIpRanges", "can only be given where advertiseMode is CUSTOM"
        for index, each in enumerate(given):
            if isinstance(each, Mapping):
                yield from base.range_problems(f"{path}advertisedIpRanges[{index}].range", each.get("range"))
