"""Every command that a page shows is run by a test, or is on a list that says why not; the quick ones are run here."""

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from docs.hooks import ROOT, listed
from tests.pages import commands as pages

PROGRAMS = ("make", ".venv/bin/", "python", "pulumi", "kubectl", "gcloud", "aws", "eval", "git", "cp", "uv", "helm")
QUICK = [each for each in pages.every_command() if pages.covered(each) == "quick"]


def test_every_command_is_tested_or_excused() -> None:
    """A new one: run it in a test (the easiest: in a page of `walked`), and say so in tests/pages/commands.yaml."""
    assert [each for each in pages.every_command() if pages.covered(each) is None] == []


def test_nothing_is_listed_that_no_page_shows() -> None:
    told = pages.how()
    shown = {(each.page, tuple(each.text.split("\n")[0].split())) for each in pages.every_command()}
    for entry in [*told["tested"], *told["not-run"]]:
        for command in entry["commands"]:
            assert any((page, tuple(command.split())) in shown for page in entry["pages"]), command
        for page in entry["pages"]:
            assert any((page, tuple(command.split())) in shown for command in entry["commands"]), (page, entry)
    for start in told["quick"]:
        assert any(each.text.startswith(start) for each in QUICK), start


def test_the_tests_that_are_named_exist() -> None:
    for entry in pages.how()["tested"]:
        file, _, function = entry["test"].partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert any(isinstance(node, ast.FunctionDef) and node.name == function for node in ast.walk(tree)), entry[
            "test"
        ]


@pytest.mark.parametrize("page", [name for name in listed() if name.endswith(".md")])
def test_commands_stand_in_blocks_of_sh(page: str) -> None:
    """Where they are looked for."""
    assert [block for block in pages.blocks(page, "") if block.lstrip().startswith(PROGRAMS)] == []
    assert pages.blocks(page, "bash") == pages.blocks(page, "shell") == pages.blocks(page, "console") == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.scratch(tmp_path_factory.mktemp("repository"))


@pytest.mark.parametrize("command", QUICK, ids=lambda command: f"{command.page}: {command.text}")
def test_a_quick_command_succeeds(folder: Path, command: pages.Command) -> None:
    before = [each for each in pages.commands(command.page) if each.text.startswith("cp ")]
    script = "\n".join(["set -euo pipefail", *(each.text for each in before), command.text])
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_lost_regions_mesh_leaves_the_state(tmp_path: Path) -> None:
    """The piece of Python on the page of `istio`, on a state."""
    (command,) = [each for each in pages.commands("docs/strategies/istio.md") if each.text.startswith("python3 -")]
    urn = "urn:pulumi:prod::cockroachdb-multiregion::kubernetes:helm.sh/v3:Release::{}-mesh-istiod"
    resources = [
        {"type": "kubernetes:helm.sh/v3:Release", "urn": urn.format("us-east1")},
        {"type": "kubernetes:helm.sh/v3:Release", "urn": urn.format("us-west1")},
        {"type": "kubernetes:core/v1:Secret", "urn": urn.format("us-east1")},
    ]
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    subprocess.run(["bash", "-euc", command.text], cwd=tmp_path, check=True)
    after = json.loads(state.read_text())["deployment"]["resources"]
    assert [each.get("retainOnDelete", False) for each in after] == [True, False, False]


def test_blocks_are_split_as_a_shell_reads_them() -> None:
    block = "a 'b # c'  # comment\n# comment\n\nfor x in 1 2; do\n  y \\\n    z\ndone\ncat <<'E'\n# kept?\nE\n"
    assert list(pages.split(block)) == ["a 'b # c'", "for x in 1 2; do\n  y \\\n    z\ndone", "cat <<'E'\n# kept?\nE"]
    with pytest.raises(ValueError, match="no shell command"):
        list(pages.split("for x in 1; do\n"))


def test_an_unlisted_command_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pages.covered(pages.Command("docs/tutorial.md", "anything")) == "walked"
    assert pages.covered(pages.Command("docs/gke.md", "pulumi  preview"))
    assert pages.covered(pages.Command("docs/gke.md", "pulumi destroy")) is None
    file = tmp_path / "commands.yaml"
    file.write_text(yaml.safe_dump({"quick": [], "walked": [], "tested": [], "not-run": []}))
    monkeypatch.setattr(pages, "HOW", file)
    assert all(pages.covered(each) is None for each in pages.every_command())


def test_the_shell_is_there() -> None:
    assert shutil.which("bash")
