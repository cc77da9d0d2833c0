"""Who keeps the zone with the nodes' names: servers that the config lists, or the cloud that all regions are on. Pure.

A cloud has a zone for each region, shown to all of the stack's VPCs: rights are given by the zone, so no region's
external-dns may touch another's names, and a region that is removed takes its names along.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...plan.model import Platform, RegionSettings, Settings
from ...plan.rules import RUNNING
from .options import PrivateZoneOptions

SERVICES: Mapping[Platform, str] = {Platform.GKE: "Cloud DNS", Platform.EKS: "Route 53"}
"""Platform -> its cloud's own DNS, which can keep a zone for the stack's VPCs."""

TAKEN: Mapping[Platform, tuple[str, ...]] = {
    Platform.GKE: ("google.internal", "googleapis.com"),
    Platform.EKS: ("ec2.internal", "compute.internal", "amazonaws.com", "amazonaws.com.cn"),
}
"""Names that hosts and pods need of their cloud, which a private zone would hide from the whole VPC."""


def options(found: object) -> PrivateZoneOptions:
    """Raises TypeError for another strategy's."""
    if not isinstance(found, PrivateZoneOptions):
        raise TypeError(f"{type(found).__name__} is not what private-zone reads")
    return found


def platforms(settings: Settings) -> tuple[Platform, ...]:
    """Of the running regions, each once."""
    return tuple(dict.fromkeys(region.platform for region in settings.regions if region.state in RUNNING))


def keeper(settings: Settings) -> Platform | None:
    """Whose cloud keeps the zones; None where servers do, and where nobody can (which validation refuses)."""
    found = platforms(settings)
    if options(settings.strategy_options).servers is not None or len(found) != 1 or found[0] not in SERVICES:
        return None
    return found[0]


def part(region: RegionSettings) -> str:
    """The region's part of the zone; where a cloud keeps it, a zone of its own."""
    return f"{region.name}.{options(region.strategy_options).zone}"
