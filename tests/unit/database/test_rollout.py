"""The rollout: one pod at a time, only while the whole cluster is healthy, and to an end."""

from typing import Any

import pytest
import rollout
from hypothesis import given
from hypothesis import strategies as st
from kube import ApiError
from pinned import TEMPLATE, Hosts
from waiting import Deadline, DeadlineError, NotYetError

from tests.unit.database.conftest import HEALTHY_VARS, Authority, Clock, FakeNode, NodeMaker
from tests.unit.database.world import NEW, OLD, World


class WorldGate:
    """Healthy while every pod of the world is ready; notes what it saw."""

    def __init__(self, world: World, ill_until: float = 0.0) -> None:
        self.world = world
        self.ill_until = ill_until
        self.passed = 0

    def check(self) -> None:
        if self.world.clock.now < self.ill_until:
            raise NotYetError("another region is not healthy")
        if len(self.world.ready()) < self.world.nodes:
            raise NotYetError("a pod is not ready")
        self.passed += 1

    def ways(self, _: int) -> str:
        return "fine"


def make(world: World, gate: Any = None, seconds: float = 600) -> rollout.Rollout:
    deadline = Deadline(seconds, world.clock.time, world.clock.pause)
    target = rollout.Target("us-east1", "cockroachdb", world.nodes)
    return rollout.Rollout(world, target, gate or WorldGate(world), deadline)  # type: ignore[arg-type]


def test_a_new_region_is_only_waited_for(clock: Clock) -> None:
    world = World(clock, revision=NEW)
    for name in world.pods:
        world.set_ready(name, False)

    def later() -> None:
        for name in world.pods:
            world.set_ready(name, clock.now > 30)

    clock.events.append(later)
    gate = WorldGate(world)
    assert make(world, gate).run() == 0
    assert world.deleted == []
    assert clock.now > 30, "it is the gate that the next step waits for"
    assert gate.passed == 0, "replicas still spread: no reason to hold a new cluster up"


def test_pods_are_replaced_highest_first_and_one_at_a_time(clock: Clock) -> None:
    world = World(clock)
    lowest: list[int] = []
    clock.events.append(lambda: lowest.append(len(world.ready())))
    gate = WorldGate(world)
    assert make(world, gate).run() == 3
    assert world.deleted == ["cockroachdb-2", "cockroachdb-1", "cockroachdb-0"]
    assert min(lowest) == 2
    assert gate.passed == 4, "before each, and once after the last"


def test_nodes_that_leave_are_left_alone(clock: Clock) -> None:
    """A decommissioned node's pod is never ready again, and another start would end it."""
    world = World(clock)
    world.set_ready("cockroachdb-2", False)
    target = rollout.Target("us-east1", "cockroachdb", world.nodes, draining=1)

    class Kept(WorldGate):
        def check(self) -> None:
            if not {"cockroachdb-0", "cockroachdb-1"} <= set(self.world.ready()):
                raise NotYetError("a pod is not ready")

    deadline = Deadline(600, clock.time, clock.pause)
    made = rollout.Rollout(world, target, Kept(world), deadline)  # type: ignore[arg-type]
    assert made.run() == 2
    assert world.deleted == ["cockroachdb-1", "cockroachdb-0"]


def test_nothing_is_deleted_while_the_cluster_is_not_healthy(clock: Clock) -> None:
    world = World(clock)
    with pytest.raises(DeadlineError, match="another region is not healthy"):
        make(world, WorldGate(world, ill_until=10_000), seconds=60).run()
    assert world.deleted == []


def test_it_goes_on_once_the_cluster_is_healthy(clock: Clock) -> None:
    world = World(clock)
    assert make(world, WorldGate(world, ill_until=100)).run() == 3
    assert clock.now > 100


def test_a_broken_pod_of_the_old_template_goes_first_and_needs_no_healthy_cluster(clock: Clock) -> None:
    world = World(clock)
    world.set_ready("cockroachdb-0", False)
    assert make(world).run() == 3
    assert world.deleted[0] == "cockroachdb-0", "else the fix of a bad setting could never be rolled out"


