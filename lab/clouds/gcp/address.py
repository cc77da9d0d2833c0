"""Reserved addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.gcp import base
from lab.clouds.gcp.base import ADDRESS, SUBNETWORK, ComputeKind, resolve
from lab.clouds.kinds import Cloud, Refused, Times, register
from lab.clouds.store import Record

PURPOSES = ("GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP", "VPC_PEERING", "IPSEC_INTERCONNECT", "PRIVATE_SERVICE_CONNECT")


@register
class Address(ComputeKind):
    token = ADDRESS
    collection = "addresses"
    times = Times(create=11, update=5, delete=11)
    replaces = frozenset(
        {
            "address",
            "addressType",
            "description",
            "name",
            "network",
            "networkTier",
            "prefixLength",
            "purpose",
            "subnetwork",
        }
    ) | {"project", "region", "ipVersion"}
    computed = (
        *ComputeKind.computed,
        *("region", "address", "addressId", "creationTimestamp", "labelFingerprint", "effectiveLabels", "pulumiLabels"),
        *("networkTier", "purpose", "subnetwork", "users", "prefixLength"),
    )
    defaults: ClassVar[Mapping[str, Any]] = {"addressType": "EXTERNAL"}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().check(cloud, inputs)
        yield from base.word_problems("addressType", inputs.get("addressType"), ("INTERNAL", "EXTERNAL"))
        yield from base.word_problems("purpose", inputs.get("purpose"), PURPOSES)
        address = inputs.get("address")
        if isinstance(address, str):
            try:
                IPv4Address(address)
            except ValueError as error:
                yield "address", str(error)

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        id, where = self.place(cloud, inputs)
        if inputs["addressType"] != "INTERNAL":
            raise Refused("the lab's cloud has no model of external addresses: addressType must be INTERNAL")
        if not inputs.get("subnetwork"):
            raise base.invalid("subnetwork", "", "An internal address needs a subnetwork.")
        subnetwork = resolve(cloud, SUBNETWORK, inputs["subnetwork"], "subnetwork", where["region"])
        if subnetwork["region"] != where["region"]:
            raise base.invalid("subnetwork", subnetwork.id, f"Subnetwork is not in region {where['region']}.")
        used = len(cloud.state.find(self.token, region=where["region"]))
        if quotas.full("gcp.internal-addresses-per-region", used):
            limit = quotas.limit("gcp.internal-addresses-per-region")
            raise Refused(f"Error 403: QUOTA_EXCEEDED - Quota 'INTERNAL_ADDRESSES' exceeded. Limit: {limit}.0")
        labels = inputs.get("labels", {})
        return id, {
            **where,
            "address": _given(cloud, subnetwork, inputs.get("address")),
            "purpose": inputs.get("purpose", "GCE_ENDPOINT"),
            "subnetwork": subnetwork["selfLink"],
            "networkTier": "",
            "prefixLength": 0,
            "addressId": int(cloud.random(12), 16),
            "creationTimestamp": base.now(),
            "labelFingerprint": "42WmSpB8rSM=",
            "effectiveLabels": labels,
            "pulumiLabels": labels,
            "users": [],
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"subnetwork": record["subnetwork"]}

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["users"]:
            raise Refused(
                f"Error 400: The address resource '{record.id}' is already being used by '{record['users'][0]}', "
                "resourceInUseByAnotherResource"
            )


def _given(cloud: Cloud, subnetwork: Record, wanted: str | None) -> str:
    """The address that was asked for, or the first free one. The first two and last two of a subnetwork are GCP's."""
    ipv4 = IPv4Network(subnetwork["ipCidrRange"])
    taken = {record["address"] for record in cloud.state.find(ADDRESS, subnetwork=subnetwork["selfLink"])}
    taken |= {str(ipv4[place]) for place in (0, 1, -2, -1)}
    if wanted is None:
        free = next((str(each) for each in ipv4 if str(each) not in taken), None)
        if free is None:
            raise Refused(f"Error 400: The IP space of '{subnetwork.id}' is exhausted., IP_SPACE_EXHAUSTED")
        return free
    if IPv4Address(wanted) not in ipv4:
        reason = f"Requested internal IP address is outside the IP range of the subnetwork, {ipv4}."
        raise base.invalid("address", wanted, reason)
    if wanted in taken:
        raise Refused(
            f"Error 400: IP '{wanted}' is already being used by another resource., IP_IN_USE_BY_ANOTHER_RESOURCE"
        )
    return wanted
