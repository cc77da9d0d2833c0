"""Who makes the regions' clusters and the network between them: one module per platform, imported where it is used.

A platform's `cloud(settings, plan, lock)` declares what its regions share and gives back a `Cloud`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from components.plan.model import AddressPlan, Platform, RegionSettings, RegionState, Settings

if TYPE_CHECKING:
    import pulumi

    from components.platforms import RegionalCluster

HELD = (RegionState.ACTIVE, RegionState.DRAINING, RegionState.LOST)
"""Regions whose cloud resources stay: a lost one's may be the way back, and nothing is asked of them."""

MODULES = {Platform.EXISTING: "existing", Platform.GKE: "gcp", Platform.EKS: "aws"}


class Cloud(Protocol):
    """One platform's regions: the network that joins them, and clusters in it."""

    def cluster(self, region: RegionSettings) -> RegionalCluster:
        """The region's cluster. Waits for no other region's."""
        ...


def held(settings: Settings, platform: Platform) -> list[RegionSettings]:
    """The platform's regions that have a place in its network."""
    return [region for region in settings.regions if region.platform is platform and region.state in HELD]


def clouds(settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> dict[Platform, Cloud]:
    """What the stack's regions are made in; a cloud's SDK is imported only where a region is on it."""
    made: dict[Platform, Cloud] = {
        platform: import_module(f".{module}", __package__).cloud(settings, plan, lock)
        for platform, module in MODULES.items()
        if held(settings, platform)
    }
    if Platform.GKE in made and Platform.EKS in made:
        import_module(".vpn", __package__).connect(settings, made[Platform.GKE], made[Platform.EKS])
    return made
