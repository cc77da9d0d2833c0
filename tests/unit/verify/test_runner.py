"""A run's course over fake API servers: who is asked what, what a failure spoils, and that nothing stays behind."""

import threading
from typing import Any

import pytest

from tests.unit.verify import world
from tests.unit.verify.world import CENTRAL, EAST, WEST
from verify import kube, runner
from verify.target import Region

AIM = world.target()


class FakeCluster:
    """In place of `kube.Cluster`, keyed by region."""

    made: dict[str, "FakeCluster"] = {}  # noqa: RUF012
    unreachable: set[str] = set()  # noqa: RUF012
    stuck: set[str] = set()  # noqa: RUF012
    """Pods (by zone) that never start."""

    def __init__(self, region: Region, run: str) -> None:
        self.region, self.run = region, run
        self.pods: dict[str, str] = {}
        self.peers: dict[str, list[dict[str, str]]] = {}
        self.removed = False
        self.made[region.name] = self
        if region.name in self.unreachable:
            raise kube.ApiError("unreachable", "connection refused")

    def remove_left_overs(self) -> tuple[str, ...]:
        return ("old",)

    def zones(self) -> tuple[str | None, ...]:
        return self.region.zones

    def create_root(self, body: dict[str, Any]) -> str:
        return "uid"

    def create_pod(self, body: dict[str, Any]) -> str:
        name = body["metadata"]["name"]
        self.pods[name] = body["spec"]["nodeSelector"]["topology.kubernetes.io/zone"]
        return name

    def database_pods(self) -> None:
        return None

    def dns_servers(self) -> tuple[int, int]:
        return 2, 2

    def settle(self, names: list[str], deadline: float) -> dict[str, tuple[str, str]]:
        return {
            name: ("not-started", "ErrImagePull") if self.pods[name] in self.stuck else ("running", f"ip-{name}")
            for name in names
        }

    def give_peers(self, name: str, peers: list[dict[str, str]]) -> None:
        self.peers[name] = peers

    def report(self, name: str, deadline: float) -> tuple[dict[str, Any] | None, str]:
        return {"zone": self.pods[name]}, ""

    def remove(self) -> None:
        self.removed = True


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCluster]:
    FakeCluster.made, FakeCluster.unreachable, FakeCluster.stuck = {}, set(), set()
    monkeypatch.setattr(kube, "Cluster", FakeCluster)
    return FakeCluster


def test_every_zone_reports_and_knows_every_peer(fake: type[FakeCluster]) -> None:
    run = runner.Run(AIM, 10)
    measured = run.measure()
    assert [one.region for one in measured] == list(world.REGIONS)
    assert all(zone.status == "reported" for one in measured for zone in one.zones)
    assert all(len(peers) == 6 for cluster in fake.made.values() for peers in cluster.peers.values())
    assert run.close() == []
    assert all(cluster.removed for cluster in fake.made.values())


def test_regions_are_started_side_by_side(fake: type[FakeCluster], monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(3, timeout=5)
    monkeypatch.setattr(FakeCluster, "dns_servers", lambda self: barrier.wait() and None)
    assert all(one.api == "ok" for one in runner.Run(AIM, 10).measure())


def test_an_unreachable_region_leaves_the_others_to_measure(fake: type[FakeCluster]) -> None:
    fake.unreachable = {WEST}
    measured = {one.region: one for one in runner.Run(AIM, 10).measure()}
    assert (measured[WEST].api, measured[WEST].api_error) == ("unreachable", "connection refused")
    assert [zone.status for zone in measured[EAST].zones] == ["reported", "reported"]
    assert {peer["region"] for peer in fake.made[EAST].peers["cockroachdb-verify-" + fake.made[EAST].run + "-0"]} == {
        EAST,
        CENTRAL,
    }


def test_a_pod_that_does_not_start_is_told_and_is_nobody_s_peer(fake: type[FakeCluster]) -> None:
    fake.stuck = {"us-west1-a"}
    measured = {one.region: one for one in runner.Run(AIM, 10).measure()}
    assert [(zone.zone, zone.status, zone.detail) for zone in measured[WEST].zones] == [
        ("us-west1-a", "not-started", "ErrImagePull"),
        ("us-west1-b", "reported", ""),
    ]
    assert all("us-west1-a" not in [peer["zone"] for peer in peers] for peers in fake.made[EAST].peers.values())


def test_a_run_that_is_interrupted_still_removes(fake: type[FakeCluster], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: FakeCluster, names: list[str], deadline: float) -> dict[str, tuple[str, str]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeCluster, "settle", interrupted)
    run = runner.Run(AIM, 10)
    with pytest.raises(KeyboardInterrupt):
        run.measure()
    run.close()
    assert all(cluster.removed for cluster in fake.made.values())


def test_what_cannot_be_removed_is_told(fake: type[FakeCluster], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: FakeCluster) -> None:
        raise kube.ApiError("unreachable", "connection refused")

    run = runner.Run(AIM, 10)
    run.measure()
    monkeypatch.setattr(FakeCluster, "remove", refuse)
    problems = run.close()
    assert len(problems) == 3
    assert "removed by the next verification" in problems[0]
