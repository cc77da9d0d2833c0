"""VPC networks, their subnetworks, and peerings between networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.gcp import base
from lab.clouds.gcp.base import (
    ADDRESS,
    CLUSTER,
    FIREWALL,
    NETWORK,
    PEERING,
    ROUTER,
    SUBNETWORK,
    VPN_GATEWAY,
    ComputeKind,
    ranges_of,
    refuse_while_used,
    resolve,
    subnetworks_of,
)
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import READY, Record

CONNECTED = "[lab]: Connected."
WAITING = "[lab]: Waiting for peer network to connect."


@register
class Network(ComputeKind):
    token = NETWORK
    collection = "networks"
    regional = False
    quota = "gcp.networks"
    times = Times(create=15, update=11, delete=25)
    replaces = frozenset({"name", "autoCreateSubnetworks", "description", "project", "internalIpv6Range", "params"})
    computed = (*ComputeKind.computed, "gatewayIpv4", "networkId")
    defaults: ClassVar[Mapping[str, Any]] = {"autoCreateSubnetworks": True, "routingMode": "REGIONAL", "mtu": 1460}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        yield from base.word_problems("routingMode", inputs.get("routingMode"), ("REGIONAL", "GLOBAL"))
        mtu = inputs.get("mtu")
        if isinstance(mtu, int) and not 1300 <= mtu <= 8896:
            yield "mtu", f"expected mtu to be in the range (1300 - 8896), got {mtu}"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        if inputs["autoCreateSubnetworks"]:
            raise Refused("the lab's cloud has no model of auto mode networks: autoCreateSubnetworks must be false")
        return id, {**where, "networkId": str(int(cloud.random(15), 16)), "gatewayIpv4": ""}

    def delete(self, cloud: Cloud, record: Record) -> None:
        link = record["selfLink"]
        for token in (SUBNETWORK, FIREWALL, ROUTER, VPN_GATEWAY):
            refuse_while_used(record, cloud.state.find(token, network=link))
        refuse_while_used(record, cloud.state.find(PEERING, network=link))


@register
class Subnetwork(ComputeKind):
    token = SUBNETWORK
    collection = "subnetworks"
    quota = "gcp.subnetworks"
    times = Times(create=15, update=15, delete=20)
    replaces = frozenset(
        {
            "name",
            "network",
            "region",
            "project",
            "description",
            "params",
            "ipCidrRange",
            "purpose",
            "reservedInternalRange",
        }
    )
    computed = (
        *ComputeKind.computed,
        *("region", "gatewayAddress", "creationTimestamp", "subnetworkId", "privateIpv6GoogleAccess", "state"),
    )
    defaults: ClassVar[Mapping[str, Any]] = {
        "privateIpGoogleAccess": False,
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
    }

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        yield from base.range_problems("ipCidrRange", inputs.get("ipCidrRange"))
        for index, each in enumerate(_listed(inputs.get("secondaryIpRanges"))):
            yield from base.range_problems(f"secondaryIpRanges[{index}].ipCidrRange", each.get("ipCidrRange"))

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        network = base.network_link(cloud, inputs["network"])
        outputs = {**where, "network": network, "secondaryIpRanges": inputs.get("secondaryIpRanges", [])}
        self._refuse_overlap(cloud, Record(self.token, id, "", inputs, {**inputs, **outputs}))
        return id, {
            **outputs,
            "gatewayAddress": str(IPv4Network(inputs["ipCidrRange"])[1]),
            "creationTimestamp": base.now(),
            "subnetworkId": int(cloud.random(12), 16),
            "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
            "state": "",
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs = {"network": record["network"], "secondaryIpRanges": inputs.get("secondaryIpRanges", [])}
        wanted = Record(self.token, record.id, "", inputs, {**record.outputs, **inputs, **outputs})
        names = {name for name, _ in ranges_of(wanted)}
        for cluster in cloud.state.find(CLUSTER, subnetwork=record.id):
            policy = cluster["ipAllocationPolicy"] or {}
            for used in (policy.get("clusterSecondaryRangeName"), policy.get("servicesSecondaryRangeName")):
                if used and used not in names:
                    raise base.invalid("secondaryIpRanges", used, f"The range is in use by '{cluster.id}'.")
        self._refuse_overlap(cloud, wanted)
        return outputs

    def delete(self, cloud: Cloud, record: Record) -> None:
        refuse_while_used(record, cloud.state.find(CLUSTER, subnetwork=record.id))
        refuse_while_used(record, cloud.state.find(ADDRESS, subnetwork=record["selfLink"]))

    def _refuse_overlap(self, cloud: Cloud, wanted: Record) -> None:
        """No two ranges of a network, nor of networks that are peered with it, may overlap."""
        own = ranges_of(wanted)
        if quotas.full("gcp.secondary-ranges-per-subnetwork", len(own) - 2):
            raise base.invalid("secondaryIpRanges", wanted["name"], "Too many secondary ranges.")
        active = cloud.state.find(PEERING, network=wanted["network"], state="ACTIVE")
        peers = {peering["peerNetwork"] for peering in active}
        others = [
            (f"'{subnetwork.id}'", ipv4)
            for link in (wanted["network"], *sorted(peers))
            for subnetwork in subnetworks_of(cloud.state, link)
            if subnetwork.id != wanted.id
            for _, ipv4 in ranges_of(subnetwork)
        ]
        for index, (name, ipv4) in enumerate(own):
            for where, other in [
                *others,
                *((f"range {name or 'ipCidrRange'!r} of itself", each) for name, each in own[:index]),
            ]:
                if ipv4.overlaps(other):
                    field = "secondaryIpRanges" if name else "ipCidrRange"
                    raise base.invalid(field, ipv4, f"Invalid IPCidrRange: {ipv4} conflicts with {other} of {where}.")


@register
class NetworkPeering(Kind):
    """One direction of a peering; packets cross when both are there."""

    token = PEERING
    times = Times(create=15, update=15, delete=15)
    auto_name = "name"
    replaces = frozenset(
        {"name", "network", "peerNetwork", "exportSubnetRoutesWithPublicIp", "importSubnetRoutesWithPublicIp"}
    )
    computed = ("state", "stateDetails")
    defaults: ClassVar[Mapping[str, Any]] = {
        "exportCustomRoutes": False,
        "importCustomRoutes": False,
        "exportSubnetRoutesWithPublicIp": True,
        "importSubnetRoutesWithPublicIp": False,
        "stackType": "IPV4_ONLY",
    }

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from base.name_problems(inputs.get("name"))

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        network = resolve(cloud, NETWORK, inputs["network"], "network")
        peer = resolve(cloud, NETWORK, inputs["peerNetwork"], "peerNetwork")
        links = network["selfLink"], peer["selfLink"]
        if network.id == peer.id:
            raise base.invalid("peerNetwork", peer.id, "A network can't be peered with itself.")
        _refuse_while_busy(cloud, links)
        if cloud.state.find(self.token, network=links[0], peerNetwork=links[1]):
            raise Refused(f"Error 400: There is already a peering of '{network.id}' with '{peer.id}'., badRequest")
        if quotas.full("gcp.peerings-per-network", len(cloud.state.find(self.token, network=links[0]))):
            limit = quotas.limit("gcp.peerings-per-network")
            raise Refused(f"Error 403: QUOTA_EXCEEDED - Quota 'PEERINGS_PER_NETWORK' exceeded. Limit: {limit}.0")
        theirs = [ipv4 for each in subnetworks_of(cloud.state, links[1]) for _, ipv4 in ranges_of(each)]
        for subnetwork in subnetworks_of(cloud.state, links[0]):
            for _, ipv4 in ranges_of(subnetwork):
                for other in theirs:
                    if ipv4.overlaps(other):
                        raise Refused(
                            f"Error 400: An IP range in the local network ({ipv4}) overlaps with an IP range in the "
                            f"peer network ({other})., badRequest"
                        )
        outputs = {"network": links[0], "peerNetwork": links[1], "state": "INACTIVE", "stateDetails": WAITING}
        return f"{network['name']}/{inputs['name']}", outputs

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        """Active once the other side is there too: then both are."""
        with cloud.transaction() as now:
            other = _other_side(now, record)
            if other is None or other.phase != READY:
                return {"state": "INACTIVE", "stateDetails": WAITING}
            now.state.change(other, state="ACTIVE", stateDetails=CONNECTED)
        return {"state": "ACTIVE", "stateDetails": CONNECTED}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        _refuse_while_busy(cloud, (record["network"], record["peerNetwork"]))
        return {"network": record["network"], "peerNetwork": record["peerNetwork"]}

    def delete(self, cloud: Cloud, record: Record) -> None:
        _refuse_while_busy(cloud, (record["network"], record["peerNetwork"]))

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        with cloud.transaction() as now:
            other = _other_side(now, record)
            if other is not None:
                now.state.change(other, state="INACTIVE", stateDetails="[lab]: Peer network disconnected.")


def _other_side(cloud: Cloud, record: Record) -> Record | None:
    return cloud.state.one(PEERING, network=record["peerNetwork"], peerNetwork=record["network"])


def _refuse_while_busy(cloud: Cloud, links: tuple[str, str]) -> None:
    """GCP carries out one peering operation at a time on a network, and on those that it is peered with."""
    for peering in cloud.state.all(PEERING):
        if peering.busy and {peering["network"], peering["peerNetwork"]} & {*links}:
            raise Refused(
                "Error 400: There is a peering operation in progress on the local or peer network. Try again later., "
                "badRequest"
            )


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
