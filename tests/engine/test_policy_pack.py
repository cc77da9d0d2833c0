"""The policy pack in the real engine: a first preview of the real program on the lab's clouds, where no id is known."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.paths import PROJECT
from tests.conformance.environment import clouds_in, engine_environment, plugin_path
from tests.conformance.stack import Stack

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.environ.get("LAB_PLUGINS") == "real", reason="real cloud plugins want accounts"),
]

PACK = PROJECT / "policy"

PROGRAM = """
import runpy, sys
import pulumi

sys.path.insert(0, {project!r})

def change(args):
    if (args.type_, args.name) == {resource!r}:
        return pulumi.ResourceTransformationResult({{**args.props, **{props!r}}}, args.opts)

pulumi.runtime.register_stack_transformation(change)
runpy.run_path({main!r}, run_name="__main__")
"""
"""The real program, one resource of which is given other properties."""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    environment = engine_environment(plugin_path(tmp_path / "lab"), tmp_path / "home")
    environment |= clouds_in(tmp_path, 0.0001)
    environment |= {"PYTHONPATH": str(PROJECT)}  # for the dynamic resources: the program is not in the project's folder
    made = Stack(tmp_path / "project", environment)
    made.init()
    project = yaml.safe_load((made.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    schema = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8"))
    (made.folder / "Pulumi.yaml").write_text(yaml.safe_dump({**schema, "runtime": project["runtime"]}))
    assert made.pulumi("stack", "init", "policy").code == 0
    return made


def configure(stack: Stack, example: str, **gcp: Any) -> None:
    """A worked example as the stack's config, which keeps its encryption salt."""
    document = yaml.safe_load((PROJECT / f"Pulumi.{example}.yaml").read_text(encoding="utf-8"))
    if gcp:
        document["config"]["cockroachdb-multiregion:gcp"] |= gcp
    file = stack.folder / "Pulumi.policy.yaml"
    salt = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(yaml.safe_dump({**salt, **document}), encoding="utf-8")


def program(resource: tuple[str, str] = ("", ""), props: dict[str, Any] | None = None) -> str:
    main = str(PROJECT / "__main__.py")
    return PROGRAM.format(project=str(PROJECT), main=main, resource=resource, props=props or {})


def test_the_pack_passes_the_program_and_stops_one_whose_regions_are_apart(stack: Stack) -> None:
    configure(stack, "multicloud")
    passed = stack.preview(program(), f"--policy-pack={PACK}")
    assert "network-proof" not in passed.text, passed.text
    assert f"(local: {PACK})" in passed.text

    apart = program(("gcp:compute/firewall:Firewall", "gcp-nodes"), {"disabled": True})
    stopped = stack.preview(apart, f"--policy-pack={PACK}", fails=True)
    assert "[mandatory]  network-proof" in stopped.text
    assert "broken: us-east-2 -> us-east1" in stopped.text
    assert "no firewall rule of Network gcp lets tcp/26257 from 10.2.128.0/17" in stopped.text
    assert "broken: us-east1 -> us-east-2" not in stopped.text

    open_to_all = program(
        ("aws:ec2/securityGroup:SecurityGroup", "us-east-2-dns"),
        {"ingress": [{"protocol": "udp", "from_port": 53, "to_port": 53, "cidr_blocks": ["0.0.0.0/0"]}]},
    )
    stopped = stack.preview(open_to_all, f"--policy-pack={PACK}", fails=True)
    assert "[mandatory]  nothing-public" in stopped.text


def test_the_command_says_the_same_of_a_preview(stack: Stack) -> None:
    configure(stack, "gke", network="peered")
    stack.program(program(("gcp:compute/firewall:Firewall", "us-east1-dns"), {"disabled": True}))
    preview = subprocess.run(
        ["pulumi", "preview", "--json", "--non-interactive"],
        cwd=stack.folder,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    assert json.loads(preview.stdout)["steps"]
    checked = subprocess.run(
        [sys.executable, "-m", "policy", "-"],
        cwd=PROJECT,
        input=preview.stdout,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 2, checked.stderr
    pairs = {line.partition(" (")[0] for line in checked.stdout.splitlines()}
    assert pairs == {"broken: us-central1 -> us-east1", "broken: us-west1 -> us-east1"}
