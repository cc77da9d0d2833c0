"""The lock's provider, called as the engine calls it."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.plan import plan
from components.plan.lock import record
from stacks.address_lock import RECORD, AddressLockProvider, CompletedProvider
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


def test_what_can_go_back_is_kept_with_the_record(provider: AddressLockProvider) -> None:
    def asked(version: str, finalize: bool) -> dict[str, Any]:
        raw = raw_from_stack_file(DEV)
        raw["cockroachdb"] |= {"version": version, "finalizeUpgrade": finalize}
        return {RECORD: json.dumps(record(*plan(raw)))}

    state = provider.check({}, asked("v26.2.5", finalize=True)).inputs
    for version in ("v26.2.5", "v26.4.0", "v26.4.0", "v26.2.6"):
        checked = provider.check(state, asked(version, finalize=False))
        assert checked.failures == []
        state = checked.inputs
        assert json.loads(state[RECORD])["held"] == "v26.2.5"
    assert "held" not in json.loads(provider.check(state, asked("v26.4.0", finalize=True)).inputs[RECORD])


def test_a_step_whose_predecessor_did_not_end_well_is_refused() -> None:
    completed = CompletedProvider()
    assert completed.check({}, inputs(nodes=2)).failures == [], "nothing has ever ended well"
    (failure,) = completed.check(inputs(), inputs(nodes=2)).failures
    assert failure.reason.startswith("regions[1].nodes: 2 would take nodes away")
    assert "end the step that did not first" in failure.reason
    assert completed.check(inputs(nodes=3, drainingNodes=1), inputs(nodes=2)).failures == []
