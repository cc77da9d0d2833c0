"""Nodes on hosts that the config lists: looked for by their hosts' names, and told of where a host is the reason."""

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

from components.plan import plan
from tests.unit.verify import world
from verify import target
from verify.judge import judge
from verify.measurements import PodState
from verify.region_checks import hosts
from verify.target import Target

EAST = "us-east1"
HOSTS = {f"host-{n}": f"10.1.0.{10 + n}" for n in range(3)}


def stack(*only: str) -> Target:
    listed = [
        {"name": name, "context": name, "kubeconfig": "kubeconfig", "dns": {"kind": "coredns"}}
        for name in (EAST, "us-central1", "us-west1")
    ]
    listed[0]["strategyOptions"] = {"hosts": HOSTS}
    settings, made = plan({"strategy": "host-network", "regions": listed})
    return target.from_stack(settings, made, Path("/stack"), only=only)


def pod(host: str | None, address: str = "10.1.0.200") -> PodState:
    return PodState("Running", True, "", address, host)


def test_a_node_is_where_the_config_says_that_its_pods_host_is() -> None:
    east, central, _ = stack().regions
    assert east.place(pod("host-1")) == "10.1.0.11", "whatever the pod's own address is"
    assert east.place(pod("other")) is None
    assert east.place(pod(None)) is None
    assert central.place(pod("any", "10.2.0.77")) == "10.2.0.77"


def test_a_hosts_name_is_looked_up_and_no_address() -> None:
    found = target.located(stack(), {EAST: {0: "db0.example", 1: "10.1.0.11"}}).region(EAST).nodes
    assert [(node.name, node.address, node.unlocated) for node in found[:2]] == [
        ("db0.example", None, False),
        ("10.1.0.11", "10.1.0.11", False),
    ]


def test_members_elsewhere_are_known_by_their_hosts_or_ranges() -> None:
    aim = stack("us-west1")
    assert aim.unasked == frozenset(f"{host}:26257" for host in HOSTS.values())
    assert aim.unasked_pods == (IPv4Network("10.2.0.0/20"),)


def test_a_node_that_is_down_with_its_host_and_one_that_is_elsewhere_are_told_with_the_repair() -> None:
    unpinned = world.target()
    regions = tuple(replace(one, hosts=HOSTS if one.name == EAST else {}) for one in unpinned.regions)
    aim = replace(unpinned, regions=regions)
    measured = world.measure(aim)
    world.stop_node(measured, EAST, 0, pod("host-0"))
    pods = {**(measured[EAST].pods or {}), 1: pod("host-1"), 2: pod("left")}
    measured[EAST] = replace(measured[EAST], pods=pods)
    verdict = judge(aim, measured.values(), [hosts])
    assert [(found.code, found.target, found.subject) for found in verdict.findings] == [
        ("host-down", EAST, "host-0"),
        ("host-left", EAST, "left"),
    ]
    assert all("`pulumi up`" in found.fix for found in verdict.findings)
    assert not judge(unpinned, measured.values(), [hosts]).findings
