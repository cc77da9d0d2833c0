"""Machine types of the clouds: what a type's name says of its size, and which one a region's hosts have."""

from __future__ import annotations

import re

from .layout import hosts_per_zone
from .model import Platform, RegionSettings, Settings

_GKE_TYPE = re.compile(r"[a-z0-9]+-(?P<kind>[a-z]+)-(?P<cpus>[0-9]+)")
_EKS_TYPE = re.compile(r"(?P<kind>[a-z])[a-z0-9-]*\.(?P<times>[0-9]*)x?large")
_GIB_PER_CPU = {
    Platform.GKE: {"highcpu": 2, "standard": 4, "highmem": 8},
    Platform.EKS: {"c": 2, "m": 4, "r": 8},
}
"""GiB of memory per vCPU, at most, by a machine type's kind (the clouds' pages on machine families)."""


def machine(platform: Platform, name: str) -> tuple[int, int | None] | None:
    """vCPUs and at most so much memory in GiB; None for a type whose name does not say."""
    match = (_GKE_TYPE if platform is Platform.GKE else _EKS_TYPE).fullmatch(name)
    if match is None:
        return None
    cpus = int(match["cpus"]) if platform is Platform.GKE else _eks_cpus(name, match["times"])
    ratio = _GIB_PER_CPU[platform].get(match["kind"])
    return cpus, None if ratio is None else cpus * ratio


def _eks_cpus(name: str, times: str) -> int:
    """`large` has 2, `xlarge` 4, and `2xlarge` twice that."""
    return 4 * int(times or 1) if name.endswith("xlarge") else 2


def host_type(settings: Settings, region: RegionSettings) -> str:
    """The type of a region's hosts: its own, else its cloud's. Empty on `existing`."""
    if region.platform is Platform.GKE and settings.gcp is not None:
        return region.machine_type or settings.gcp.machine_type
    if region.platform is Platform.EKS and settings.aws is not None:
        return region.instance_type or settings.aws.instance_type
    return ""


def hosts(region: RegionSettings) -> int:
    """How many a region has on a cloud: on GKE, where a pool's node count is per zone, the fullest zone decides."""
    zones = hosts_per_zone(region.nodes, len(region.zones)) if region.zones else ()
    return max(zones, default=0) * len(zones) if region.platform is Platform.GKE else sum(zones)
