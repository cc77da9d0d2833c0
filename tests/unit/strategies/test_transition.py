"""A running stack's way from one strategy to another: everything of both, and nothing made anew when one goes."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from itertools import permutations
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.lock import compare_topologies
from components.strategies import AVAILABLE, strategy
from tests.unit.recording import Recording
from tests.unit.stacks.test_multiregion import config, run

BEFORE, AFTER = "stub-domains", "load-balancer-per-node"
BOTH = f"{BEFORE}+{AFTER}"
BACK = f"{AFTER}+{BEFORE}"
NAMES = ("us-east1", "us-central1", "us-west1")


@pytest.fixture(autouse=True)
def kubeconfigs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they say is read from files that are not here."""
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


def planned(chosen: str, **more: Any) -> Any:
    return plan(config(strategy=chosen, **more))[1]


def topology(chosen: str) -> dict[str, Any]:
    return planned(chosen).to_json()


def test_certificates_name_nodes_by_both_and_nodes_take_the_seconds_address() -> None:
    before, both, after = (planned(chosen).regions[0] for chosen in (BEFORE, BOTH, AFTER))
    assert set(both.certificate_names) == {*before.certificate_names, *after.certificate_names}
    assert [node.address for node in both.nodes] == [node.address for node in after.nodes]
    assert {balancer.name for balancer in both.balancers} == {
        balancer.name for region in (before, after) for balancer in region.balancers
    }
    assert both.forwards == before.forwards
    assert planned(BOTH).join_addresses == planned(AFTER).join_addresses


def test_the_network_lets_both_through() -> None:
    assert set(strategy(BOTH).ports()) == {*strategy(BEFORE).ports(), *strategy(AFTER).ports()}
    assert strategy(BOTH).pods_meet


def lasting(chosen: str) -> set[str]:
    """URNs of what a stack has, but for Jobs, which are made anew for each template, and the empty connections."""
    urns = (made.urn for made in run(config(strategy=chosen)).resources)
    return {urn for urn in urns if ":Job::" not in urn and ":NoConnection::" not in urn}


def test_what_either_has_is_there_under_the_same_name() -> None:
    """So that nothing is made anew, neither on the way nor at its end."""
    assert lasting(BEFORE) | lasting(AFTER) <= lasting(BOTH)


@pytest.mark.parametrize(
    ("was", "now"), [(BEFORE, BOTH), (BOTH, AFTER), (BOTH, BACK), (BACK, BOTH), (BACK, BEFORE), (BOTH, BOTH)]
)
def test_a_running_stack_goes_by_both(was: str, now: str) -> None:
    assert compare_topologies(topology(was), topology(now)) == []


