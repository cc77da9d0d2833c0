"""Stacks run in a lab from copies: tracked files stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab import stackfile
from lab.paths import LabPaths
from lab.shell import LabError

CONFIG = "cockroachdb-multiregion"


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths("mine", tmp_path / "mine")


def test_the_copy_uses_this_labs_kubeconfig_and_nothing_else_changes(paths: LabPaths) -> None:
    copy = stackfile.choose(paths, "dev", None)
    original = yaml.safe_load((stackfile.PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    config = yaml.safe_load(copy.read_text())["config"]
    for before, after in zip(original[f"{CONFIG}:regions"], config[f"{CONFIG}:regions"], strict=True):
        assert after["kubeconfig"] == str(paths.kubeconfig)
        assert {**after, "kubeconfig": before["kubeconfig"]} == before
    del original[f"{CONFIG}:regions"], config[f"{CONFIG}:regions"]
    assert config == original


def test_nodes_of_a_cloud_example_are_small_enough_for_one_machine() -> None:
    config = {
        f"{CONFIG}:platform": "gke",
        f"{CONFIG}:regions": [{"name": "us-east1"}],
        f"{CONFIG}:cockroachdb": {"version": "v26.2.5", "storage": {"size": "500Gi", "class": "fast"}},
    }
    small = stackfile.in_lab(config, "kubeconfig", None)[f"{CONFIG}:cockroachdb"]
    assert small == {
        "version": "v26.2.5",
        "resources": {"cpu": "100m", "memory": "512Mi"},
        "storage": {"size": "1Gi", "class": "fast"},
    }
    existing = {**config, f"{CONFIG}:platform": "existing"}
    assert stackfile.in_lab(existing, "kubeconfig", None)[f"{CONFIG}:cockroachdb"] == config[f"{CONFIG}:cockroachdb"]


OPTIONS = f"{CONFIG}:strategyOptions"
ASKED = {OPTIONS: {"rfc2136": {"servers": ["10.0.0.53"], "tsigKeyName": "key"}}}


def test_the_labs_own_signing_key_is_filled_in_once_the_engine_has_encrypted_it() -> None:
    waiting = stackfile.with_key(ASKED, stackfile.signing_key({}))
    assert waiting[OPTIONS]["rfc2136"]["tsigSecret"] == stackfile.PLACEHOLDER
    assert stackfile.signing_key(waiting) is None
    encrypted = {OPTIONS: {"rfc2136": {"tsigSecret": {"secure": "v1:x"}}}}
    for before in (ASKED, waiting):
        filled = stackfile.with_key(before, stackfile.signing_key(encrypted))
        assert filled[OPTIONS]["rfc2136"]["tsigSecret"] == {"secure": "v1:x"}
    assert stackfile.with_key(filled, {"secure": "another"}) == filled
    assert stackfile.with_key({OPTIONS: {"else": 1}}, None) == {OPTIONS: {"else": 1}}


def test_what_the_engine_wrote_stays(paths: LabPaths) -> None:
    copy = stackfile.choose(paths, "dev", None)
    copy.write_text(copy.read_text() + "encryptionsalt: v1:salt\n")
    stackfile.refresh(paths)
    assert yaml.safe_load(copy.read_text())["encryptionsalt"] == "v1:salt"


def test_another_strategy_is_asked_for_in_the_copy_alone(paths: LabPaths) -> None:
    copy = stackfile.choose(paths, "dev", "pod-ip")
    assert yaml.safe_load(copy.read_text())["config"][f"{CONFIG}:strategy"] == "pod-ip"
    copy = stackfile.choose(paths, "dev", None)
    assert f"{CONFIG}:strategy" not in yaml.safe_load(copy.read_text())["config"]


def test_the_program_is_the_projects_own(paths: LabPaths) -> None:
    folder = stackfile.choose(paths, "dev", None).parent
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert project["main"] == str(stackfile.PROJECT)
    assert project["name"] == "cockroachdb-multiregion"


def test_a_lab_runs_one_stack(paths: LabPaths) -> None:
    stackfile.choose(paths, "dev", None)
    (paths.root / "stack.json").write_text('{"stack": "gke", "strategy": null}')
    with pytest.raises(LabError, match="runs the stack gke"):
        stackfile.choose(paths, "dev", None)


def test_an_unknown_stack_names_the_known_ones(paths: LabPaths) -> None:
    with pytest.raises(LabError, match=r"no stack file Pulumi\.mars\.yaml; stacks: .*dev"):
        stackfile.choose(paths, "mars", None)
