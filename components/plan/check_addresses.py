"""Stack rules about load balancer addresses: inside their region, free, not reserved, no two alike."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from .check_network import KEPT
from .layout import PLACEHOLDER, REGION_PREFIX, cut
from .model import Platform, Problem, RegionSettings
from .rules import Draft, stack_rule


def _addresses(draft: Draft, path: str, region: RegionSettings) -> Iterator[tuple[str, IPv4Address]]:
    """The region's balancer addresses with their config paths. DNS servers that are there already may be anywhere."""
    if not draft.sound(f"{path}.cidr", "networkCidr") or region.cidr == PLACEHOLDER:
        return
    if draft.sound(f"{path}.dnsAddresses"):
        listed = f"{path}.dnsAddresses" in draft.given
        for index, address in enumerate(region.dns_addresses):
            yield (f"{path}.dnsAddresses[{index}]" if listed else f"{path}.dnsAddresses"), address
    if draft.sound(f"{path}.sqlAddress"):
        yield from ((f"{path}.sqlAddress", address) for address in region.sql_addresses)


def _asked_of_balancer(path: str, region: RegionSettings) -> bool:
    return region.dns_managed or "dnsAddresses" not in path


@stack_rule("address-outside")
def _outside(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        for at, address in _addresses(draft, path, region):
            if at not in draft.given or not _asked_of_balancer(at, region):
                continue
            if address not in region.cidr and address not in region.node_cidr:
                yield Problem(
                    at,
                    f"{address} is outside this region's cidr ({region.cidr}) and nodeCidr ({region.node_cidr}); "
                    "use an address that the region's load balancers can give, or a cidr that covers it",
                )


@stack_rule("address-needed")
def _needed(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        if not draft.sound(path) or f"{path}.nodeCidr" not in draft.given or region.node_cidr.overlaps(region.cidr):
            continue
        for key in ("dnsAddresses", "sqlAddress"):
            if f"{path}.{key}" not in draft.given:
                yield Problem(
                    f"{path}.{key}",
                    f"missing; nodeCidr {region.node_cidr} is outside cidr {region.cidr}, so no address can be cut: "
                    "say which your load balancers can give",
                )


@stack_rule("address-unmanaged")
def _unmanaged(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        if not region.dns_managed and f"{path}.dnsAddresses" not in draft.given and draft.sound(path):
            yield Problem(
                f"{path}.dnsAddresses",
                "missing; with `dnsManaged: false` say which addresses answer for this region's DNS",
            )


@stack_rule("address-taken")
def _taken(draft: Draft) -> Iterator[Problem]:
    """Balancer addresses do not lie where pods, services or the control plane of any region are."""
    holders = [
        (f"{path}.{key}", network)
        for path, region in draft.regions(*KEPT)
        for key, network in (("podCidr", region.pod_cidr), ("serviceCidr", region.service_cidr))
        if draft.sound(f"{path}.{key}", f"{path}.cidr")
    ]
    for path, region in draft.regions(*KEPT):
        if region.platform is Platform.EKS:
            continue  # cut from a VPC that pods share; subnets of their own keep them apart
        for at, address in _addresses(draft, path, region):
            if not _asked_of_balancer(at, region):
                continue
            for holder, network in holders:
                # Services' ranges mean something in their own cluster only.
                if address in network and (holder.startswith(path) or holder.endswith("podCidr")):
                    yield Problem(at, f"{address} is within {holder} ({network}); use a load balancer's address")
            control_plane = cut(region.cidr).control_plane
            if region.cidr.prefixlen <= REGION_PREFIX and address in control_plane:
                yield Problem(
                    at, f"{address} is within the control plane's range ({control_plane}); use another address"
                )


@stack_rule("address-reserved")
def _reserved(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions(*KEPT):
        subnets = [region.node_cidr]
        if region.cidr.prefixlen <= REGION_PREFIX:
            subnets.append(cut(region.cidr).balancers)
        for at, address in _addresses(draft, path, region):
            for subnet in subnets if _asked_of_balancer(at, region) else ():
                uses = {
                    subnet[0]: "network address",
                    subnet[1]: "router",
                    subnet[-1]: "broadcast address",
                }
                if address in uses:
                    yield Problem(
                        at, f"{address} is reserved: the {uses[address]} of {subnet}; use another address in it"
                    )


@stack_rule("address-duplicate")
def _duplicate(draft: Draft) -> Iterator[Problem]:
    """Two addresses that are both cut from `cidr` are alike only where the ranges overlap, which another rule says."""
    seen: dict[IPv4Address, str] = {}
    for path, region in draft.regions(*KEPT):
        for at, address in _addresses(draft, path, region):
            if address in seen and {at, seen[address]} & draft.given:
                yield Problem(at, f"{address} is given at {seen[address]} too; use each address once")
            seen.setdefault(address, at)