def test_a_new_template_that_never_gets_ready_stops_at_the_first_pod(clock: Clock) -> None:
    world = World(clock)
    world.breaks = True
    with pytest.raises(DeadlineError, match="successor is not ready"):
        make(world, seconds=120).run()
    assert world.deleted == ["cockroachdb-2"]
    assert len(world.ready()) == 2


def test_a_rollout_cut_short_goes_on_where_it_stopped(clock: Clock) -> None:
    world = World(clock)
    world.pods["cockroachdb-2"]["metadata"]["labels"][rollout.REVISION] = NEW
    assert make(world).run() == 2
    assert world.deleted == ["cockroachdb-1", "cockroachdb-0"]


def test_it_waits_for_the_controller_to_see_the_new_template(clock: Clock) -> None:
    world = World(clock, revision=NEW)
    world.observed = 1
    with pytest.raises(DeadlineError, match="has not seen the newest StatefulSet"):
        make(world, seconds=5).run()


@pytest.mark.parametrize("status", [0, 500, 503, 429])
def test_an_api_server_that_is_away_for_a_moment_is_waited_for(status: int, clock: Clock) -> None:
    world = World(clock)
    world.refusals = [ApiError(status, "away")] * 3
    assert make(world).run() == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_final(status: int, clock: Clock) -> None:
    world = World(clock)
    world.refusals = [ApiError(status, "forbidden")]
    with pytest.raises(RuntimeError, match="refuses: forbidden"):
        make(world).run()
    assert clock.now == 0


@given(
    st.lists(st.sampled_from([OLD, NEW]), min_size=1, max_size=6),
    st.data(),
)
def test_whatever_it_finds_it_never_takes_a_second_ready_pod(revisions: list[str], data: st.DataObject) -> None:
    clock = Clock()
    world = World(clock, nodes=len(revisions))
    for ordinal, revision in enumerate(revisions):
        world.pods[f"cockroachdb-{ordinal}"]["metadata"]["labels"][rollout.REVISION] = revision
    broken = data.draw(st.sets(st.integers(0, len(revisions) - 1).filter(lambda n: revisions[n] == OLD)))
    for ordinal in broken:
        world.set_ready(f"cockroachdb-{ordinal}", False)
    begun = len(world.ready())
    fewest = [begun]
    clock.events.append(lambda: fewest.append(len(world.ready())))
    restarted = make(world, seconds=10_000).run()
    assert restarted == revisions.count(OLD)
    assert len(world.ready()) == len(revisions)
    assert min(fewest) >= begun - 1
    assert not [name for name in world.deleted if revisions[int(name[-1])] == NEW]


