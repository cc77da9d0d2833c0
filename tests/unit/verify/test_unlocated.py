"""Nodes whose addresses only run time knows: asked of their regions' API servers, probed there, judged by them."""

from copy import deepcopy
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from components.plan import plan
from components.plan.balancers import JOIN
from tests.unit.verify import world
from tests.unit.verify.test_runner import FakeCluster, fake
from tests.unit.verify.world import CENTRAL, EAST, REGIONS, WEST, World
from verify import kube, manifests, runner, target
from verify.findings import Finding, Severity
from verify.judge import judge
from verify.measurements import PodState
from verify.probe import __main__ as probe
from verify.target import Balancer, Node, Target, located

__all__ = ["fake"]

REGION = {"kubeconfig": "kubeconfig", "dns": {"kind": "coredns"}}


def stack(*only: str) -> Target:
    regions = [{**REGION, "name": name, "context": name} for name in REGIONS]
    settings, made = plan({"strategy": "pod-ip", "regions": regions})
    return target.from_stack(settings, made, Path("/stack"), only=only)


def pods(*without: str) -> dict[str, dict[int, str | None]]:
    return {
        region: {ordinal: world.pod_address(region, ordinal) for ordinal in range(3)}
        for region in REGIONS
        if region not in without
    }


def test_a_node_is_the_address_of_its_pod() -> None:
    aim = stack()
    assert aim.unlocated
    found = located(aim, pods())
    assert not found.unlocated
    assert found.region(WEST).nodes[1] == Node("cockroachdb-1", "10.3.128.11", "10.3.128.11")


def test_a_node_without_a_pod_or_an_address_stays_nameless() -> None:
    known = pods(WEST)
    known[EAST] = {0: None, 1: "10.1.128.11"}
    found = located(stack(), known)
    assert [node.unlocated for node in found.region(EAST).nodes] == [True, False, True]
    assert all(node.unlocated for node in found.region(WEST).nodes)
    given = manifests.probe_input(found, found.region(CENTRAL), "run1", 60, 10)
    assert [(node["name"], node["address"]) for node in given["nodes"] if node["region"] == EAST] == [
        (None, None),
        ("10.1.128.11", "10.1.128.11"),
        (None, None),
    ]


def test_what_a_plan_knows_is_not_asked_for() -> None:
    aim = world.target()
    assert not aim.unlocated
    assert located(aim, pods()) == aim


def test_a_probe_asks_nobody_for_a_node_without_a_name() -> None:
    nowhere = {"region": EAST, "node": 0, "name": None, "address": None}
    found = probe.probe_node(["127.0.0.1"], nowhere, {"ports": {"dns": 1}, "region": WEST})
    assert found["address"] is None
    assert found["connect"] is None


