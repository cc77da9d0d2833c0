"""What every strategy must do, in a lab of its own. The default one has the rest of the lab's tests beside these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.plan.balancers import PODS
from components.plan.defaults import STRATEGY
from components.strategies import AVAILABLE, strategy
from tests.lab.stack import (
    Json,
    RunningStack,
    identity,
    in_a_lab,
    is_ready,
    members,
    region,
    small_config,
    wait_until,
)

NAMES = ("alpha", "beta", "gamma")

IN_THE_CLEAR = """
import socket, struct, sys
link = socket.create_connection((sys.argv[1], 26257), 5)
words = b"user\\0verifier\\0\\0"
link.sendall(struct.pack(">II", 8 + len(words), 196608) + words)
try:
    print(link.recv(1).decode() or "closed")
except OSError:
    print("closed")
"""
"""A session of PostgreSQL's protocol that asks for no TLS: `E` is a refusal, `R` would be a welcome."""


def config(name: str, nodes: int = 1) -> Json:
    """Three regions; where the strategy can do without routes to pods, there are none."""
    routed = any(port.to == PODS for port in strategy(name).ports())
    kinds = ("coredns", "coredns", "kube-dns")
    regions = [
        {**region(place, kind, nodes if place == "alpha" else 1), "podsRouted": routed}
        for place, kind in zip(NAMES, kinds, strict=True)
    ]
    return {**small_config(*regions), "strategy": name}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.long] if name == STRATEGY else []) for name in AVAILABLE],
)
def stack(request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    with in_a_lab(request.param, config(request.param), hosts=2) as running:
        running.up()
        yield running


def test_every_region_reaches_every_other(stack: RunningStack) -> None:
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert len(members(verdict)) == len(NAMES)


def test_a_killed_pod_comes_back_as_itself(stack: RunningStack) -> None:
    before, uid = members(stack.verify()), identity(stack.pods("beta"))["cockroachdb-0"][0]
    stack.kubectl("beta", "-n", "beta", "delete", "pod", "cockroachdb-0", "--wait=false")

    def back() -> bool:
        pods = stack.pods("beta")
        return (
            "cockroachdb-0" in pods
            and pods["cockroachdb-0"]["metadata"]["uid"] != uid
            and is_ready(pods["cockroachdb-0"])
        )

    wait_until(120, "the pod is made anew and ready", back)
    stack.until_green(90)
    assert set(members(stack.verify()).values()) == set(before.values()), "the same nodes, none beside them"


def test_a_cut_region_is_named_and_heals(stack: RunningStack) -> None:
    stack.lab.run("fault", "cut", "gamma")
    try:
        verdict = stack.verify()
        assert verdict["verdict"] == "red"
        assert any("gamma" in (found["source"], found["target"]) for found in verdict["findings"])
    finally:
        stack.lab.run("fault", "heal")
    stack.until_green(90)


def test_a_regions_dead_balancers_are_named_and_heal(stack: RunningStack) -> None:
    stack.lab.run("fault", "kill-balancer", "beta")
    try:
        verdict = stack.verify()
        assert verdict["verdict"] == "red"
        assert {found["target"] for found in verdict["findings"] if found["severity"] == "red"} == {"beta"}
    finally:
        stack.lab.run("fault", "heal")
    stack.until_green(90)


def test_no_node_talks_in_the_clear(stack: RunningStack) -> None:
    host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
    answer = stack.lab.inside("beta-host-0", "/usr/bin/python3", "-c", IN_THE_CLEAR, host)
    assert answer.stdout.strip() in ("E", "closed"), answer.stderr


def test_one_node_more_joins_and_restarts_nobody(stack: RunningStack) -> None:
    before = {name: identity(stack.pods(name)) for name in NAMES}
    stack.configure(config(str(stack.config()["strategy"]), nodes=2))
    stack.up()
    assert len(members(stack.verify())) == len(NAMES) + 1
    for name in NAMES:
        assert before[name].items() <= identity(stack.pods(name)).items(), "nobody restarts"
