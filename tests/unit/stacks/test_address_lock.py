"""The lock's provider, called as the engine calls it."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.plan import plan
from components.plan.lock import record
from stacks.address_lock import RECORD, AddressLockProvider
from stacks.settings import raw_from_stack_file

DEV = Path(__file__).parents[3] / "Pulumi.dev.yaml"


def inputs(**changes: Any) -> dict[str, Any]:
    raw = raw_from_stack_file(DEV)
    raw["regions"][1] |= changes
    return {RECORD: json.dumps(record(*plan(raw)))}


@pytest.fixture
def provider() -> AddressLockProvider:
    return AddressLockProvider()


def test_a_first_run_passes(provider: AddressLockProvider) -> None:
    assert provider.check({}, inputs()).failures == []


def test_a_moved_region_fails_with_its_path_and_both_ranges(provider: AddressLockProvider) -> None:
    failures = provider.check(inputs(), inputs(cidr="10.77.0.0/16")).failures
    assert len(failures) == 1
    assert failures[0].reason.startswith("regions[1].cidr: 10.77.0.0/16 would move us-central1")
    assert "10.2.0.0/16" in failures[0].reason


def test_a_new_record_replaces_nothing(provider: AddressLockProvider) -> None:
    old, new = inputs(), inputs(nodes=4)
    assert provider.check(old, new).failures == []
    diff = provider.diff("addresses", old, new)
    assert diff.changes
    assert not diff.replaces
    assert not provider.diff("addresses", old, dict(old)).changes
    assert provider.update("addresses", old, new).outs == new
    assert provider.create(new).outs == new