def test_a_run_learns_addresses_before_it_probes(fake: type[FakeCluster], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def database_pods(self: FakeCluster) -> dict[int, PodState]:
        return {n: PodState("Running", True, "", world.pod_address(self.region.name, n), "host") for n in range(3)}

    def create_root(self: FakeCluster, body: dict[str, Any]) -> str:
        asked[self.region.name] = body["data"]["input.json"]
        return "uid"

    monkeypatch.setattr(FakeCluster, "database_pods", database_pods)
    monkeypatch.setattr(FakeCluster, "create_root", create_root)
    monkeypatch.setattr(FakeCluster, "zones", lambda self: ("a",))
    fake.unreachable = {WEST}
    run = runner.Run(stack(), 10)
    measured = {one.region: one for one in run.measure()}
    assert measured[WEST].api == "unreachable"
    assert [node.name for node in run.target.region(CENTRAL).nodes] == ["10.2.128.10", "10.2.128.11", "10.2.128.12"]
    assert all(node.unlocated for node in run.target.region(WEST).nodes)
    assert '"10.2.128.11"' in asked[EAST], "each region's probes know the others' nodes"


def healthy(aim: Target) -> World:
    """What probes measure of it when all is well."""
    measured = world.measure(aim)
    by_name = {f"{world.node_name(region, n)}:26257": f"{world.pod_address(region, n)}:26257" for region in REGIONS
               for n in range(3)}  # fmt: skip
    for one in measured.values():
        for report in one.reports:
            report["names"] = []
            for node in report["nodes"]:
                for member in node["sql"].get("members", []):
                    member["address"] = by_name[member["address"]]
    return measured


def unlocated_target() -> Target:
    aim = world.target()
    return replace(
        aim,
        strategy="pod-ip",
        regions=tuple(
            replace(
                region,
                dns_addresses=(),
                forwards={},
                balancers=(*region.balancers, Balancer(JOIN, join_address(region.name))),
                nodes=tuple(Node(node.pod, node.pod, None, unlocated=True) for node in region.nodes),
            )
            for region in aim.regions
        ),
    )


def join_address(region: str) -> str:
    return f"10.{REGIONS.index(region) + 1}.16.30"


def findings(aim: Target, measured: World) -> dict[str, Finding]:
    return {one.code: one for one in judge(aim, list(measured.values())).findings}


def test_a_healthy_cluster_is_green() -> None:
    aim = located(unlocated_target(), pods())
    assert judge(aim, list(healthy(aim).values())).severity is Severity.GREEN


def test_a_member_at_another_address_than_its_pod_is_told() -> None:
    aim = located(unlocated_target(), pods())
    measured = healthy(aim)
    for one in measured.values():
        for report in one.reports:
            for node in report["nodes"]:
                for member in node["sql"].get("members", []):
                    member["address"] = member["address"].replace("10.2.128.11:", "10.2.128.99:")
    found = findings(aim, measured)
    assert {"member-missing", "member-extra"} <= found.keys()


@pytest.mark.parametrize(("tries", "code"), [((0,), "join-balancer-some"), ((0, 1), "join-balancer-dead")])
def test_a_join_balancer_that_does_not_answer_is_told(tries: tuple[int, ...], code: str) -> None:
    """SQL's, which is another, is well."""
    aim = located(unlocated_target(), pods())
    measured = healthy(aim)
    for one in measured.values():
        for report in one.reports:
            asked = [entry for entry in report["balancers"] if entry["address"] == join_address(WEST)]
            report["balancers"] += [deepcopy(entry) for entry in asked]
            asked = [entry for entry in report["balancers"] if entry["address"] == join_address(WEST)]
            for place in tries:
                if asked:
                    asked[place].update(connect={"status": "timeout"}, tls=None, sql=None)
    found = findings(aim, measured)
    assert found.keys() == {code}
    assert "cockroachdb-join" in found[code].fix or "join load balancer" in found[code].fix


def nameless(measured: World, region: str, ordinals: tuple[int, ...]) -> None:
    """Nobody knew where these nodes are."""
    for entry in world.entries(measured, "nodes", about=region):
        if entry["node"] in ordinals:
            entry.update(address=None, connect=None, tls=None, sql=None, http=None)


def test_a_node_without_a_pod_is_down_and_no_name_is_blamed() -> None:
    known = pods()
    del known[WEST][2]
    aim = located(unlocated_target(), known)
    measured = healthy(aim)
    del (measured[WEST].pods or {})[2]
    nameless(measured, WEST, (2,))
    found = findings(aim, measured)
    assert set(found) == {"node-down", "member-extra"}, "its old address is still a member's"
    assert "cockroachdb-2: no such pod" in found["node-down"].symptom


def test_a_region_whose_api_server_is_away_is_told_as_that_and_not_as_a_cut_route() -> None:
    aim = located(unlocated_target(), pods(WEST))
    measured = healthy(aim)
    nameless(measured, WEST, (0, 1, 2))
    for one in measured.values():
        for report in one.reports:
            report["peers"] = [peer for peer in report["peers"] if peer["region"] != WEST]
    world.unreachable(measured, WEST)
    found = findings(aim, measured)
    assert "api-unreachable" in found
    assert "route-cut" not in found
    assert "member-missing" not in found


def test_members_of_regions_that_were_not_asked_are_not_strangers() -> None:
    aim = stack(EAST)
    assert aim.unasked_pods == (IPv4Network("10.2.128.0/17"), IPv4Network("10.3.128.0/17"))
    assert aim.unasked == frozenset()
    located_east = replace(
        located(unlocated_target(), pods()),
        unasked_pods=aim.unasked_pods,
    )
    only = replace(located_east, regions=located_east.regions[:1])
    assert "member-extra" not in findings(only, healthy(only))
    assert "member-extra" in findings(replace(only, unasked_pods=()), healthy(only))


def test_an_api_server_that_forbids_listing_pods_stops_no_run(
    fake: type[FakeCluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCluster, "zones", lambda self: ("a",))
    run = runner.Run(stack(), 10)
    assert [one.api for one in run.measure()] == ["ok"] * 3
    assert run.target.unlocated
    assert kube.Cluster is FakeCluster