class TestGate:
    """The gate over real TLS."""

    @pytest.fixture
    def three(self, nodes: NodeMaker) -> list[FakeNode]:
        made = nodes(3)
        for node in made:
            node.ready()
        return made

    @pytest.fixture
    def gate(self, three: list[FakeNode], authority: Authority) -> rollout.Gate:
        members = [{"region": f"region-{place}", "host": node.host} for place, node in enumerate(three)]
        return rollout.Gate(members, three[0].port, authority.ca_file)

    def test_a_healthy_cluster_passes(self, gate: rollout.Gate) -> None:
        gate.check()

    def test_a_node_that_drains_anywhere_holds_it(self, gate: rollout.Gate, three: list[FakeNode]) -> None:
        three[2].draining()
        with pytest.raises(NotYetError, match=rf"^{three[2].host}: not ready \(HTTP 503: node is shutting down\)$"):
            gate.check()

    @pytest.mark.parametrize(
        ("metric", "message"),
        [
            ("liveness_livenodes", "sees 2 live nodes of 3"),
            ("ranges_unavailable", "ranges_unavailable is 2"),
            ("ranges_underreplicated", "ranges_underreplicated is 2"),
        ],
    )
    def test_a_number_that_is_not_right_holds_it(
        self, metric: str, message: str, gate: rollout.Gate, three: list[FakeNode]
    ) -> None:
        lines = [line for line in HEALTHY_VARS.splitlines() if not line.startswith(metric)]
        three[1].ready("\n".join([*lines, f'{metric}{{store="1"}} 2', ""]))
        with pytest.raises(NotYetError, match=f"{three[1].host}: {message}"):
            gate.check()

    def test_stores_add_up(self, gate: rollout.Gate, three: list[FakeNode]) -> None:
        three[0].ready(HEALTHY_VARS + 'ranges_underreplicated{store="2"} 4\n')
        with pytest.raises(NotYetError, match="ranges_underreplicated is 4"):
            gate.check()

    def test_a_new_region_that_reaches_nobody_learns_the_layer(
        self, gate: rollout.Gate, three: list[FakeNode], authority: Authority
    ) -> None:
        assert "every node of the cluster answers" in gate.ways(three[0].port)
        lost = rollout.Gate([{"region": "r", "host": "gone.invalid"}], 1, authority.ca_file)
        assert lost.ways(1).startswith("DNS: the name does not resolve")

    def test_a_region_behind_one_address_counts_with_all_its_nodes(
        self, three: list[FakeNode], authority: Authority
    ) -> None:
        members = [{"region": "here", "host": three[0].host}, {"region": "there", "host": three[1].host, "nodes": 2}]
        rollout.Gate(members, three[0].port, authority.ca_file).check()
        members[1]["nodes"] = 3
        with pytest.raises(NotYetError, match="sees 3 live nodes of 4"):
            rollout.Gate(members, three[0].port, authority.ca_file).check()

    def test_a_node_without_the_metric_counts_as_blind(self, gate: rollout.Gate, three: list[FakeNode]) -> None:
        three[0].ready("")
        with pytest.raises(NotYetError, match="sees 0 live nodes of 3"):
            gate.check()

    def test_a_node_that_cannot_be_asked_is_named_with_its_layer(self, authority: Authority, nodes: NodeMaker) -> None:
        (node,) = nodes(1)
        node.ready()
        members = [{"region": "r", "host": node.host}, {"region": "r", "host": "gone.invalid"}]
        with pytest.raises(NotYetError, match=r"DNS: the name does not resolve .*: gone\.invalid"):
            rollout.Gate(members, node.port, authority.ca_file).check()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Pending"}, "Pending"),
        (
            {"containerStatuses": [{"name": "cockroachdb", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
            "cockroachdb: CrashLoopBackOff",
        ),
        (
            {
                "initContainerStatuses": [{"name": "zone", "state": {"terminated": {"reason": "Completed"}}}],
                "containerStatuses": [
                    {"name": "cockroachdb", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such tag"}}}
                ],
            },
            "cockroachdb: ErrImagePull no such tag",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]},
            "PodScheduled: 0/3 nodes are available",
        ),
    ],
)
def test_what_holds_a_pod_up_is_said(status: dict[str, Any], words: str) -> None:
    assert rollout.why({"status": status}) == words


