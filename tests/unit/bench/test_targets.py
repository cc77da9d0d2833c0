"""The figures are held to their targets, and a page says so."""

import copy
from typing import Any

from bench import report, targets


def run(regions: int, up: float, **fields: Any) -> dict[str, Any]:
    return {
        "regions": regions,
        "resources": 40 * regions,
        "upSeconds": up,
        "criticalPathSeconds": 100.0,
        "inOrderSeconds": 900.0,
        "upWithCheckpointsSeconds": 120.0 if regions < 27 else None,
        "criticalPath": [{"kind": "k", "name": "init", "seconds": 60.0}],
        "edgesBetweenRegions": [{"waits": "Rollout", "for": "Rollout", "count": 4}],
        "firstToLastCreateSeconds": 99.0,
        "peakMiB": 300,
        "noOpUpSeconds": 5.0 + regions / 10,
        "noOpPreviewSeconds": 5.0,
        "noOpPeakMiB": 300,
        **fields,
    }


RESULTS: dict[str, Any] = {
    "commits": {"modelled": "abc"},
    "dates": {"modelled": "2026-11-23"},
    "machine": {"cpus": 2, "memoryGiB": 24, "python": "3.11.7", "pulumi": "pulumi v3"},
    "modelled": {
        "empty": {"noOpUpSeconds": 2.0, "noOpPreviewSeconds": 2.0, "noOpPeakMiB": 200},
        "runs": [run(3, 105.0), run(9, 109.0), run(27, 110.0)],
    },
}


def changed(place: int, **fields: Any) -> dict[str, Any]:
    results = copy.deepcopy(RESULTS)
    results["modelled"]["runs"][place].update(fields)
    return results


def test_good_figures_miss_nothing() -> None:
    assert targets.misses(RESULTS) == []
    assert "All targets" in report.page(RESULTS)


def test_a_makespan_over_the_critical_path_is_a_miss() -> None:
    (miss,) = targets.misses(changed(2, upSeconds=110.1))
    assert miss.startswith("27 regions")
    assert "missed: 27 regions" in report.page(changed(2, upSeconds=110.1))


def test_nine_regions_may_not_take_much_longer_than_three() -> None:
    (miss,) = targets.misses(changed(1, upSeconds=137.0, criticalPathSeconds=137.0))
    assert miss.startswith("upSeconds at 9")


def test_a_no_op_at_nine_may_not_take_much_longer_than_at_three() -> None:
    (miss,) = targets.misses(changed(1, noOpUpSeconds=10.7))
    assert miss.startswith("noOpUpSeconds at 9")


def test_an_edge_that_is_not_listed_is_a_miss() -> None:
    edge = {"waits": "CockroachRegion", "for": "StubDomains", "count": 1}
    (miss,) = targets.misses(changed(0, edgesBetweenRegions=[edge]))
    assert "CockroachRegion waits for another region's StubDomains" in miss


def test_the_page_has_every_figure() -> None:
    page = report.page(
        {
            **RESULTS,
            "lab": [
                {
                    "regions": 5,
                    "labSeconds": 20.0,
                    "upSeconds": 77.7,
                    "verifySeconds": 9.0,
                    "verdict": "green",
                    "noOpUpSeconds": 6.0,
                    "noOpPreviewSeconds": 5.5,
                    "peakMiB": 400,
                }
            ],
        }
    )
    assert "| 27 | 1080 | 110.0 | 100.0 | 1.10 | 900.0 | not run | 300 |" in page
    assert "| Rollout | Rollout | 4 | 4 | 4 |" in page
    assert "| 5 | 20.0 | 77.7 | 9.0 | green | 6.0 | 5.5 | 400 |" in page


def cloud_run(regions: int, up: float, **fields: Any) -> dict[str, Any]:
    return {
        "platform": "gke",
        "regions": regions,
        "scale": 5.0,
        "resources": 100 * regions,
        "upSeconds": up,
        "criticalPathSeconds": 100.0,
        "criticalPathCloudSeconds": 500.0,
        "upCloudSeconds": 400.0 + up,
        "regionAfterRegionCloudSeconds": 490.0 * regions,
        "inOrderCloudSeconds": 900.0 * regions,
        "firstToLastClusterStartCloudSeconds": 3.0,
        "criticalPath": [{"kind": "k", "name": "cluster", "seconds": 400.0}],
        "edgesBetweenRegions": [{"waits": "Rollout", "for": "Rollout", "count": 4}],
        "waitForOthersClusters": {"Rollout": 3},
        "peakMiB": 300,
        **fields,
    }


def grown(**fields: Any) -> dict[str, Any]:
    return {
        "case": "gke",
        "from": 3,
        "to": 4,
        "there": 300,
        "createdInNewRegion": {"k": 90},
        "createdElsewhere": {"kubernetes:batch/v1:Job": 1},
        "updated": [{"kind": "kubernetes:core/v1:ConfigMap", "inputs": "data", "count": 3}],
        "replaced": [],
        "deleted": {},
        **fields,
    }


def with_clouds(*runs: dict[str, Any], growth: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**RESULTS, "clouds": list(runs), "growth": [growth or grown()]}


def test_good_clouds_miss_nothing_and_are_on_the_page() -> None:
    results = with_clouds(cloud_run(3, 105.0), cloud_run(9, 109.0))
    assert targets.misses(results) == []
    page = report.page(results)
    assert "| gke | 9 | 900 | 1/5 | 109.0 | 100.0 | 1.09 | 8 min 29 s |" in page
    assert "| updated | `kubernetes:core/v1:ConfigMap` (data) | 3 |" in page
    assert "replaces nothing and restarts no pod" in page


def test_waiting_for_another_region_s_cluster_is_a_miss() -> None:
    (miss,) = targets.misses(with_clouds(cloud_run(3, 105.0, waitForOthersClusters={"Rollout": 1, "GkeCluster": 2})))
    assert miss == "gke, 3 regions: GkeCluster waits for another region's Kubernetes cluster"


def test_a_cloud_run_is_held_to_its_path_to_three_regions_and_to_the_baseline() -> None:
    long = cloud_run(9, 110.5, upCloudSeconds=700.0, inOrderCloudSeconds=3000.0)
    misses = targets.misses(with_clouds(cloud_run(3, 105.0), long))
    assert [miss.split(":")[0] for miss in misses] == ["gke, 9 regions", "gke", "gke"]


def test_a_replacement_or_a_restart_for_one_more_region_is_a_miss() -> None:
    change = {"kind": "aws:ec2/route:Route", "inputs": "region", "count": 1}
    (miss,) = targets.misses(with_clouds(growth=grown(replaced=[change])))
    assert miss == "gke, 3 to 4 regions: 1 aws:ec2/route:Route replaced (region)"
    pods = {"kind": "kubernetes:apps/v1:StatefulSet", "inputs": "spec", "count": 2}
    (miss,) = targets.misses(with_clouds(growth=grown(updated=[pods])))
    assert "restarts" in miss
