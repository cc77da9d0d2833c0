"""A running cluster goes from one strategy to another by an `up` with both: the same nodes, at new addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.stack import RunningStack, in_a_lab, members, pods_of
from tests.lab.strategies import NAMES, existing

BEFORE, AFTER = "stub-domains", "load-balancer-per-node"
BOTH = f"{BEFORE}+{AFTER}"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with in_a_lab("transition", {**existing(BEFORE, 1), "strategy": BEFORE}, hosts=2) as running:
        running.up()
        yield running


def test_nodes_move_to_the_second_strategys_addresses_and_back_no_further(stack: RunningStack) -> None:
    before, pods = members(stack.verify()), pods_of(stack, NAMES)
    stack.configure({**stack.config(), "strategy": AFTER})
    assert BOTH in stack.up(check=False), "at once it is refused, with the way"
    assert pods_of(stack, NAMES) == pods

    stack.configure({**stack.config(), "strategy": BOTH})
    stack.up()
    between = members(stack.verify())
    assert set(between.values()) == set(before.values()), "the same nodes"
    assert set(between) & set(before) == set(), "each at another address"
    moved = pods_of(stack, NAMES)
    assert all(moved[name] != pods[name] for name in pods), "each has restarted"

    stack.configure({**stack.config(), "strategy": AFTER})
    stack.up()
    assert members(stack.verify()) == between
    assert pods_of(stack, NAMES) == moved, "the second up restarts nobody"
    assert "cockroachdb-dns" not in stack.kubectl("alpha", "-n", "kube-system", "get", "services")
