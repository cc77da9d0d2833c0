"""Dangerous changes in the real engine: a preview refuses each, with a message that says what to do instead.

docs/dangers.md lists them all. Here are those of config against the state, all in one preview.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.stack import Stack
from tests.engine.program import previewed, reviewed
from tests.engine.test_address_lock import PROGRAM, locked_stack, region

pytestmark = pytest.mark.engine

BEFORE = {
    "regions": [region(name) for name in "abcd"],
    "cockroachdb": {"version": "v26.2.5", "storage": {"size": "100Gi", "class": "fast"}},
    "databases": [{"name": "bank", "owner": "app", "survive": "zone"}],
}
"""Of a stack that runs."""

AFTER = {
    "regions": [region("a", nodes=2), region("b", cidr="10.9.0.0/16"), region("c", state="removed"), region("e")],
    "cockroachdb": {
        "version": "v26.1.9",
        "storage": {"size": "50Gi", "class": "slow"},
        "clusterName": "another",
        "maxOffset": "500ms",
    },
    "databases": [{"name": "bank", "owner": "app", "survive": "zone"}],
}
"""Everything at once that would lose data, nodes or each other."""

REFUSED = {
    "regions[0].nodes": "would take nodes away with their data",
    "regions[1].cidr": "would move b",
    "regions[2].state": "would take c's nodes away with their data; first use `state: draining`",
    "regions": "d is missing, but the running stack has it",
    "cockroachdb.version": "is older than v26.2.5, which the running stack has",
    "cockroachdb.clusterName": "cannot be rolled out node by node",
    "cockroachdb.maxOffset": "cannot be rolled out node by node",
    "cockroachdb.storage.size": "50Gi is less than 100Gi",
    "cockroachdb.storage.class": "a volume can't change its class",
}


def configure(stack: Stack, config: dict[str, Any]) -> None:
    """Write the stack file, its own salt kept."""
    file = stack.folder / "Pulumi.locked.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    document["config"] = {f"cockroachdb-multiregion:{key}": value for key, value in config.items()}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_a_preview_refuses_what_the_state_rules_out(tmp_path: Path) -> None:
    locked = locked_stack(tmp_path)
    configure(locked, BEFORE)
    locked.up(PROGRAM)
    configure(locked, AFTER)
    code, text = reviewed(previewed(locked))
    assert code == 2
    lines = [line.strip() for line in text.splitlines()]
    for path, message in REFUSED.items():
        assert any(f"{path}: " in line and message in line for line in lines), (path, text)
