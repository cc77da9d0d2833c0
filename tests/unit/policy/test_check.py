"""`python -m policy FILE` as a command, and the pack's policies without an engine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, PolicyResource, StackValidationArgs, StackValidationPolicy
from pulumi_policy.proxy import unknown_checking_proxy

from policy import pack
from policy.check import FOUND, UNREADABLE, main
from policy.gcp import kinds as gcp
from tests.unit.policy.graphs import document

ROOT = Path(__file__).parents[3]


def stack(without: str = "") -> dict[str, Any]:
    whole = document("gke-peered")
    kept = [state for state in whole["deployment"]["resources"] if not without or not state["urn"].endswith(without)]
    return {"deployment": {"resources": kept}}


PEERING = f"{gcp.PEERING}::us-east1-to-us-central1"
NAT = f"{gcp.ROUTER_NAT}::us-east1-nat"


def written(folder: Path, content: dict[str, Any]) -> str:
    file = folder / "stack.json"
    file.write_text(json.dumps(content))
    return str(file)


def test_a_sound_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, stack())]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "6 of 6 ordered pairs of regions reach each other\n"


def test_one_line_for_each_violation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, stack(PEERING))]) == FOUND
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "broken: us-east1 -> us-central1",
        "broken: us-central1 -> us-east1",
    ]
    assert "4 of 6 ordered pairs" in said.err


def test_a_missing_stand_in_is_said_and_counts_if_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, stack(NAT))
    assert main([file]) == 0
    assert "degraded: us-east1 -> the internet" in capsys.readouterr().err
    assert main(["--strict", file]) == FOUND
    assert "degraded: us-east1 -> the internet" in capsys.readouterr().out


def test_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere.json")]) == UNREADABLE
    assert main([written(tmp_path, {"deployment": {}})]) == UNREADABLE
    assert "neither" in capsys.readouterr().err


def test_the_command_needs_no_pulumi() -> None:
    code = (
        "import sys; from policy.check import main; main(['-']); "
        "sys.exit(sorted(m for m in sys.modules if m.split('.')[0].startswith(('pulumi', 'kubernetes', 'grpc'))) or 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, input=json.dumps(stack())
    )
    assert ran.returncode == 0, ran.stderr


def analyzed(states: list[dict[str, Any]]) -> StackValidationArgs:
    class Options:
        protect = False

    options: Any = Options()
    made: dict[str, PolicyResource] = {}
    for state in states:
        props = unknown_checking_proxy({**state["inputs"], **state["outputs"], "id": state["id"]})
        made[state["urn"]] = PolicyResource(
            state["type"], props, state["urn"], state["urn"].rpartition("::")[2], options, None, None, [], {}
        )
    return StackValidationArgs(list(made.values()))


def reported(policy: StackValidationPolicy, args: StackValidationArgs) -> list[str]:
    said: list[str] = []
    policy.validate(args, lambda message, urn=None: said.append(message))
    return said


def test_the_pack_holds_what_must_hold() -> None:
    levels = {policy.name: policy.enforcement_level for policy in pack.policies()}
    assert {name for name, level in levels.items() if level is EnforcementLevel.MANDATORY} == {
        "network-proof",
        "nothing-public",
        "encryption",
        "deletion-protection",
        "least-privilege",
    }


@pytest.mark.parametrize(("without", "policy"), [(PEERING, "network-proof"), (NAT, "network-redundancy")])
def test_the_packs_policies_report(without: str, policy: str) -> None:
    policies = {each.name: each for each in pack.policies() if isinstance(each, StackValidationPolicy)}
    args = analyzed(stack(without)["deployment"]["resources"])
    said = {name: reported(each, args) for name, each in policies.items()}
    assert {name for name, messages in said.items() if messages} == {policy}


def test_a_stack_without_a_plan_is_no_business_of_the_proof() -> None:
    from pulumi_policy.policy import _NotApplicableError

    (proof,) = [each for each in pack.policies() if each.name == "network-proof"]
    assert isinstance(proof, StackValidationPolicy)
    with pytest.raises(_NotApplicableError):
        reported(proof, analyzed([]))


def test_regions_on_existing_clusters_are_said_once() -> None:
    states = stack()["deployment"]["resources"]
    for state in states:
        if state["type"].endswith(":AddressLock"):
            record = json.loads(state["inputs"]["record"])
            for region in record["topology"]["regions"]:
                region["platform"] = "existing"
            state["inputs"] = state["outputs"] = {"record": json.dumps(record)}
    (unproved,) = [each for each in pack.policies() if each.name == "network-unproved"]
    assert isinstance(unproved, StackValidationPolicy)
    (message,) = reported(unproved, analyzed(states))
    assert message.startswith("us-east1, us-central1, us-west1: on clusters that were there before")
