"""What stands between a region's data and a `destroy`, or a region dropped from the config by mistake."""

from collections.abc import Sequence

import pulumi

from components.plan.model import RegionPlan


def guard(region: RegionPlan, *, protect: bool, keeps: Sequence[pulumi.Resource]) -> pulumi.Stash:
    """One value in the state that depends on everything in `keeps`: whatever deletes any of it meets the guard first,
    and a protected guard stops it there, before the first object is touched (a component stands for its objects).

    Objects are not protected one by one because the engine refuses to drop a protected one even where nothing would be
    deleted: a region that is lost could then not leave the state in one `up`. See docs/decisions/0004-guards.md.
    """
    return pulumi.Stash(
        f"{region.name}-guard",
        pulumi.ResourceOptions(protect=protect, depends_on=list(keeps)),
        {"region": region.name, "nodes": [f"{region.namespace}/{node.name}" for node in region.nodes]},
    )
