"""Stack rules about what a platform's clusters can be: where they are, in which zones, with which DNS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from ..strategies import known, strategy
from .check_network import KEPT
from .defaults import CLUSTER_DOMAIN, MIN_EKS_ZONES
from .layout import MAX_EKS_ZONES, PLACEHOLDER
from .model import DnsKind, Platform, Problem, RegionSettings
from .parse_region import DNS_KINDS
from .rules import Draft, show, stack_rule

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918."""


@dataclass(frozen=True, slots=True)
class _Naming:
    """How a cloud names its regions and their zones."""

    cloud: str
    region: re.Pattern[str]
    example: str
    between: str
    """What stands between a region and its zone's letter."""
    letters: str

    def zones(self, location: str) -> str:
        return "[" + ", ".join(f"{location}{self.between}{letter}" for letter in self.letters) + "]"


_NAMING = {
    Platform.GKE: _Naming("Google Cloud", re.compile(r"[a-z]+-[a-z]+[0-9]{1,2}"), "us-east1", "-", "bcd"),
    Platform.EKS: _Naming("AWS", re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"), "us-east-1", "", "abc"),
}


def _made(draft: Draft) -> Iterator[tuple[str, RegionSettings]]:
    """Regions whose clusters the program makes, or made: a lost one's network is still there."""
    for path, region in draft.regions(*KEPT):
        if region.platform is not Platform.EXISTING and draft.sound(f"{path}.platform"):
            yield path, region


def _located(draft: Draft, path: str, region: RegionSettings) -> bool:
    key = "location" if f"{path}.location" in draft.given else "name"
    return draft.sound(f"{path}.{key}") and bool(_NAMING[region.platform].region.fullmatch(region.location))


@stack_rule("location-of-platform")
def _location(draft: Draft) -> Iterator[Problem]:
    for path, region in _made(draft):
        naming = _NAMING[region.platform]
        origin = "" if f"{path}.location" in draft.given else " (the region's name, by default)"
        if draft.sound(f"{path}.location", f"{path}.name") and not naming.region.fullmatch(region.location):
            yield Problem(
                f"{path}.location",
                f"{show(region.location)}{origin} is no region of {naming.cloud}; use one such as {naming.example}",
            )


@stack_rule("zones-needed")
def _zones_needed(draft: Draft) -> Iterator[Problem]:
    for path, region in _made(draft):
        if not region.zones and draft.sound(f"{path}.zones"):
            naming = _NAMING[region.platform]
            location = region.location if _located(draft, path, region) else naming.example
            yield Problem(
                f"{path}.zones",
                f"missing; say which zones the hosts are in, such as {naming.zones(location)}",
            )


@stack_rule("zones-of-location")
def _zones_of_location(draft: Draft) -> Iterator[Problem]:
    for path, region in _made(draft):
        if not draft.sound(f"{path}.zones") or not _located(draft, path, region):
            continue
        start = f"{region.location}{_NAMING[region.platform].between}"
        for index, zone in enumerate(region.zones):
            if not re.fullmatch(f"{re.escape(start)}[a-z]", zone):
                yield Problem(
                    f"{path}.zones[{index}]",
                    f"{zone} is no zone of {region.location}; zones there are {start} with a letter, such as {start}b",
                )


@stack_rule("zone-count")
def _zone_count(draft: Draft) -> Iterator[Problem]:
    for path, region in _made(draft):
        count = len(region.zones)
        if region.platform is Platform.EKS and count and not MIN_EKS_ZONES <= count <= MAX_EKS_ZONES:
            yield Problem(
                f"{path}.zones",
                f"{count} {'zone' if count == 1 else 'zones'}, where EKS needs {MIN_EKS_ZONES} and a region's range is "
                f"cut for {MAX_EKS_ZONES}; list {MIN_EKS_ZONES} to {MAX_EKS_ZONES}, three are usual",
            )


@stack_rule("services-private")
def _services_private(draft: Draft) -> Iterator[Problem]:
    """EKS takes a range for Services from RFC 1918 alone (EKS API, `KubernetesNetworkConfigRequest`)."""
    for path, region in _made(draft):
        if region.platform is not Platform.EKS or region.cidr == PLACEHOLDER:
            continue
        at = f"{path}.cidr"
        origin = "" if at in draft.given else " (the default)"
        if draft.sound(at, "networkCidr") and not any(region.service_cidr.subnet_of(private) for private in PRIVATE):
            yield Problem(
                at,
                f"{region.cidr}{origin} is in none of the ranges from which EKS takes those of Services; "
                f"use one of {', '.join(map(str, PRIVATE))}",
            )


@stack_rule("dns-of-platform")
def _dns_of_platform(draft: Draft) -> Iterator[Problem]:
    for path, region in _made(draft):
        kinds = DNS_KINDS[region.platform]
        if region.dns_kind not in kinds and draft.sound(f"{path}.dns.kind"):
            yield Problem(
                f"{path}.dns.kind",
                f"{region.dns_kind} is not what answers DNS on {region.platform}; "
                f"leave it out, or use {' or '.join(str(kind) for kind in kinds if kind is not DnsKind.CLOUD_DNS)}",
            )


@stack_rule("standard-clusters")
def _standard(draft: Draft) -> Iterator[Problem]:
    """Hosts, disks and their zones are planned: Autopilot decides these itself."""
    if draft.settings.gcp is not None and draft.settings.gcp.autopilot and draft.sound("gcp"):
        yield Problem(
            "gcp.autopilot",
            "true is for clusters that choose their machines themselves, and this version plans a host per node; "
            "leave it out, for Standard clusters",
        )


@stack_rule("domain-of-platform")
def _domain_of_platform(draft: Draft) -> Iterator[Problem]:
    for path, region in _made(draft):
        if region.cluster_domain != CLUSTER_DOMAIN and draft.sound(f"{path}.dns.clusterDomain"):
            yield Problem(
                f"{path}.dns.clusterDomain",
                f"{region.cluster_domain} cannot be set on {region.platform}, whose clusters all have "
                f"{CLUSTER_DOMAIN}; leave it out",
            )


@stack_rule("dns-extras-not-here")
def _dns_extras(draft: Draft) -> Iterator[Problem]:
    """Elsewhere a ConfigMap holds other people's entries, and the program leaves them as they are."""
    name = draft.settings.strategy
    if any(region.platform is Platform.EKS for _, region in draft.regions()):
        return
    if not known(name) or strategy(name).owns_dns_text:
        return
    extras = {
        "dns.extraStubDomains": draft.settings.dns.extra_stub_domains,
        "dns.extraServerBlocks": draft.settings.dns.extra_server_blocks,
    }
    for path, given in extras.items():
        if given and draft.sound(path, "regions", "platform"):
            yield Problem(
                path,
                "is for eks, whose whole DNS configuration is the program's; on existing and gke put entries into the "
                "cluster's own ConfigMap, where the program leaves them as they are",
            )
