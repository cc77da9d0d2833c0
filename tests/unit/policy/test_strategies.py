"""The network that the clouds' examples declare for each strategy is one that it works on, and misses what it needs."""

import pytest

from components.strategies import AVAILABLE
from policy.findings import Severity
from policy.guards import GUARDS
from policy.kubernetes import SERVICE
from policy.reach import violations
from tests.unit.policy.graphs import exported, graph, one, plan_of

PER_NODE = "load-balancer-per-node"


@pytest.mark.parametrize("strategy", AVAILABLE)
@pytest.mark.parametrize("stack", ["gke", "eks", "multicloud"])
def test_what_the_program_declares_for_it_is_proved(stack: str, strategy: str) -> None:
    there = graph(f"{stack}+{strategy}", known=False)
    assert violations(there, plan_of(there)) == []
    assert [str(finding) for guard in GUARDS for finding in guard.rule(there, plan_of(there))] == []


def broken(case: str, kind: str, *names: str) -> dict[tuple[str, str], set[str]]:
    """(source, target) -> hops that fail, without some resources."""
    before = exported(case)
    found: dict[tuple[str, str], set[str]] = {}
    for each in violations(before.without(*(one(before, kind, name) for name in names)), plan_of(before)):
        if each.severity is Severity.BROKEN:
            found.setdefault((each.source, each.target), set()).add(each.hop)
    return found


def test_a_node_on_gke_whose_load_balancer_is_missing() -> None:
    found = broken(f"gke+{PER_NODE}", SERVICE, "us-east1-cockroachdb-1")
    assert {target for _, target in found} == {"us-east1"}
    assert set.union(*found.values()) == {"load balancer"}


def test_a_node_on_eks_whose_load_balancer_is_missing() -> None:
    found = broken(f"eks+{PER_NODE}", "aws:lb/loadBalancer:LoadBalancer", "us-east-1-node-1")
    assert {target for _, target in found} == {"us-east-1"}
    assert set.union(*found.values()) == {"load balancer"}


def test_the_firewall_lets_regions_in_to_nodes_load_balancers() -> None:
    """SQL's clients have a rule for the same ports: each stands in for the other as far as their ranges go."""
    firewall = "gcp:compute/firewall:Firewall"
    found = broken(f"gke+{PER_NODE}", firewall, "gcp-node", "gcp-clients")
    assert set.union(*found.values()) == {"firewall"}
    assert len(found) == 6
    assert not broken(f"gke+{PER_NODE}", firewall, "gcp-clients")


def test_a_region_on_gke_whose_join_load_balancer_is_missing() -> None:
    found = broken("gke+pod-ip", SERVICE, "us-east1-join-balancer")
    assert {target for _, target in found} == {"us-east1"}
    assert set.union(*found.values()) == {"load balancer"}


def test_a_region_on_eks_whose_join_load_balancer_is_missing() -> None:
    found = broken("eks+pod-ip", "aws:lb/loadBalancer:LoadBalancer", "us-east-1-join")
    assert {target for _, target in found} == {"us-east-1"}
    assert set.union(*found.values()) == {"load balancer"}
