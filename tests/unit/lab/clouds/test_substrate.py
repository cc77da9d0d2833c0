"""Many ask for the network to follow; few do the work, and nobody returns before it has."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lab.clouds import apply, clusters
from lab.clouds.fabric_aws import CLUSTER
from lab.clouds.places import region_of
from lab.clouds.store import CREATING, DELETING, FAILED, READY, Record, Store
from lab.clouds.substrate import LabSubstrate
from lab.clouds.substrate_api import ClusterAccess, ClusterSpec
from lab.paths import LabPaths
from lab.shell import LabError
from lab.world import World, write_world


@pytest.fixture
def substrates(tmp_path: Path) -> list[LabSubstrate]:
    """Two, as two plugins' processes have them."""
    paths = LabPaths("t", tmp_path)
    return [LabSubstrate(paths, Store(tmp_path / "clouds")) for _ in range(2)]


def test_requests_share_applications(substrates: list[LabSubstrate], monkeypatch: pytest.MonkeyPatch) -> None:
    changes, seen, applications = [0], [0], [0]
    lock = threading.Lock()

    def shape(*_: object) -> list[str]:
        applications[0] += 1
        at_the_start = changes[0]
        time.sleep(0.05)
        seen[0] = max(seen[0], at_the_start)
        return []

    def ask(number: int) -> bool:
        with lock:
            changes[0] += 1
            mine = changes[0]
        substrates[number % 2].reshape()
        return seen[0] >= mine

    monkeypatch.setattr(apply, "shape", shape)
    with ThreadPoolExecutor(max_workers=100) as pool:
        assert all(pool.map(ask, range(100)))
    assert applications[0] <= 20


def test_a_failure_is_everybodys_to_try_again(substrates: list[LabSubstrate], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[str]:
        raise LabError("nft: no")

    monkeypatch.setattr(apply, "shape", fails)
    with pytest.raises(LabError):
        substrates[0].reshape()
    called: list[int] = []
    monkeypatch.setattr(apply, "shape", lambda *_: called.append(1) or [])
    substrates[1].reshape()
    assert called


SPEC = ClusterSpec(
    key="eu-cluster-new",
    platform="eks",
    location="eu-west-1",
    version="",
    service_cidr="10.3.32.0/20",
    pod_cidr="10.3.128.0/17",
    node_cidr="10.3.128.0/17",
    control_cidr=None,
    subnets=(),
    zones=(),
    network="vpc-1",
)


@pytest.mark.parametrize(
    ("phase", "ended"), [(None, True), (CREATING, True), (FAILED, True), (READY, False), (DELETING, False)]
)
def test_what_a_killed_run_left_makes_room(
    substrates: list[LabSubstrate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str | None, ended: bool
) -> None:
    paths = LabPaths("t", tmp_path)
    clusters.write_plan(paths, ["eu"])
    old = replace(SPEC, key="eu-cluster-old")
    write_world(paths, World("t", "abcdef", 0, (region_of(old, ["eu"], ()),)))
    if phase:
        with Store(tmp_path / "clouds").transaction() as states:
            states["aws"].put(Record(CLUSTER, old.key, "eu-cluster", {}, {"name": old.key}, phase))
    stopped: list[str] = []
    monkeypatch.setattr(clusters, "stop", lambda _, key: stopped.append(key))
    monkeypatch.setattr(clusters, "start", lambda *_: ClusterAccess("198.18.0.10:6443", ""))
    monkeypatch.setattr(apply, "shape", lambda *_: [])
    substrates[0].start_cluster(SPEC)
    assert stopped == ([old.key] if ended else [])
