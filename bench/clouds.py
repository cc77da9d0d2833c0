"""The same with clusters and networks made in a cloud: `up` from nothing on providers that only take their time.

Clouds are slow, so every modelled duration is divided by a scale. What the engine itself takes is not, and so weighs
`scale` times more here than on a real cloud: the makespan that is compared with the critical path is too long, not too
short.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import durations, graph, stack
from .engine import Workspace
from .latency import Server
from .modelled import NO_CHECKPOINTS, shown

PLATFORMS = ("gke", "eks")
SCALES = {3: 5.0, 9: 2.0, 27: 1.0}
"""By number of regions: the more resources there are, the more the engine's own work would weigh."""


def measure(
    counts: tuple[int, ...], platforms: tuple[str, ...], scale: float | None, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """One entry per platform and count. `scale`: instead of `SCALES`."""
    return [
        measure_one(platform, count, scale or SCALES.get(count, 1.0), say) for platform in platforms for count in counts
    ]


def measure_one(platform: str, count: int, scale: float, say: Callable[[str], None]) -> dict[str, Any]:
    """One number of regions on one cloud. Seconds of the wall clock are `…Seconds`, the cloud's `…CloudSeconds`."""
    regions = stack.names(count, platform)

    def seconds(urn: str) -> float:
        return durations.seconds(urn, platform)

    def scaled(urn: str) -> float:
        return seconds(urn) / scale

    say(f"{platform}, {count} regions: up from nothing, at 1/{scale:g} of the cloud's time")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Server(scaled) as server:
        workspace = Workspace(Path(folder) / "w", stack.cloud_config(platform, count))
        up = workspace.up(server.environment | NO_CHECKPOINTS)
        resources = workspace.resources()
        starts = [start for urn, (start, _) in server.timeline.created.items() if graph.kind_of(urn) in graph.CLUSTERS]
    path = graph.critical_path(resources, seconds)
    say(f"{platform}, {count} regions: {up.seconds:.0f} s, critical path {path.seconds / scale:.0f} s")
    return {
        "platform": platform,
        "regions": count,
        "scale": scale,
        "resources": len(resources),
        "upSeconds": round(up.seconds, 2),
        "criticalPathSeconds": round(path.seconds / scale, 2),
        "criticalPathCloudSeconds": round(path.seconds, 1),
        "upCloudSeconds": round(path.seconds + up.seconds - path.seconds / scale, 1),
        "regionAfterRegionCloudSeconds": round(graph.region_after_region(resources, regions, seconds), 1),
        "inOrderCloudSeconds": round(graph.in_order(resources, seconds), 1),
        "firstToLastClusterStartCloudSeconds": round((max(starts) - min(starts)) * scale, 1),
        "criticalPath": [shown(urn, seconds(urn)) for urn in path.urns if seconds(urn)],
        "edgesBetweenRegions": [
            {"waits": waits, "for": what, "count": number}
            for (waits, what), number in sorted(graph.edges_between_regions(resources, regions).items())
        ],
        "waitForOthersClusters": graph.waits_for_clusters(resources, regions),
        "peakMiB": round(up.peak_mib),
    }
