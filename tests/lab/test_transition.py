"""A running cluster goes from one strategy to another by an `up` with both: the same nodes, at new addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.client import client
from tests.lab.stack import RunningStack, in_a_lab, members, pods_of
from tests.lab.strategies import NAMES, existing

BEFORE, AFTER = "stub-domains", "load-balancer-per-node"
BOTH, BACK = f"{BEFORE}+{AFTER}", f"{AFTER}+{BEFORE}"

MOST_SECONDS_WITHOUT_AN_ANSWER = 15
"""A client that is on a node that leaves asks another one by the same load balancer."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    databases = [{"name": "bank", "owner": "app", "primaryRegion": "alpha", "survive": "zone"}]
    config = {**existing(BEFORE, 2), "strategy": BEFORE, "databases": databases}
    with in_a_lab("transition", config, hosts=2) as running:
        running.up()
        yield running


def go(stack: RunningStack, strategy: str) -> dict[str, int]:
    """Change to a strategy; the members afterwards."""
    stack.configure({**stack.config(), "strategy": strategy})
    stack.up()
    return members(stack.verify())


def test_at_once_it_is_refused_with_the_way(stack: RunningStack) -> None:
    pods = pods_of(stack, NAMES)
    config = stack.config()
    stack.configure({**config, "strategy": AFTER})
    assert BOTH in stack.up(check=False)
    stack.configure(config)
    stack.up()
    assert pods_of(stack, NAMES) == pods


def test_half_a_change_goes_back_by_both_the_other_way_round(stack: RunningStack, tmp_path: Path) -> None:
    before = members(stack.verify())
    with client(stack, tmp_path) as asked:
        between = go(stack, BOTH)
        assert set(between.values()) == set(before.values()), "the same nodes"
        assert set(between) & set(before) == set(), "each at another address"
        assert go(stack, BACK) == before
        assert go(stack, BEFORE) == before
    assert asked.longest < MOST_SECONDS_WITHOUT_AN_ANSWER


def test_nodes_move_to_the_second_strategys_addresses(stack: RunningStack, tmp_path: Path) -> None:
    before, pods = members(stack.verify()), pods_of(stack, NAMES)
    with client(stack, tmp_path) as asked:
        between = go(stack, BOTH)
        assert set(between.values()) == set(before.values()), "the same nodes"
        assert set(between) & set(before) == set(), "each at another address"
        moved = pods_of(stack, NAMES)
        assert all(moved[name] != pods[name] for name in pods), "each has restarted"

        assert go(stack, AFTER) == between
        assert pods_of(stack, NAMES) == moved, "the second up restarts nobody"
    assert asked.longest < MOST_SECONDS_WITHOUT_AN_ANSWER
    assert "cockroachdb-dns" not in stack.kubectl("alpha", "-n", "kube-system", "get", "services")
