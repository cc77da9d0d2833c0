"""A stack as it runs in a lab: a copy of its file, and of Pulumi.yaml, under `.lab/<name>/project`.

The engine writes the encryption salt into the stack file it is given, and other strategies are tried on a stack: on a
copy, so that tracked files stay as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from lab.paths import PROJECT, LabPaths
from lab.shell import LabError
from lab.world import CONFIG

ENGINE_KEYS = ("secretsprovider", "encryptedkey", "encryptionsalt")
"""What the engine writes beside `config`."""


OPTIONS = f"{CONFIG}:strategyOptions"
KEY_PATH = f"{OPTIONS}.rfc2136.tsigSecret"
PLACEHOLDER = {"secure": "not yet"}


SMALL = {"resources": {"cpu": "100m", "memory": "512Mi"}, "storage": {"size": "1Gi"}}
"""A node's size in the lab, as in Pulumi.dev.yaml."""


def project_dir(paths: LabPaths) -> Path:
    """The folder that pulumi runs from."""
    return paths.root / "project"


def choose(paths: LabPaths, stack: str, strategy: str | None) -> Path:
    """Take `stack` (and another strategy than its own, if given) for this lab; returns the copy of its file."""
    source = PROJECT / f"Pulumi.{stack}.yaml"
    if not source.exists():
        known = sorted(file.name.split(".")[1] for file in PROJECT.glob("Pulumi.*.yaml"))
        raise LabError(f"there is no stack file {source.name}; stacks: {', '.join(known)}")
    paths.root.mkdir(mode=0o711, parents=True, exist_ok=True)
    chosen = paths.root / "stack.json"
    before = json.loads(chosen.read_text())["stack"] if chosen.exists() else stack
    if before != stack:
        raise LabError(f"the lab {paths.name!r} runs the stack {before}: take it down, or use another LAB_NAME")
    write(chosen, json.dumps({"stack": stack, "strategy": strategy}))
    return refresh(paths)


def is_chosen(paths: LabPaths) -> bool:
    """Whether this lab runs a stack already."""
    return (paths.root / "stack.json").exists()


def chosen_stack(paths: LabPaths) -> str:
    """The stack that this lab runs. Raises LabError where none was chosen."""
    return _chosen(paths)["stack"]


def refresh(paths: LabPaths) -> Path:
    """Bring the copies to what the tracked files say now; returns the stack file's copy."""
    chosen = _chosen(paths)
    folder = project_dir(paths)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    project = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())
    project["runtime"].setdefault("options", {}).update(runtime_options())
    write(folder / "Pulumi.yaml", yaml.safe_dump({**project, "main": str(PROJECT)}, sort_keys=False))
    name = f"Pulumi.{chosen['stack']}.yaml"
    document = yaml.safe_load((PROJECT / name).read_text()) or {}
    copy = folder / name
    before = (yaml.safe_load(copy.read_text()) or {}) if copy.exists() else {}
    kept = {key: before[key] for key in ENGINE_KEYS if key in before}
    config = in_lab(document.get("config") or {}, str(paths.kubeconfig), chosen["strategy"])
    config = with_key(config, signing_key(before.get("config") or {}))
    write(copy, yaml.safe_dump({**document, **kept, "config": config}, sort_keys=False))
    return copy


def in_lab(config: dict[str, Any], kubeconfig: str, strategy: str | None) -> dict[str, Any]:
    """The config with the lab's kubeconfig in every region that names one, and another strategy where one is given."""
    regions = [
        {**entry, "kubeconfig": kubeconfig} if isinstance(entry, dict) and "kubeconfig" in entry else entry
        for entry in config.get(f"{CONFIG}:regions") or []
    ]
    changed = {**config, f"{CONFIG}:regions": regions}
    if _has_clouds(config):
        # A worked example has production's sizes; here all of its nodes share one machine.
        asked = config.get(f"{CONFIG}:cockroachdb") or {}
        changed[f"{CONFIG}:cockroachdb"] = {
            **asked,
            **SMALL,
            "storage": {**(asked.get("storage") or {}), **SMALL["storage"]},
        }
    return {**changed, f"{CONFIG}:strategy": strategy} if strategy else changed


def with_key(config: dict[str, Any], key: dict[str, str] | None) -> dict[str, Any]:
    """The config with the secret of the lab's own name servers, where it has such servers and says none itself.

    None: a placeholder, until the engine has encrypted it (`lab.engine.prepare`). Plans need no more.
    """
    options = config.get(OPTIONS) or {}
    servers = options.get("rfc2136") or {}
    if not servers.get("servers") or servers.get("tsigSecret", PLACEHOLDER) != PLACEHOLDER:
        return config
    return {**config, OPTIONS: {**options, "rfc2136": {**servers, "tsigSecret": key or PLACEHOLDER}}}


def signing_key(config: dict[str, Any]) -> dict[str, str] | None:
    """The encrypted secret in a copy's config, if it is there."""
    found = ((config.get(OPTIONS) or {}).get("rfc2136") or {}).get("tsigSecret")
    return None if found == PLACEHOLDER else found


def awaits_key(paths: LabPaths) -> bool:
    """Whether the copy has a placeholder for the secret of the lab's name servers."""
    config = (yaml.safe_load(copy_of(paths).read_text()) or {}).get("config") or {}
    servers = (config.get(OPTIONS) or {}).get("rfc2136") or {}
    return servers.get("tsigSecret") == PLACEHOLDER


def drop_placeholder(paths: LabPaths) -> None:
    """Take the placeholder out of the copy: to the engine it is a broken secret."""
    document = yaml.safe_load(copy_of(paths).read_text())
    del document["config"][OPTIONS]["rfc2136"]["tsigSecret"]
    write(copy_of(paths), yaml.safe_dump(document, sort_keys=False))


def copy_of(paths: LabPaths) -> Path:
    """The stack file that the engine is given."""
    return project_dir(paths) / f"Pulumi.{chosen_stack(paths)}.yaml"


def on_clouds(paths: LabPaths) -> bool:
    """Whether any region of this lab's stack is not on platform `existing`."""
    file = project_dir(paths) / f"Pulumi.{chosen_stack(paths)}.yaml"
    return _has_clouds((yaml.safe_load(file.read_text()) or {}).get("config") or {})


def _has_clouds(config: dict[str, Any]) -> bool:
    """Whether any region is not on platform `existing`."""
    platform = config.get(f"{CONFIG}:platform", "existing")
    entries = config.get(f"{CONFIG}:regions") or []
    return any((entry.get("platform") or platform) != "existing" for entry in entries if isinstance(entry, dict))


def _chosen(paths: LabPaths) -> dict[str, Any]:
    file = paths.root / "stack.json"
    if not file.exists():
        raise LabError(f"the lab {paths.name!r} runs no stack yet: `make up` does all of it")
    return json.loads(file.read_text())


def runtime_options() -> dict[str, str]:
    """The Python that programs run with in a lab, as `runtime.options` of a Pulumi.yaml."""
    # The real language host lists packages with the tool that made the environment.
    made_by_uv = "\nuv = " in (PROJECT / ".venv" / "pyvenv.cfg").read_text()
    return {"virtualenv": str(PROJECT / ".venv"), "toolchain": "uv" if made_by_uv else "pip"}


def write(file: Path, content: str) -> None:
    """Write the file whole or not at all, and only where it differs."""
    if not file.exists() or file.read_text() != content:
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(content)
        fresh.replace(file)
