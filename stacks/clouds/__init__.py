"""Who makes the regions' clusters and the network between them: one module per platform, imported where it is used.

A platform's `cloud(settings, plan, lock)` declares what its regions share and gives back a `Cloud`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from components.plan.model import AddressPlan, Platform, RegionSettings, Settings
from components.plan.networks import held

if TYPE_CHECKING:
    import pulumi

    from components.platforms import RegionalCluster

MODULES = {Platform.EXISTING: "existing", Platform.GKE: "gcp", Platform.EKS: "aws"}


class Cloud(Protocol):
    """One platform's regions: the network that joins them, and clusters in it."""

    @property
    def joins(self) -> Sequence[pulumi.Resource]:
        """What its regions need to reach each other, and none of them alone."""
        ...

    def cluster(self, region: RegionSettings) -> RegionalCluster:
        """The region's cluster. Waits for no other region's."""
        ...


@dataclass(frozen=True, slots=True)
class Clouds:
    """All platforms of a stack."""

    by_platform: dict[Platform, Cloud]
    joins: Sequence[pulumi.Resource]
    """What regions need to reach each other: whatever runs across regions waits for it, and no region by itself."""

    def cluster(self, region: RegionSettings) -> RegionalCluster:
        """The region's cluster, from its platform."""
        return self.by_platform[region.platform].cluster(region)


def clouds(settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> Clouds:
    """What the stack's regions are made in; a cloud's SDK is imported only where a region is on it."""
    made: dict[Platform, Cloud] = {
        platform: import_module(f".{module}", __package__).cloud(settings, plan, lock)
        for platform, module in MODULES.items()
        if held(settings, platform)
    }
    joins = [resource for cloud in made.values() for resource in cloud.joins]
    if Platform.GKE in made and Platform.EKS in made:
        vpn = import_module(".vpn", __package__)
        joins.append(vpn.connect(settings, made[Platform.GKE], made[Platform.EKS]))
    return Clouds(made, joins)
