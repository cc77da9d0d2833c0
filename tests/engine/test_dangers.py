"""Dangerous changes in the real engine: a preview refuses each, with a message that says what to do instead.

docs/dangers.md lists them all. Here are those of config against the state, all in one preview, and those of changed
code, which no check of the config sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.paths import PROJECT
from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack
from tests.engine import regions
from tests.engine.program import Program, previewed, reviewed
from tests.engine.regions import Attendant
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


TAMPERED = """
import runpy, sys
import pulumi

sys.path.insert(0, {project!r})

def change(args):
    for type_end, name, key, value in {changes!r}:
        if args.type_.endswith(type_end) and args.name == name:
            found = args.props
            *path, last = key.split(".")
            for step in path:
                found = found[step]
            found[last] = value
            args.opts.ignore_changes = []
            args.opts.protect = False
            return pulumi.ResourceTransformationResult(args.props, args.opts)

pulumi.runtime.register_stack_transformation(change)
runpy.run_path({main!r}, run_name="__main__")
"""
"""The real program, in which somebody changed what no config reaches."""

CODE: list[tuple[tuple[str, str, str, Any], str]] = [
    (
        (":StatefulSet", "us-east1-nodes", "spec.serviceName", "other"),
        "us-east1: makes anew (forced by spec.serviceName) StatefulSet nodes, and nodes' data with it",
    ),
    (
        (":StatefulSet", "us-west1-nodes", "spec.updateStrategy", {"type": "RollingUpdate"}),
        "us-west1: StatefulSet nodes would restart its pods by itself",
    ),
    (
        (":Namespace", "us-east1-namespace", "metadata.name", "other"),
        "makes anew (forced by metadata.name) Namespace",
    ),
    (
        (":SelfSignedCert", "cockroachdb-authority-certificate", "subject", {"common_name": "Other"}),
        "goes before another authority is trusted everywhere",
    ),
    ((":Job", "cockroachdb-init-job", "spec.backoffLimit", 9), "would run `cockroach init` again"),
]
"""Type, name, property and value, and what the review says of it."""


@pytest.mark.long
def test_a_review_refuses_what_changed_code_would_do(stack: Program, world: dict[str, Cluster]) -> None:
    stack.configure(regions.stack_file(stack.folder, world, {}))
    with Attendant(list(world.values())):
        stack.up()
        main = stack.folder / "changed"
        main.mkdir()
        project = (stack.folder / "Pulumi.yaml").read_text()
        (stack.folder / "Pulumi.yaml").write_text(project.replace(f"main: {PROJECT}", "main: changed"))
        stack.environment |= {"PYTHONPATH": str(PROJECT)}
        for change, message in CODE:
            source = TAMPERED.format(project=str(PROJECT), main=str(PROJECT / "__main__.py"), changes=[change])
            (main / "__main__.py").write_text(source)
            code, text = reviewed(previewed(stack))
            assert code == 2, (change, text)
            assert message in text, (change, text)
