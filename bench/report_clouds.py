"""The part of docs/bench.md about clouds: pure text of the results."""

from typing import Any

from . import targets
from .tables import edge_rows, table


def section(results: dict[str, Any]) -> list[str]:
    """Lines about runs from nothing and about one more region; none where neither was measured."""
    runs = results.get("clouds") or []
    growth = results.get("growth") or []
    return [*(_from_nothing(runs) if runs else []), *(_one_more(growth) if growth else [])]


def _from_nothing(runs: list[dict[str, Any]]) -> list[str]:
    lines = [
        "## From nothing, on modelled clouds",
        "Networks, clusters and all of the above, with the clouds' times that `bench/durations.py` says, divided by",
        "the scale. The engine's own work is not divided, so it weighs more here than on a real cloud: `up / path` is",
        "the measured figure at that scale, and is what is held to 1.1. Cloud time is the scale taken out again: the",
        "critical path as it is, and the engine's own share as measured. No real cloud was asked.",
        "",
        "Two ways to do the same work in order, both added up from the same model and graph, not run. *Region after",
        "region* gives the published tutorials their due: within a region everything that can be parallel is.",
        "*One after another* is what they do, step by step.",
        "",
        *table(
            (
                "cloud",
                "regions",
                "resources",
                "scale",
                "up",
                "critical path",
                "up / path",
                "up, cloud time",
                "region after region",
                "x",
                "one after another",
                "x",
                "first to last cluster's start",
                "peak MiB",
            ),
            [_run(run) for run in runs],
        ),
        "",
    ]
    for platform in dict.fromkeys(run["platform"] for run in runs):
        mine = [run for run in runs if run["platform"] == platform]
        path = ", ".join(f"{step['name']} ({step['seconds']:g} s)" for step in mine[0]["criticalPath"])
        lines += [f"On the path of {platform} at {mine[0]['regions']} regions: {path}.", ""]
    lines += [
        "Edges between regions, by the step that waits and what it waits for. No resource waits for another region's",
        "Kubernetes cluster before the steps that make one database of them: "
        + ", ".join(sorted({step for run in runs for step in run["waitForOthersClusters"]}))
        + ".",
        "",
        *table(
            ("step", "waits for another region's", *(f"{run['platform']} {run['regions']}" for run in runs), "why"),
            [(*row, targets.CLOUD_EDGES.get((row[0], row[1]), "joins the regions")) for row in edge_rows(runs)],
        ),
        "",
    ]
    return lines


def _run(run: dict[str, Any]) -> tuple[Any, ...]:
    up = run["upCloudSeconds"]
    return (
        run["platform"],
        run["regions"],
        run["resources"],
        f"1/{run['scale']:g}",
        f"{run['upSeconds']:.1f}",
        f"{run['criticalPathSeconds']:.1f}",
        f"{run['upSeconds'] / run['criticalPathSeconds']:.2f}",
        minutes(up),
        minutes(run["regionAfterRegionCloudSeconds"]),
        f"{run['regionAfterRegionCloudSeconds'] / up:.1f}",
        minutes(run["inOrderCloudSeconds"]),
        f"{run['inOrderCloudSeconds'] / up:.1f}",
        f"{run['firstToLastClusterStartCloudSeconds']:.0f} s",
        run["peakMiB"],
    )


def _one_more(growth: list[dict[str, Any]]) -> list[str]:
    lines = [
        "## One more region for a stack that runs",
        "`up` with N regions, then with N + 1, on providers that take no time. What a real provider can't change in",
        "place counts as a replacement: by the lab clouds' models for Google Cloud and AWS, by pulumi-kubernetes' list",
        "for the rest.",
        "",
        *table(
            (
                "stack",
                "regions",
                "there before",
                "created in the new region",
                "created elsewhere",
                "updated",
                "replaced",
                "deleted",
            ),
            [
                (
                    one["case"],
                    f"{one['from']} to {one['to']}",
                    one["there"],
                    sum(one["createdInNewRegion"].values()),
                    sum(one["createdElsewhere"].values()),
                    sum(change["count"] for change in one["updated"]),
                    sum(change["count"] for change in one["replaced"]),
                    sum(one["deleted"].values()),
                )
                for one in growth
            ],
        ),
        "",
        "What of the regions that were there is touched:",
        "",
    ]
    kinds: dict[tuple[str, str], dict[int, int]] = {}
    for place, one in enumerate(growth):
        for kind, count in one["createdElsewhere"].items():
            _count(kinds, ("created", f"`{kind}`"), place, count)
        for what in ("updated", "replaced"):
            for change in one[what]:
                _count(kinds, (what, f"`{change['kind']}` ({change['inputs']})"), place, change["count"])
        for kind, count in one["deleted"].items():
            _count(kinds, ("deleted", f"`{kind}`"), place, count)
    heads = (f"{one['case']}, {one['from']} to {one['to']}" for one in growth)
    rows = [(*key, *(counts.get(place, 0) for place in range(len(growth)))) for key, counts in sorted(kinds.items())]
    return [*lines, *table(("", "kind (inputs that changed)", *heads), rows), ""]


def _count(kinds: dict[tuple[str, str], dict[int, int]], key: tuple[str, str], place: int, count: int) -> None:
    counts = kinds.setdefault(key, {})
    counts[place] = counts.get(place, 0) + count


def minutes(seconds: float) -> str:
    """`12 min 5 s`; hours from 100 minutes on."""
    whole = round(seconds)
    if whole >= 6000:
        return f"{whole / 3600:.1f} h"
    return f"{whole // 60} min {whole % 60} s"
