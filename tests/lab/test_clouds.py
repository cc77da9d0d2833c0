"""Both clouds in one stack, small: the network that the program makes is the only one that there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.clouds.store import Store
from policy.gcp.kinds import TUNNEL
from tests.lab.stack import Json, RunningStack, both_clouds, in_a_lab, wait_until
from tests.mutations.__main__ import settled
from tests.mutations.changes import Change, Class, changes, combinations
from tests.mutations.live import Live
from tests.mutations.outcome import red_pairs

GKE = ("us-central1", "us-east1")
EKS = ("us-east-2", "us-west-2")

SAMPLE = (
    ("Route us-east-2-private-a-to-us-west-2: removed", Class.NEEDED),
    ("Addon us-east-2-vpc-cni: SNAT on", Class.NEEDED),
    ("LoadBalancer us-east-2-dns: without 10.2.240.53", Class.REDUNDANT),
    ("VPNTunnel", Class.REDUNDANT),
    pytest.param("VpcPeeringConnectionAccepter", Class.NEEDED, marks=pytest.mark.long),
    pytest.param("Firewall gcp-nodes: removed", Class.NEEDED, marks=pytest.mark.long),
    pytest.param("ManagedPrefixList us-west-2-peer-pods: without", Class.NEEDED, marks=pytest.mark.long),
    pytest.param("LoadBalancer us-west-2-sql: without 10.4.240.90", Class.REDUNDANT, marks=pytest.mark.long),
    pytest.param("RouterNat", Class.EGRESS_ONLY, marks=pytest.mark.long),
)
"""Beginning of a change's label, and the class of what is lost. `make mutations` does all of them, for an hour."""


def config() -> Json:
    """One node per region, one zone where a cloud lets it."""
    return {
        **both_clouds(),
        "regions": [
            {"name": "us-central1", "platform": "gke", "nodes": 1, "zones": ["us-central1-a"]},
            {"name": "us-east-2", "platform": "eks", "nodes": 1, "zones": ["us-east-2a", "us-east-2b"]},
            {"name": "us-east1", "platform": "gke", "nodes": 1, "zones": ["us-east1-b"]},
            {"name": "us-west-2", "platform": "eks", "nodes": 1, "zones": ["us-west-2a", "us-west-2b"]},
        ],
        "databases": [{"name": "bank", "owner": "app", "survive": "region"}],
    }


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Up and green, on hosts that the clouds gave."""
    with in_a_lab("clouds", config()) as running:
        running.up()
        yield running


def test_every_region_reaches_every_other_across_both_clouds(stack: RunningStack) -> None:
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert {row["name"] for row in verdict["regions"]} == {*GKE, *EKS}


def test_the_same_up_again_changes_nothing(stack: RunningStack) -> None:
    summary = stack.run("pulumi", "preview", "--json", "--stack", stack.paths.name).stdout
    assert '"create":' not in summary
    assert '"update":' not in summary
    assert '"replace":' not in summary


@pytest.mark.parametrize(("label", "expected"), SAMPLE, ids=lambda value: str(value))
def test_packets_and_proof_say_the_same_of_what_is_gone(stack: RunningStack, label: str, expected: Class) -> None:
    live = Live(stack.paths)
    change = next(change for change in changes(live.graph) if change.label.startswith(label))
    _agree(live, change, expected)


def test_tunnels_stand_in_for_each_other_until_the_last_is_gone(stack: RunningStack) -> None:
    live = Live(stack.paths)
    tunnels = [change for change in changes(live.graph) if change.type == TUNNEL]
    together = next(combinations(tunnels, live.judge))
    # A region on AWS has four to each region on GCP, whose VPC is one.
    assert 1 + len(together.also) == 8
    _agree(live, together, Class.NEEDED)


def _agree(live: Live, change: Change, expected: Class) -> None:
    assert live.judge.class_of(change) is expected
    with live.changed(change) as there:
        assert there
        verdict = settled(live, expected)
    if expected is Class.NEEDED:
        pairs = live.judge.broken_pairs(change)
        assert pairs
        assert pairs <= red_pairs(verdict), verdict["findings"]
    else:
        assert verdict["verdict"] != "red", verdict["findings"]
    live.wait_green()


def test_destroy_leaves_nothing_in_either_cloud(stack: RunningStack) -> None:
    """Last: the lab is empty after it."""
    refused = stack.run("pulumi", "destroy", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    stack.configure({**config(), "allowDataLoss": True})
    stack.up()
    stack.run("pulumi", "destroy", "--yes", "--skip-preview")
    left = Store(stack.paths.root / "clouds").snapshot()
    assert {cloud: state.all() for cloud, state in left.items()} == {"gcp": [], "aws": []}
    wait_until(60, "no control plane runs", lambda: not _running(stack))


def _running(stack: RunningStack) -> list[Any]:
    return [region for region in stack.lab.status()["regions"] if region["ready"]]
