"""Platform `existing`: clusters and the network between them are there."""

import pulumi

from components.plan.model import AddressPlan, RegionSettings, RegionState, Settings
from components.platforms import RegionalCluster
from components.platforms.existing import ExistingCluster, ExistingClusterArgs


class Existing:
    """Clusters that kubeconfigs name."""

    def __init__(self, lock: pulumi.Resource) -> None:
        self._lock = lock
        self.joins: list[pulumi.Resource] = []

    def cluster(self, region: RegionSettings) -> RegionalCluster:
        """A lost region's entry may leave out what it would take to reach it."""
        args: ExistingClusterArgs = {
            "kubeconfig": region.kubeconfig or "",
            "context": region.context or "",
            "load_balancer_annotations": dict(region.load_balancer.annotations),
            "lost": region.state is RegionState.LOST,
        }
        if region.load_balancer.load_balancer_class is not None:
            args["load_balancer_class"] = region.load_balancer.load_balancer_class
        return ExistingCluster(region.name, args, pulumi.ResourceOptions(depends_on=[self._lock]))


def cloud(settings: Settings, plan: AddressPlan, lock: pulumi.Resource) -> Existing:
    """See `stacks.clouds.Cloud`."""
    return Existing(lock)
