"""Changes to a running stack that must leave the rest alone, and runs that die in the middle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.stack import RunningStack, cluster_ids, identity, in_a_lab, is_ready, members, region, small_config

THREE = [region("alpha", "coredns", 1), region("beta", "coredns", 1), region("gamma", "kube-dns", 1)]
FOURTH = region("delta", "kube-dns", 1)
NAMES = [one["name"] for one in THREE]


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    """Three regions of one node and one host; nothing is up yet."""
    name = request.node.originalname.replace("_", "-")[5:30].strip("-")
    with in_a_lab(name, small_config(*THREE)) as running:
        yield running


def objects(stack: RunningStack, name: str) -> dict[str, str]:
    """Kind and name -> uid of what a region's namespace holds, what controllers made of it left out."""
    kinds = "statefulsets,services,secrets,configmaps,networkpolicies,poddisruptionbudgets,serviceaccounts,pvc"
    return {
        f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"]
        for one in stack.get(name, kinds, "-n", name)["items"]
    }


def test_a_fourth_region_comes_and_goes(stack: RunningStack) -> None:
    stack.up()
    before = {name: (identity(stack.pods(name)), objects(stack, name)) for name in NAMES}
    nodes = members(stack.verify())

    stack.configure(small_config(*THREE, FOURTH))
    stack.up()
    stack.until_green(90)  # `up` saw it green, by those CoreDNS pods that it asked; each reloads in its own time.
    assert len(members(stack.verify())) == 4
    for name in NAMES:
        assert identity(stack.pods(name)) == before[name][0], "no pod of the first three restarts"
        assert before[name][1].items() <= objects(stack, name).items(), "nothing of theirs is replaced"

    stack.configure(small_config(*THREE, {**FOURTH, "state": "draining"}))
    stack.up(check=False)  # Verification calls a region degraded whose nodes are gone.
    jobs = {job["metadata"]["name"]: job for job in stack.get("alpha", "jobs", "-n", "alpha")["items"]}
    moved_off = [job for name, job in jobs.items() if name.startswith("cockroachdb-decommission")]
    assert [job["status"].get("succeeded") for job in moved_off] == [1], "delta's nodes were decommissioned"
    stack.configure(small_config(*THREE, {**FOURTH, "state": "removed"}))
    stack.up()
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert members(verdict) == nodes
    for name in NAMES:
        assert identity(stack.pods(name)) == before[name][0]
        assert before[name][1].items() <= objects(stack, name).items()
    left = {one["metadata"]["name"] for one in stack.get("delta", "namespaces")["items"]}
    assert "delta" not in left


def killed_after(stack: RunningStack, seconds: float) -> bool:
    """Run `up` and kill all of it with -9 after a time (the lab's daemons are no part of it); whether it still ran."""
    started = stack.start_up()
    try:
        started.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        return True
    return False


@pytest.mark.parametrize("moments", [pytest.param(2, id="sample"), pytest.param(10, id="ten", marks=pytest.mark.long)])
def test_killed_runs_converge(stack: RunningStack, moments: int) -> None:
    """`up` killed with -9 at moments over its whole length, then once more: one cluster, initialised once."""
    seeded = random.Random(moments)  # noqa: S311 - moments to try, no secret
    kills = sum(killed_after(stack, seeded.uniform(1, 15)) for _ in range(moments))
    assert kills >= moments / 2, "most runs were killed before their end"
    stack.up()
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert len(cluster_ids(verdict)) == 1
    assert len(members(verdict)) == 3, "no node joined twice"
    for name in NAMES:
        assert [is_ready(pod) for pod in stack.pods(name).values()] == [True]
    jobs = stack.get("alpha", "jobs", "-n", "alpha")["items"]
    assert sum(job["metadata"]["name"] == "cockroachdb-init" for job in jobs) == 1
    stack.run("pulumi", "preview", "--expect-no-changes")
