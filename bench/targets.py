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

CLOUD_EDGES: dict[tuple[str, str], str] = {
    ("AwsNetwork", "AwsNetwork"): (
        "a peering names the other region's VPC or gateway; a route through it waits until it is accepted there"
    ),
    ("ClusterInit", "AwsNetwork"): "nodes reach each other before they are joined",
    ("ClusterInit", "GcpNetwork"): "nodes reach each other before they are joined",
    ("GcpNetwork", "GcpNetwork"): "Google Cloud runs one peering operation at a time: each waits for the one before",
}
"""Further ones where a cloud's network is made too: (step that waits, for what of another region) and why."""

JOINING = frozenset({"ClusterInit", "Rollout", "Databases", "Decommission", "Stash"})
"""The steps that wait for other regions' clusters, by name: one database is made of all of them."""

IN_ORDER_FACTOR = 5.0
"""At nine regions on a cloud: one resource after another against the makespan, both in the cloud's time."""

RESTARTS = frozenset(
    {
        "kubernetes:apps/v1:StatefulSet",
        "kubernetes:apps/v1:Deployment",
        "kubernetes:apps/v1:DaemonSet",
        "gcp:container/cluster:Cluster",
        "gcp:container/nodePool:NodePool",
        "aws:eks/cluster:Cluster",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:ec2/launchTemplate:LaunchTemplate",
    }
)
"""Kinds whose change may restart pods or hosts: none changes in the regions that are there when one more comes."""

HARMLESS = frozenset({("gcp:container/cluster:Cluster", "masterAuthorizedNetworksConfig")})
"""Changes of those that restart nothing: who may reach a control plane."""


def misses(results: dict[str, Any]) -> list[str]:
    """Targets that the figures miss, in words; empty where all are met."""
    return [
        *_modelled(results),
        *(miss for run in results.get("clouds", []) for miss in _cloud_run(run)),
        *_clouds(results.get("clouds", [])),
        *(miss for one in results.get("growth", []) for miss in _growth(one)),
    ]


def _modelled(results: dict[str, Any]) -> list[str]:
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


def _cloud_run(run: dict[str, Any]) -> list[str]:
    where = f"{run['platform']}, {run['regions']} regions"
    found = []
    limit = CRITICAL_PATH_FACTOR * run["criticalPathSeconds"]
    if run["upSeconds"] > limit:
        found.append(f"{where}: up took {run['upSeconds']} s, more than 1.1 x critical path ({limit:.1f} s)")
    edges = {(edge["waits"], edge["for"]) for edge in run["edgesBetweenRegions"]}
    unknown = sorted(edges - EDGES - CLOUD_EDGES.keys())
    found += [f"{where}: {waits} waits for another region's {what}" for waits, what in unknown]
    early = sorted(run["waitForOthersClusters"].keys() - JOINING)
    found += [f"{where}: {step} waits for another region's Kubernetes cluster" for step in early]
    return found


def _clouds(runs: list[dict[str, Any]]) -> list[str]:
    found = []
    by_place = {(run["platform"], run["regions"]): run for run in runs}
    for (platform, count), run in by_place.items():
        three = by_place.get((platform, 3))
        if count != 9 or three is None:
            continue
        nine, limit = run["upCloudSeconds"], NINE_AGAINST_THREE * three["upCloudSeconds"]
        if nine > limit:
            found.append(
                f"{platform}: up at 9 regions is {nine} s of cloud time, more than 1.3 x that at 3 ({limit:.1f} s)"
            )
        if run["inOrderCloudSeconds"] < IN_ORDER_FACTOR * nine:
            found.append(f"{platform}: in order takes less than {IN_ORDER_FACTOR:g} x up at 9 regions")
    return found


def _growth(one: dict[str, Any]) -> list[str]:
    where = f"{one['case']}, {one['from']} to {one['to']} regions"
    found = [f"{where}: {change['count']} {change['kind']} replaced ({change['inputs']})" for change in one["replaced"]]
    return found + [
        f"{where}: {change['count']} {change['kind']} changed ({change['inputs']}), which restarts"
        for change in one["updated"]
        if change["kind"] in RESTARTS and (change["kind"], change["inputs"]) not in HARMLESS
    ]
