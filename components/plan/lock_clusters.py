"""What clusters that the program made keep of a running stack: where they are, in which zones, on which network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .check_network import KEPT
from .layout import hosts_per_zone
from .model import Platform, Problem, RegionState, Settings
from .rules import show


def made(settings: Settings) -> dict[str, Any]:
    """What clusters that the program made stand on, by config path or region: another value would replace them."""
    places = {
        region.name: region.location
        for region in settings.regions
        if region.platform is not Platform.EXISTING and region.state is not RegionState.REMOVED
    }
    found: dict[str, Any] = {"locations": places} if places else {}
    if settings.gcp is not None:
        found["gcp"] = {"project": settings.gcp.project, "network": str(settings.gcp.network)}
    if settings.aws is not None:
        count = sum(region.platform is Platform.EKS and region.state in KEPT for region in settings.regions)
        found["aws"] = {
            "regions": count,
            "transitGatewayFrom": settings.aws.transit_gateway_from,
            "kubernetesVersion": settings.aws.kubernetes_version,
            "kubernetesVersions": {
                region.name: region.kubernetes_version or settings.aws.kubernetes_version
                for region in settings.regions
                if region.platform is Platform.EKS and region.state in KEPT
            },
        }
    return found


def moved_clusters(before: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    """Clusters are not moved: they would be made anew, and the old ones go with their nodes' data."""
    now = new.get("made", {})
    for index, region in enumerate(new["topology"]["regions"]):
        was, here = (places.get("locations", {}).get(region["name"]) for places in (before, now))
        if was and here and was != here:
            yield Problem(
                f"regions[{index}].location",
                f"{here} would make {region['name']}'s cluster anew, which the running stack has in {was}; "
                "put it back, or add a region with a new name",
            )
    for key, was in before.get("gcp", {}).items():
        here = now.get("gcp", {}).get(key, was)
        if here != was:
            yield Problem(
                f"gcp.{key}",
                f"{here} would make every cluster on gke anew, for which the running stack has {was}; put it back",
            )
    if before.get("aws") and now.get("aws"):
        yield from _joined_otherwise(before["aws"], now["aws"])
        yield from _versions(before["aws"], now["aws"], [region["name"] for region in new["topology"]["regions"]])


def _joined_otherwise(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Problem]:
    """One region more is no reason to take the ways between all others away: that is asked for by itself."""
    least = now["transitGatewayFrom"]
    if was["transitGatewayFrom"] != least or (was["regions"] < least) == (now["regions"] < least):
        return
    before, after = ("peerings", "Transit Gateways") if was["regions"] < least else ("Transit Gateways", "peerings")
    keep = now["regions"] + 1 if before == "peerings" else now["regions"]
    change = was["regions"] if before == "peerings" else was["regions"] + 1
    yield Problem(
        "aws.transitGatewayFrom",
        f"{least} would have {after} take the place of {before} with {now['regions']} regions on eks, which cuts the "
        f"running stack's {was['regions']} from each other for minutes; set it to {keep} to keep {before}, or to "
        f"{change} in an up of its own before",
    )


def _versions(before: Mapping[str, Any], now: Mapping[str, Any], places: Sequence[str]) -> Iterator[Problem]:
    """EKS upgrades a control plane by one minor version, and never takes it back (Amazon EKS user guide, «Update
    existing cluster»)."""
    told: set[str] = set()
    for name, here in now["kubernetesVersions"].items():
        was = before.get("kubernetesVersions", {}).get(name)
        stacks = here == now["kubernetesVersion"]
        path = "aws.kubernetesVersion" if stacks else f"regions[{places.index(name)}].kubernetesVersion"
        if was is None or here is None or path in told:
            continue
        old, new = (int(version.partition(".")[2]) for version in (was, here))
        if new < old:
            told.add(path)
            yield Problem(
                path, f"{here} is older than {was}, which {name} has, and EKS never goes back; put {was} back"
            )
        elif new > old + 1:
            told.add(path)
            yield Problem(
                path,
                f"{here} skips 1.{old + 1}, and EKS upgrades {was}, which {name} has, by one minor version; "
                f"upgrade to 1.{old + 1} first",
            )


def moved_zones(path: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Problem]:
    """Zones of a cluster that the program made: disks stay in theirs, and on EKS its place decides a zone's subnets."""
    before, after = list(was["zones"]), list(now["zones"])
    if now["platform"] == Platform.EXISTING or was["platform"] != now["platform"] or before == after:
        return
    if after[: len(before)] != before:
        yield Problem(
            path,
            f"{text(after)} would move hosts away from their nodes' disks, the running stack has {text(before)}; "
            "put those back in their order, new ones go last",
        )
        return
    nodes = max(len(was["nodes"]), len(now["nodes"]))
    hosts = hosts_per_zone(len(was["nodes"]), len(before)) if before else ()
    spread = hosts_per_zone(len(now["nodes"]), len(after))
    if was["nodes"] and now["nodes"] and any(less < had for had, less in zip(hosts, spread, strict=False)):
        yield Problem(
            path,
            f"{text(after)} would leave {text(before)} fewer hosts than their nodes' disks need; "
            f"set {path.removesuffix('zones')}nodes to {_enough(hosts, len(after), nodes)} or more as well",
        )


def _enough(hosts: Sequence[int], zones: int, least: int) -> int:
    """The fewest nodes that leave each of the first zones as many hosts as it had."""
    count = least
    while any(now < had for had, now in zip(hosts, hosts_per_zone(count, zones), strict=False)):
        count += 1
    return count


def text(value: Any) -> str:
    """A value of the plan's JSON as a message shows it."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else show(value)