class Pinned(World):
    """Every pod is held to a host, `host-<ordinal>` at first. A dead host lets go of its pods only by force."""

    def __init__(self, clock: Clock, revision: str = OLD) -> None:
        self.free = ["host-3"]
        self.dead: set[str] = set()
        self.born: set[str] = set()
        self.asked: list[int | None] = []
        super().__init__(clock, revision=revision)

    def _make(self, name: str, revision: str, *, ready: bool) -> None:
        super()._make(name, revision, ready=ready)
        place = self.free.pop() if name in self.born else f"host-{name[-1]}"
        self.born.add(name)
        self.pods[name]["spec"] = {"nodeName": place, "terminationGracePeriodSeconds": 300}
        self.pods[name]["metadata"]["annotations"] = {TEMPLATE: "same"}

    def delete(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        pod = self.pods[path.rpartition("/")[2]]
        self.asked.append(body.get("gracePeriodSeconds"))
        if pod["spec"].get("nodeName") in self.dead and body.get("gracePeriodSeconds") != 0:
            pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return {}
        return super().delete(path, body)


class TestHosts:
    """Pods that belong on some hosts only."""

    def make(self, world: Pinned, template: str = "same", gate: Any = None) -> rollout.Rollout:
        hosts = Hosts(frozenset({"host-0", "host-1", "host-3"}), template)
        target = rollout.Target("us-east1", "cockroachdb", world.nodes, hosts)
        deadline = Deadline(3000, world.clock.time, world.clock.pause)
        return rollout.Rollout(world, target, gate or WorldGate(world), deadline, world.clock.time)  # type: ignore[arg-type]

    def test_only_the_pod_on_a_host_that_is_gone_from_the_list_moves(self, clock: Clock) -> None:
        world = Pinned(clock)
        gate = WorldGate(world)
        assert self.make(world, gate=gate).run() == 1
        assert world.deleted == ["cockroachdb-2"]
        assert world.pods["cockroachdb-2"]["spec"]["nodeName"] == "host-3"
        assert world.asked == [300], "its own grace: it serves"
        assert gate.passed == 2, "before and after"

    def test_a_pod_on_a_dead_host_is_forgotten_once_the_host_had_its_time(self, clock: Clock) -> None:
        world = Pinned(clock)
        world.dead = {"host-2"}
        world.set_ready("cockroachdb-2", False)
        assert self.make(world).run() == 1
        assert world.asked == [30, 0]
        assert 60 < clock.now < 90

    def test_a_host_that_dies_while_its_pod_is_waited_for_is_not_waited_for(self, clock: Clock) -> None:
        world = Pinned(clock)

        def die() -> None:
            if 20 < clock.now < 30:
                world.dead = {"host-2"}
                world.set_ready("cockroachdb-2", False)

        clock.events.append(die)
        assert self.make(world, gate=WorldGate(world, ill_until=40)).run() == 1
        assert world.deleted == ["cockroachdb-2"]
        assert world.asked == [30, 0]

    def test_a_dead_host_that_is_still_listed_keeps_its_pod(self, clock: Clock) -> None:
        world = Pinned(clock)
        world.pods["cockroachdb-2"]["spec"]["nodeName"] = "host-3"
        world.dead = {"host-1"}
        world.set_ready("cockroachdb-1", False)
        with pytest.raises(DeadlineError, match="cockroachdb-1 is not ready"):
            self.make(world).run()
        assert world.deleted == []

    def test_another_template_restarts_all(self, clock: Clock) -> None:
        world = Pinned(clock)
        for pod in world.pods.values():
            pod["metadata"]["annotations"] = {TEMPLATE: "before"}
        world.free = ["host-0", "host-1", "host-3"]
        assert self.make(world).run() == 3

    def test_a_pod_without_a_host_is_made_anew_for_the_hosts_that_are_listed_now(self, clock: Clock) -> None:
        world = Pinned(clock)
        world.pods["cockroachdb-2"]["spec"] = {}
        world.set_ready("cockroachdb-2", False)
        assert self.make(world).run() == 1
        assert world.pods["cockroachdb-2"]["spec"]["nodeName"] == "host-3"


def test_a_region_is_asked_at_whichever_of_its_hosts_answers(nodes: NodeMaker, authority: Authority) -> None:
    (node,) = nodes(1)
    node.ready()
    member = {"region": "there", "host": "gone.invalid", "nodes": 3, "instead": [node.host]}
    gate = rollout.Gate([member], node.port, authority.ca_file)
    gate.check()
    assert "every node of the cluster answers" in gate.ways(node.port)
    with pytest.raises(NotYetError, match=r"gone\.invalid"):
        rollout.Gate([{**member, "instead": []}], node.port, authority.ca_file).check()
