"""What the figures are held to. Pure."""

from typing import Any

CRITICAL_PATH_FACTOR = 1.1
"""Makespan against the critical path of the graph, at every number of regions."""
NINE_AGAINST_THREE = 1.3
"""Makespan at nine regions against three."""
NO_OP_NINE_AGAINST_THREE = 2.0
"""An `up` that changes nothing, at nine regions against three."""

EDGES = frozenset(
    {
        ("ClusterInit", "CockroachRegion"),
        ("ClusterInit", "StubDomains"),
        ("Rollout", "ClusterInit"),
        ("Rollout", "Rollout"),
        ("Databases", "Rollout"),
        ("Decommission", "Databases"),
        ("Stash", "Databases"),
        ("Stash", "Decommission"),
    }
)
"""The only steps that wait for another region, and for what of it: the docstring of stacks.multiregion says why."""


def misses(results: dict[str, Any]) -> list[str]:
    """Targets that the figures miss, in words; empty where all are met."""
    found = []
    runs = {run["regions"]: run for run in results["modelled"]["runs"]}
    for count, run in runs.items():
        limit = CRITICAL_PATH_FACTOR * run["criticalPathSeconds"]
        if run["upSeconds"] > limit:
            found.append(
                f"{count} regions: up took {run['upSeconds']} s, more than 1.1 x critical path ({limit:.1f} s)"
            )
        edges = {(edge["waits"], edge["for"]) for edge in run["edgesBetweenRegions"]}
        found += [
            f"{count} regions: {waits} waits for another region's {what}" for waits, what in sorted(edges - EDGES)
        ]
    if {3, 9} <= runs.keys():
        for key, factor in (("upSeconds", NINE_AGAINST_THREE), ("noOpUpSeconds", NO_OP_NINE_AGAINST_THREE)):
            if runs[9][key] > factor * runs[3][key]:
                found.append(f"{key} at 9 regions is {runs[9][key]}, more than {factor} x that at 3 ({runs[3][key]})")
    return found
