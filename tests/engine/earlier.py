"""States made by earlier versions of this project, and worlds that look as those versions left them.

A state is recorded with the version's own code: `python -m tests.engine.earlier COMMIT` checks the commit out beside
this tree, brings two regions up with it on real API servers, and writes `tests/engine/states/COMMIT.json.xz`. Its
secrets are encrypted, with the tests' own passphrase, and open nothing.
"""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lab.paths import PROJECT
from tests.conformance.cluster import Cluster
from tests.conformance.environment import CONTROL_PLANE, engine_environment, plugin_path
from tests.engine import regions
from tests.engine.program import NAMES, Program
from tests.engine.regions import Attendant, world

STATES = Path(__file__).parent / "states"
WORLD = "@world@"
"""In a recorded state, in the place of the folder where its world was."""


def config(folder: Path) -> dict[str, Any]:
    """Two regions, whose clusters are in folders of their own."""
    return regions.stack_file(folder, {name: Cluster(folder / name, 0) for name in NAMES}, {})


def program(folder: Path, checkout: Path = PROJECT, salt: str | None = None) -> Program:
    """A stack of a checkout's program with this config. `salt`: of a state to be imported."""
    environment = engine_environment(plugin_path(folder / "lab", *CONTROL_PLANE), folder / "pulumi")
    made = Program(folder / "project", environment)
    made.stacked(checkout)
    if salt is not None:
        made.file.write_text(yaml.safe_dump({"encryptionsalt": salt}), encoding="utf-8")
    made.configure(config(folder))
    return made


def record(commit: str) -> Path:
    """Bring a commit's program up and keep its state."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkout = folder / "checkout"
        _git("worktree", "add", "--quiet", "--detach", str(checkout), commit)
        try:
            with world(folder) as started, Attendant(list(started.values())):
                made = program(folder, checkout)
                made.up()
                deployment = json.loads(made.state_text())["deployment"]
                dns = {name: _dns(cluster) for name, cluster in started.items()}
                salt = yaml.safe_load(made.file.read_text(encoding="utf-8"))["encryptionsalt"]
        finally:
            _git("worktree", "remove", "--force", str(checkout))
    for each in deployment["resources"]:
        for detail in ("created", "modified", "sourcePosition", "stackTrace"):
            each.pop(detail, None)
    state = {
        "salt": salt,
        "secrets_providers": deployment["secrets_providers"],
        "dns": dns,
        "resources": deployment["resources"],
    }
    STATES.mkdir(exist_ok=True)
    file = STATES / f"{commit}.json.xz"
    file.write_bytes(lzma.compress(json.dumps(state, sort_keys=True).replace(name, WORLD).encode()))
    return file


def recorded_in(file: Path) -> dict[str, Any]:
    """A state as it was written down."""
    return json.loads(lzma.decompress(file.read_bytes()))


def restore(folder: Path, recorded: dict[str, Any], started: Mapping[str, Cluster]) -> Program:
    """Clusters with all that a state says of them, and a stack of today's program that has the state."""
    made = program(folder, salt=recorded["salt"])
    deployment = {
        "manifest": {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""},
        "secrets_providers": recorded["secrets_providers"],
        "resources": recorded["resources"],
    }
    file = folder / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": deployment}).replace(WORLD, str(folder)))
    imported = made.pulumi("stack", "import", f"--file={file}", "--force")
    assert imported.code == 0, imported.text
    shown = json.loads(made.pulumi("stack", "export", "--show-secrets").text)["deployment"]["resources"]
    for name, cluster in started.items():
        for config_map, (key, text) in recorded["dns"][name].items():
            patch = json.dumps({"data": {key: text}})
            cluster.kubectl("patch", "configmap", config_map, "-n=kube-system", "--type=merge", f"-p={patch}")
        for each in shown:
            if f"::{name}-kubernetes::" in each.get("provider", ""):
                _apply(cluster, each)
    return made


def _apply(cluster: Cluster, resource: dict[str, Any]) -> None:
    """The object, as the provider of the state's version applied it."""
    manager = resource["outputs"]["__fieldManager"]
    given = json.dumps({key: _plain(value) for key, value in resource["inputs"].items() if not key.startswith("__")})
    cluster.kubectl("apply", "--server-side", f"--field-manager={manager}", "--validate=false", "-f=-", stdin=given)


def _plain(value: Any) -> Any:
    """Without what marks a secret."""
    if isinstance(value, dict):
        return json.loads(value["plaintext"]) if "plaintext" in value else {k: _plain(v) for k, v in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _dns(cluster: Cluster) -> dict[str, tuple[str, str]]:
    keys = {"coredns": "Corefile", "kube-dns": "stubDomains"}
    return {name: (key, regions.text(cluster, name, key)) for name, key in keys.items()}


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(PROJECT), *words], check=True)


if __name__ == "__main__":
    os.environ.pop("KUBECONFIG", None)
    sys.stdout.write(f"{record(sys.argv[1])}\n")
