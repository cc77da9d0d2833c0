"""Site-to-site VPN: virtual private gateways, the customer's gateways, connections of two tunnels each."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.lookup import common, pointing, the
from lab.clouds.aws.names import arn, ec2, identifier, public_address, region_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record

INSIDE = IPv4Network("169.254.0.0/16")
"""Tunnels have a /30 each of the link-local range."""

RESERVED = frozenset(
    IPv4Network(text)
    for text in (
        "169.254.0.0/30",
        "169.254.1.0/30",
        "169.254.2.0/30",
        "169.254.3.0/30",
        "169.254.4.0/30",
        "169.254.5.0/30",
        "169.254.169.252/30",
    )
)
"""What AWS keeps for itself of them."""

KEY = re.compile(r"[1-9A-Za-z._][0-9A-Za-z._]{7,63}")
"""8 to 64 characters, the first of them no zero."""

TUNNELS = (1, 2)


@register
class VpnGateway(Kind):
    """The Amazon side of VPNs, on one VPC: it serves no VPC that is peered with it."""

    token = tokens.VPN_GATEWAY
    times = Times(create=15, update=15, delete=15)
    replaces = frozenset({"amazonSideAsn", "availabilityZone", "region"})
    computed = ("amazonSideAsn", "arn", "vpcId")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region, id = region_of(cloud, inputs), identifier(cloud, "vgw")
        if quotas.full("aws.vpn-gateways-per-region", len(cloud.state.find(self.token, region=region))):
            message = "The maximum number of virtual private gateways has been reached."
            raise ec2("CreateVpnGateway", "VpnGatewayLimitExceeded", message)
        self._attach(cloud, id, inputs, region)
        asn = str(inputs.get("amazonSideAsn") or "64512")
        return id, common(cloud, inputs, region, arn=arn(cloud, "ec2", region, f"vpn-gateway/{id}"), amazonSideAsn=asn)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._attach(cloud, record.id, inputs, record["region"])
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        connections = cloud.state.find(tokens.VPN_CONNECTION, vpnGatewayId=record.id)
        if connections:
            message = f"The virtual private gateway {record.id} is in use by {connections[0].id}"
            raise ec2("DeleteVpnGateway", "IncorrectState", message)

    def _attach(self, cloud: Cloud, id: str, inputs: Mapping[str, Any], region: str) -> None:
        if not inputs.get("vpcId"):
            return
        vpc = the(cloud, "AttachVpnGateway", tokens.VPC, inputs["vpcId"], region)
        if any(other.id != id for other in cloud.state.find(self.token, vpcId=vpc.id)):
            message = "The maximum number of virtual private gateway attachments has been reached."
            raise ec2("AttachVpnGateway", "VpnGatewayAttachmentLimitExceeded", message)


@register
class CustomerGateway(Kind):
    """The far end of VPNs, as AWS knows it: an address and an ASN."""

    token = tokens.CUSTOMER_GATEWAY
    times = Times(create=10, update=1, delete=10)
    replaces = frozenset({"bgpAsn", "bgpAsnExtended", "certificateArn", "deviceName", "ipAddress", "region", "type"})
    computed = ("arn",)

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if isinstance(inputs["type"], str) and inputs["type"] != "ipsec.1":
            yield "type", f'expected type to be one of ["ipsec.1"], got {inputs["type"]}'
        address = inputs.get("ipAddress")
        if isinstance(address, str):
            try:
                IPv4Address(address)
            except AddressValueError:
                yield "ipAddress", f"expected ip_address to contain a valid IPv4 address, got: {address}"
        asn = inputs.get("bgpAsn")
        if isinstance(asn, str) and not (asn.isdigit() and 1 <= int(asn) <= 2**31 - 1):
            yield "bgpAsn", f'"{asn}" must be a number between 1 and 2147483647'

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        address, asn = inputs.get("ipAddress"), inputs.get("bgpAsn") or "65000"
        if not address and not inputs.get("certificateArn"):
            message = "The request must contain the parameter ipAddress or certificateArn"
            raise ec2("CreateCustomerGateway", "MissingParameter", message)
        others = cloud.state.find(self.token, region=region)
        if any(other["ipAddress"] == address and other["bgpAsn"] == asn for other in others):
            message = (
                f"an existing customer gateway for IpAddress: {address}, VpnType: {inputs['type']}, BGP ASN: {asn} "
                "has been found"
            )
            raise ec2("CreateCustomerGateway", "InvalidCustomerGateway.DuplicateIpAddress", message)
        if quotas.full("aws.customer-gateways-per-region", len(others)):
            message = "The maximum number of customer gateways has been reached."
            raise ec2("CreateCustomerGateway", "CustomerGatewayLimitExceeded", message)
        id = identifier(cloud, "cgw")
        place = arn(cloud, "ec2", region, f"customer-gateway/{id}")
        return id, common(cloud, inputs, region, arn=place, bgpAsn=asn)

    def delete(self, cloud: Cloud, record: Record) -> None:
        if cloud.state.find(tokens.VPN_CONNECTION, customerGatewayId=record.id):
            message = f"The customer gateway '{record.id}' is in use."
            raise ec2("DeleteCustomerGateway", "IncorrectState", message)


@register
class VpnConnection(Kind):
    """Two tunnels between a customer gateway and a virtual private gateway or Transit Gateway."""

    token = tokens.VPN_CONNECTION
    times = Times(create=200, update=200, delete=90)
    replaces = frozenset({"outsideIpAddressType", "region", "staticRoutesOnly", "type"})
    computed = (
        "arn",
        "customerGatewayConfiguration",
        "transitGatewayAttachmentId",
        *(
            f"tunnel{n}{word}"
            for n in TUNNELS
            for word in (
                "Address",
                "BgpAsn",
                "BgpHoldtime",
                "CgwInsideAddress",
                "InsideCidr",
                "PresharedKey",
                "VgwInsideAddress",
            )
        ),
    )
    secrets = ("customerGatewayConfiguration", "tunnel1PresharedKey", "tunnel2PresharedKey")
    defaults: ClassVar[Mapping[str, Any]] = {"staticRoutesOnly": False}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if inputs.get("vpnGatewayId") is not None and inputs.get("transitGatewayId") is not None:
            yield "transitGatewayId", '"transit_gateway_id": conflicts with vpn_gateway_id'
        for n in TUNNELS:
            key, cidr = inputs.get(f"tunnel{n}PresharedKey"), inputs.get(f"tunnel{n}InsideCidr")
            if isinstance(key, str) and not KEY.fullmatch(key):
                reason = "can only contain alphanumeric, period and underscore characters, 8 to 64, no leading zero"
                yield f"tunnel{n}PresharedKey", reason
            if isinstance(cidr, str) and not _inside(cidr):
                yield f"tunnel{n}InsideCidr", f"{cidr}: a free /30 of 169.254.0.0/16 is needed"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreateVpnConnection", region_of(cloud, inputs)
        far = the(cloud, action, tokens.CUSTOMER_GATEWAY, inputs["customerGatewayId"], region)
        if quotas.full("aws.vpn-connections-per-region", len(cloud.state.find(self.token, region=region))):
            message = "The maximum number of VPN connections has been reached."
            raise ec2(action, "VpnConnectionLimitExceeded", message)
        near = self._near(cloud, action, inputs, region)
        id = identifier(cloud, "vpn")
        attachment = identifier(cloud, "tgw-attach") if near.token == tokens.TRANSIT_GATEWAY else ""
        tunnels = self._tunnels(cloud, action, inputs, near)
        return id, common(
            cloud,
            inputs,
            region,
            arn=arn(cloud, "ec2", region, f"vpn-connection/{id}"),
            customerGatewayConfiguration=configuration(id, far, near, tunnels),
            routes=[],
            transitGatewayAttachmentId=attachment,
            vgwTelemetries=[],
            **tunnels,
        )

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        the(cloud, "ModifyVpnConnection", tokens.CUSTOMER_GATEWAY, inputs["customerGatewayId"], record["region"])
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def _near(self, cloud: Cloud, action: str, inputs: Mapping[str, Any], region: str) -> Record:
        if inputs.get("transitGatewayId"):
            return the(cloud, action, tokens.TRANSIT_GATEWAY, inputs["transitGatewayId"], region)
        if not inputs.get("vpnGatewayId"):
            message = "The request must contain the parameter vpnGatewayId or transitGatewayId"
            raise ec2(action, "MissingParameter", message)
        near = the(cloud, action, tokens.VPN_GATEWAY, inputs["vpnGatewayId"], region)
        others = cloud.state.find(self.token, vpnGatewayId=near.id)
        if any(other["customerGatewayId"] == inputs["customerGatewayId"] for other in others):
            message = f"A VPN connection between {near.id} and {inputs['customerGatewayId']} already exists"
            raise ec2(action, "InvalidParameterValue", message)
        if quotas.full("aws.vpn-connections-per-gateway", len(others)):
            message = "The maximum number of VPN connections has been reached."
            raise ec2(action, "VpnConnectionLimitExceeded", message)
        return near

    def _tunnels(self, cloud: Cloud, action: str, inputs: Mapping[str, Any], near: Record) -> dict[str, Any]:
        """As the provider numbers tunnels that were not told apart by inputs: by their addresses."""
        links = ((self.token, "vpnGatewayId"), (self.token, "transitGatewayId"))
        used = {other[f"tunnel{n}InsideCidr"] for other in pointing(cloud.state, near.id, *links) for n in TUNNELS}
        found: dict[str, Any] = {}
        for n, address in zip(TUNNELS, sorted((public_address(cloud), public_address(cloud))), strict=True):
            cidr = inputs.get(f"tunnel{n}InsideCidr")
            if cidr in used:
                message = f"The specified tunnel inside cidr range {cidr} is already in use"
                raise ec2(action, "InvalidParameterValue", message)
            inside = IPv4Network(cidr or _free(cloud, used))
            used.add(str(inside))
            found |= {
                f"tunnel{n}Address": address,
                f"tunnel{n}BgpAsn": str(near["amazonSideAsn"]),
                f"tunnel{n}BgpHoldtime": 30,
                f"tunnel{n}CgwInsideAddress": str(inside[2]),
                f"tunnel{n}InsideCidr": str(inside),
                f"tunnel{n}PresharedKey": inputs.get(f"tunnel{n}PresharedKey") or _new_key(),
                f"tunnel{n}VgwInsideAddress": str(inside[1]),
            }
        return found


def _inside(cidr: str) -> bool:
    try:
        network = IPv4Network(cidr)
    except ValueError:
        return False
    return network.prefixlen == 30 and network.subnet_of(INSIDE) and network not in RESERVED


def _free(cloud: Cloud, used: set[str]) -> str:
    while True:
        network = IPv4Network((int(INSIDE.network_address) + int(cloud.random(4), 16) // 4 * 4, 30))
        if network not in RESERVED and str(network) not in used:
            return str(network)


def _new_key() -> str:
    return f"k{secrets.token_hex(16)[:31]}"


def configuration(id: str, far: Record, near: Record, tunnels: Mapping[str, Any]) -> str:
    """What AWS tells the customer's device, in XML, as far as it matters."""

    def side(word: str, outside: str, inside: str, asn: str) -> str:
        return (
            f"<{word}><tunnel_outside_address><ip_address>{outside}</ip_address></tunnel_outside_address>"
            f"<tunnel_inside_address><ip_address>{inside}</ip_address></tunnel_inside_address>"
            f"<bgp><asn>{asn}</asn></bgp></{word}>"
        )

    def parts() -> Iterator[str]:
        for n in TUNNELS:
            own = f"tunnel{n}"
            yield side("customer_gateway", far["ipAddress"], tunnels[f"{own}CgwInsideAddress"], far["bgpAsn"])
            yield side(
                "vpn_gateway", tunnels[f"{own}Address"], tunnels[f"{own}VgwInsideAddress"], near["amazonSideAsn"]
            )
            yield f"<ike><pre_shared_key>{tunnels[f'{own}PresharedKey']}</pre_shared_key></ike>"

    return f'<vpn_connection id="{id}"><ipsec_tunnel>{"".join(parts())}</ipsec_tunnel></vpn_connection>'


@register
class VpnGatewayRoutePropagation(Kind):
    """What a VPC's virtual private gateway learns, in one of the VPC's route tables."""

    token = tokens.ROUTE_PROPAGATION
    times = Times(create=2, delete=2)
    replaces = frozenset({"region", "routeTableId", "vpnGatewayId"})

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "EnableVgwRoutePropagation", region_of(cloud, inputs)
        table = the(cloud, action, tokens.ROUTE_TABLE, inputs["routeTableId"], region)
        gateway = the(cloud, action, tokens.VPN_GATEWAY, inputs["vpnGatewayId"], region)
        if gateway["vpcId"] != table["vpcId"]:
            message = f"resource {gateway.id} is not attached to network {table['vpcId']}"
            raise ec2(action, "Gateway.NotAttached", message)
        id = f"{gateway.id}_{table.id}"
        if cloud.state.get(self.token, id) is not None:
            raise Refused(f"{id}: already exists")
        return id, {"region": region}
