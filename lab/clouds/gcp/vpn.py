"""HA VPN: gateways, what is at the other end, and the tunnels between them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar

from lab.clouds.gcp import base
from lab.clouds.gcp.base import (
    EXTERNAL_GATEWAY,
    ROUTER,
    ROUTER_INTERFACE,
    TUNNEL,
    VPN_GATEWAY,
    ComputeKind,
    refuse_while_used,
    resolve,
)
from lab.clouds.kinds import Cloud, Times, register
from lab.clouds.store import Record

PUBLIC = IPv4Network("35.242.0.0/16")
"""Where the lab's gateways have their public addresses; Google's own are there too."""

INTERFACES = {"SINGLE_IP_INTERNALLY_REDUNDANT": 1, "TWO_IPS_REDUNDANCY": 2, "FOUR_IPS_REDUNDANCY": 4}


@register
class HaVpnGateway(ComputeKind):
    token = VPN_GATEWAY
    collection = "vpnGateways"
    quota = "gcp.vpn-gateways"
    times = Times(create=11, update=5, delete=11)
    replaces = frozenset(
        {
            "name",
            "network",
            "region",
            "project",
            "description",
            "gatewayIpVersion",
            "stackType",
            "vpnInterfaces",
            "params",
        }
    )
    computed = (*ComputeKind.computed, "region", "vpnInterfaces", "labelFingerprint")
    defaults: ClassVar[Mapping[str, Any]] = {"gatewayIpVersion": "IPV4", "stackType": "IPV4_ONLY"}

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        network = base.network_link(cloud, inputs["network"])
        taken = {each["ipAddress"] for other in cloud.state.all(self.token) for each in other["vpnInterfaces"]}
        interfaces: list[dict[str, Any]] = []
        while len(interfaces) < 2:
            address = str(PUBLIC[int(cloud.random(4), 16)])
            if address not in taken:
                taken.add(address)
                interfaces.append({"id": len(interfaces), "ipAddress": address})
        return id, {**where, "network": network, "vpnInterfaces": interfaces, "labelFingerprint": "42WmSpB8rSM="}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"network": record["network"], "vpnInterfaces": record["vpnInterfaces"]}

    def delete(self, cloud: Cloud, record: Record) -> None:
        refuse_while_used(record, cloud.state.find(TUNNEL, vpnGateway=record["selfLink"]))


@register
class ExternalVpnGateway(ComputeKind):
    token = EXTERNAL_GATEWAY
    collection = "externalVpnGateways"
    regional = False
    quota = "gcp.external-vpn-gateways"
    times = Times(create=11, update=5, delete=11)
    replaces = frozenset({"name", "interfaces", "project", "redundancyType", "description", "params"})
    computed = (*ComputeKind.computed, "labelFingerprint")

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        word = inputs.get("redundancyType")
        yield from base.word_problems("redundancyType", word, INTERFACES)
        interfaces = inputs.get("interfaces")
        if word in INTERFACES and isinstance(interfaces, list) and len(interfaces) != INTERFACES[word]:
            yield "interfaces", f"{word} needs {INTERFACES[word]} interfaces, not {len(interfaces)}"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        interfaces = inputs.get("interfaces", [])
        if [each.get("id") for each in interfaces] != list(range(len(interfaces))):
            raise base.invalid("interfaces", interfaces, "Interfaces have the ids 0, 1, ... in order.")
        addresses = [each.get("ipAddress", "") for each in interfaces]
        if len({*addresses}) < len(addresses):
            raise base.invalid("interfaces", addresses, "Each interface needs an address of its own.")
        for address in addresses:
            if IPv4Address(address).is_private:
                raise base.invalid("interfaces.ipAddress", address, "A public address is needed.")
        return id, {**where, "labelFingerprint": "42WmSpB8rSM="}

    def delete(self, cloud: Cloud, record: Record) -> None:
        refuse_while_used(record, cloud.state.find(TUNNEL, peerExternalGateway=record["selfLink"]))


@register
class VpnTunnel(ComputeKind):
    token = TUNNEL
    collection = "vpnTunnels"
    quota = "gcp.vpn-tunnels"
    times = Times(create=20, update=5, delete=15)
    replaces = frozenset(
        {"name", "region", "project", "router", "vpnGateway", "vpnGatewayInterface", "peerExternalGateway"}
    ) | {"peerExternalGatewayInterface", "peerGcpGateway", "peerIp", "sharedSecret", "ikeVersion", "description"}
    computed = (
        *ComputeKind.computed,
        *(
            "region",
            "creationTimestamp",
            "detailedStatus",
            "labelFingerprint",
            "peerIp",
            "sharedSecretHash",
            "tunnelId",
        ),
    )
    secrets = ("sharedSecret",)
    defaults: ClassVar[Mapping[str, Any]] = {"ikeVersion": 2}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        for field in ("sharedSecret", "vpnGateway", "vpnGatewayInterface", "router"):
            if inputs.get(field) is None:
                yield field, "missing: a tunnel of an HA VPN gateway needs it"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        region = where["region"]
        gateway = resolve(cloud, VPN_GATEWAY, inputs["vpnGateway"], "vpnGateway", region)
        router = resolve(cloud, ROUTER, inputs["router"], "router", region)
        for field, each in (("vpnGateway", gateway), ("router", router)):
            if each["region"] != region:
                raise base.invalid(field, each.id, f"It is not in region {region}.")
        if router["network"] != gateway["network"]:
            raise base.invalid("router", router.id, "The router is not in the gateway's network.")
        if inputs["vpnGatewayInterface"] not in (0, 1):
            raise base.invalid("vpnGatewayInterface", inputs["vpnGatewayInterface"], "A gateway has 0 and 1.")
        if not inputs.get("peerExternalGateway"):
            raise base.invalid("peerExternalGateway", "", "The lab's cloud has no model of other ends than this.")
        peer = resolve(cloud, EXTERNAL_GATEWAY, inputs["peerExternalGateway"], "peerExternalGateway")
        wanted = inputs.get("peerExternalGatewayInterface", 0)
        end = next((each for each in peer["interfaces"] or () if each.get("id") == wanted), None)
        if end is None:
            raise base.invalid("peerExternalGatewayInterface", wanted, f"'{peer.id}' has no such interface.")
        return id, {
            **where,
            "router": router["selfLink"],
            "vpnGateway": gateway["selfLink"],
            "peerExternalGateway": peer["selfLink"],
            "peerExternalGatewayInterface": wanted,
            "peerIp": end["ipAddress"],
            "creationTimestamp": base.now(),
            "detailedStatus": "Allocating resources. VPN tunnel will start soon.",
            "labelFingerprint": "42WmSpB8rSM=",
            "sharedSecretHash": hashlib.sha256(inputs["sharedSecret"].encode()).hexdigest()[:28],
            "tunnelId": str(int(cloud.random(15), 16)),
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        kept = ("router", "vpnGateway", "peerExternalGateway", "peerExternalGatewayInterface", "peerIp")
        return {name: record[name] for name in kept}

    def delete(self, cloud: Cloud, record: Record) -> None:
        refuse_while_used(record, cloud.state.find(ROUTER_INTERFACE, vpnTunnel=record["selfLink"]))
