"""The address lock in the real engine: refusals in preview and up, before what depends on it, again and again."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.paths import PROJECT
from tests.conformance.environment import engine_environment, plugin_path
from tests.conformance.stack import Stack

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
from stacks.address_lock import AddressLock
from stacks.settings import from_pulumi

settings, plan = from_pulumi()
lock = AddressLock("addresses", settings, plan)
for region in plan.regions:
    pulumi.Stash(region.name, pulumi.ResourceOptions(depends_on=[lock]), str(region.cidr))
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return locked_stack(tmp_path)


def locked_stack(tmp_path: Path) -> Stack:
    """A project with the real schema, whose program only locks; the packages are linked in beside it."""
    environment = engine_environment(plugin_path(tmp_path / "lab"), tmp_path / "home")
    made = Stack(tmp_path / "project", environment)
    made.init()
    for package in ("components", "stacks"):
        (made.folder / package).symlink_to(PROJECT / package)
    project = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["runtime"]["options"] = {"virtualenv": str(PROJECT / ".venv")}
    (made.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    assert made.pulumi("stack", "init", "locked").code == 0
    return made


def configure(stack: Stack, regions: list[dict[str, Any]]) -> None:
    """Write the stack file: its own salt kept, the regions as given."""
    file = stack.folder / "Pulumi.locked.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    document["config"] = {"cockroachdb-multiregion:regions": regions}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")


def region(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "dns": {"kind": "coredns"}, "kubeconfig": "none", "context": name, **more}


def test_a_used_address_never_moves(stack: Stack) -> None:
    configure(stack, [region("a"), region("b")])
    assert stack.up(PROGRAM).steps == {"addresses": "create", "a": "create", "b": "create"}
    assert set(stack.up().steps.values()) <= {"same"}

    configure(stack, [region("a"), region("b", cidr="10.9.0.0/16")])
    refusal = "regions[1].cidr: 10.9.0.0/16 would move b, which the running stack has at 10.2.0.0/16"
    for refused in (stack.preview(fails=True), stack.up(fails=True), stack.up(fails=True)):
        assert refusal in refused.text
        assert not {"a", "b"} & set(refused.steps)

    configure(stack, [region("a"), region("b"), region("c", nodes=1)])
    steps = stack.up().steps
    assert steps == {"addresses": "update", "a": "same", "b": "same", "c": "create"}


def test_a_destroyed_stack_is_free_to_plan_anew(stack: Stack) -> None:
    configure(stack, [region("a"), region("b")])
    stack.up(PROGRAM)
    stack.destroy()
    configure(stack, [region("a"), region("b", cidr="10.9.0.0/16")])
    assert stack.up().steps["b"] == "create"


def test_a_refused_config_is_said_without_a_traceback(stack: Stack) -> None:
    configure(stack, [region("A"), region("b", cidr="10.1.0.0/16")])
    refused = stack.preview(PROGRAM, fails=True)
    assert "regions[0].name: A is not a DNS label" in refused.text
    assert "Traceback" not in refused.text
    assert refused.steps == {}