@pytest.mark.parametrize(
    ("was", "now", "way"),
    [
        (BEFORE, AFTER, f"keep that, or go by {BOTH}"),
        (BEFORE, BACK, f"keep that, or go by {BEFORE}+"),
        (BEFORE, "proxy+pod-ip", f"keep that, or go by {BEFORE}+pod-ip"),
        (BOTH, BEFORE, f"go on with {AFTER}, or back by {BACK}: an up with that, and one with {BEFORE} after it"),
        (BOTH, f"{AFTER}+proxy", f"go on with {AFTER}, or back by {BACK}"),
    ],
)
def test_a_running_stack_is_not_renamed_at_once(was: str, now: str, way: str) -> None:
    (problem,) = compare_topologies(topology(was), {**topology(was), "strategy": now})
    assert problem.path == "strategy"
    assert way in problem.message


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ("stub-domains+pod-ip", "with pod-ip nodes' certificates are made at run time"),
        ("stub-domains+coredns-primary", "it would rename us-east1's zone"),
        ("host-network+stub-domains", "with host-network pods are in their hosts' networks"),
        ("istio+stub-domains", "with istio nodes are known to each other's sidecars alone"),
        ("load-balancer-per-node+istio", "with istio nodes are known to each other's sidecars alone"),
        ("stub-domains+coredns-federated", "both forward us-central1.svc.cluster.local in us-east1, each to"),
    ],
)
def test_nodes_that_cannot_be_known_by_both_are_refused_with_the_way(chosen: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        planned(chosen)
    assert f"strategy: {chosen} is no way for a running stack: {why}" in str(refused.value)
    assert "make a new stack with it and restore a backup there" in str(refused.value)


@pytest.mark.parametrize("chosen", ["stub-domains+stub-domains", "stub-domains+", "a+b", "stub-domains+pod-ip+proxy"])
def test_what_is_no_transition_is_no_strategy(chosen: str) -> None:
    with pytest.raises(ConfigError, match="is not a strategy"):
        planned(chosen)


def test_each_reads_its_own_options_and_a_key_of_neither_is_unknown() -> None:
    regions = [{**entry, "strategyOptions": {"address": f"10.{place}.16.30"}} for place, entry in enumerate(
        config()["regions"], 1)]  # fmt: skip
    both = plan({**config(strategy="stub-domains+proxy"), "regions": regions})[1]
    assert {node.address for node in both.regions[1].nodes} == {"10.2.16.30"}
    with pytest.raises(ConfigError, match=r"strategyOptions.addres: unknown key; did you mean address"):
        planned(
            "stub-domains+proxy", regions=[{**each, "strategyOptions": {"addres": "10.1.16.30"}} for each in regions]
        )


def test_the_way_back_is_a_rollout_of_its_own() -> None:
    """Pods that have restarted already must do so again, to a template that a Job has rolled out before."""

    def rollouts(chosen: str) -> set[str]:
        return {made.name for made in run(config(strategy=chosen)).of(":Job") if ":Rollout$" in made.urn}

    there, back = rollouts(BEFORE), rollouts(BACK)
    assert there and back and not there & back


def passes(first: str, second: str) -> bool:
    try:
        plan(config(strategy=f"{first}+{second}"))
    except ConfigError:
        return False
    return True


PASSES = [pair for pair in permutations(AVAILABLE, 2) if passes(*pair)]


def test_what_passes_is_known() -> None:
    """Another pair is another thing to think through, and to say in docs/choosing.md."""
    ways = ("stub-domains", "load-balancer-per-node", "proxy")
    federated = ("coredns-federated", "load-balancer-per-node", "proxy")
    assert set(PASSES) == {*permutations(ways, 2), *permutations(federated, 2)}


def parts(recording: Recording, kinds: Collection[str]) -> dict[str, dict[str, Any]]:
    """URN -> inputs of what is below components of these kinds."""
    return {
        made.urn: made.inputs
        for made in recording.resources
        if any(f":{kind}$" in made.urn for kind in kinds) and not made.type.startswith("pulumi:")
    }


@pytest.mark.parametrize(("first", "second"), PASSES)
def test_each_ones_own_part_is_in_both_as_it_is_alone(first: str, second: str) -> None:
    """What serves nodes that have not restarted yet, and what serves those that have."""
    alone = {word: run(config(strategy=word)) for word in (first, second)}
    both = run(config(strategy=f"{first}+{second}"))
    seen = [made.urn for made in both.resources]
    assert len(seen) == len(set(seen)), "each is registered once"
    for word in (first, second):
        package = import_module(f"components.strategies.{AVAILABLE[word]}")
        kinds = [name.rpartition(".")[2] for name in getattr(package, "COMPONENTS", ())]
        own = parts(alone[word], kinds)
        assert own.items() <= parts(both, kinds).items(), word


@pytest.mark.parametrize(("first", "second"), PASSES)
def test_objects_of_both_are_never_two_with_one_name(first: str, second: str) -> None:
    names = [
        (made.provider, made.type, str(made.inputs["metadata"].get("namespace")), made.inputs["metadata"]["name"])
        for made in run(config(strategy=f"{first}+{second}")).resources
        if made.type.startswith("kubernetes:") and made.inputs.get("metadata", {}).get("name")
    ]
    assert len(names) == len(set(names))


def test_nobody_changes_strategy_while_a_region_drains() -> None:
    now = topology(BOTH)
    now["regions"][2]["state"] = "draining"
    (problem,) = compare_topologies(topology(BEFORE), now)
    assert problem.path == "strategy"
    assert "us-west1 is draining" in problem.message
