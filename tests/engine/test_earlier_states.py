"""A stack that an earlier version of this project made comes up under this one, and keeps what it has."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Run
from tests.engine import earlier
from tests.engine.regions import Attendant, world

pytestmark = pytest.mark.engine

RECORDED = sorted(earlier.STATES.glob("*.json.xz"))
JOB = "kubernetes:batch/v1:Job"
STATEMENTS = "kubernetes:core/v1:ConfigMap"
GONE = {"delete", "replace", "create-replacement", "delete-replaced", "discard-replaced"}
KEPT = "namespaces,services,secrets,serviceaccounts,statefulsets,poddisruptionbudgets"


def test_there_are_states() -> None:
    assert RECORDED


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name.partition(".")[0])
def test_it_comes_up_and_nothing_but_jobs_is_replaced(file: Path, tmp_path: Path) -> None:
    """Jobs are replaced by design: they carry what they have done in their names."""
    with world(tmp_path) as started, Attendant(list(started.values())):
        recorded = earlier.recorded_in(file)
        stack = earlier.restore(tmp_path, recorded, started)
        before = {name: uids(cluster) for name, cluster in started.items()}
        assert all(f"StatefulSet/{name}/cockroachdb" in found for name, found in before.items())
        expected = {JOB, *renewed(recorded["resources"])}
        assert removed(stack.up()) - expected == set()
        after = {name: uids(cluster) for name, cluster in started.items()}
        assert all(before[name].items() <= after[name].items() for name in started)
        stack.up(None, "--expect-no-changes")


def removed(run: Run) -> set[str]:
    """Types of what was, or would be, replaced or deleted; but for a Job's statements, which are called like it."""
    done: list[dict[str, Any]] = [
        each["resourcePreEvent"]["metadata"] for each in run.events if "resourcePreEvent" in each
    ]
    gone = [(each["type"], each["urn"].rpartition("::")[2]) for each in done if each["op"] in GONE]
    jobs = {name for kind, name in gone if kind == JOB}
    return {kind for kind, name in gone if kind != STATEMENTS or name not in jobs}


def renewed(resources: list[dict[str, Any]]) -> set[str]:
    """Types of certificates that are due for renewal since the state was recorded: any version makes those anew."""
    now = datetime.now(UTC)
    return {
        each["type"]
        for each in resources
        if "validityEndTime" in each.get("outputs", {})
        and datetime.fromisoformat(each["outputs"]["validityEndTime"])
        - timedelta(hours=each["outputs"].get("earlyRenewalHours", 0))
        <= now
    }


def uids(cluster: Cluster) -> dict[str, str]:
    """Every object that holds something or is called by others, and which one it is."""
    found = cluster.get(KEPT, "--all-namespaces")["items"]
    return {
        f"{each['kind']}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}": each["metadata"]["uid"]
        for each in found
    }
