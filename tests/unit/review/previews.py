"""Previews of the real program without an engine: two recordings of it, as `pulumi preview --json` would compare them.

`tests/engine/test_review.py` holds that the engine's own look the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from components.plan import plan
from review.preview import HIDDEN, Preview, read
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.unit.recording import SECRET, Recording, Registered, record
from tests.unit.stacks.test_multiregion import given

Config = dict[str, Any]


def config(*names: str, **more: Any) -> Config:
    """Regions on clusters that are there; `more` are top-level keys."""
    regions = [
        {"name": name, "kubeconfig": "kubeconfig", "context": name, "dns": {"kind": "coredns"}} for name in names
    ]
    databases = [{"name": "bank", "owner": "app", "primaryRegion": names[0]}]
    return {"regions": regions, "databases": databases, **more}


def with_region(raw: Config, index: int, **keys: Any) -> Config:
    """The same with other keys of one region."""
    regions = [{**region, **keys} if place == index else region for place, region in enumerate(raw["regions"])]
    return {**raw, "regions": regions}


def recorded(raw: Mapping[str, Any]) -> Recording:
    """What the program registers for a config."""
    return _recorded(json.dumps(raw))


@cache
def _recorded(raw: str) -> Recording:
    settings, addresses = plan(json.loads(raw))
    return record(lambda: outputs(multi_region(settings, addresses, None)), given)


def document(before: Recording | None, after: Recording) -> dict[str, Any]:
    """The JSON of a preview that leads from one to the other."""
    was = {made.urn: made for made in before.resources} if before else {}
    now = {made.urn: made for made in after.resources}
    steps = [_step(was.get(urn), made) for urn, made in now.items()]
    steps += [_step(made, None) for urn, made in reversed(was.items()) if urn not in now]
    return {"steps": steps, "diagnostics": [], "changeSummary": {}}


def preview(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Preview:
    """A preview that leads from one config to another."""
    return read(document(recorded(before) if before else None, recorded(after)))


def step(document: Mapping[str, Any], type_end: str, name: str) -> dict[str, Any]:
    """The one step of that type and name, to be changed."""
    (found,) = [
        each
        for each in document["steps"]
        if each["urn"].split("::")[2].endswith(type_end) and each["urn"].endswith(f"::{name}")
    ]
    return found


def replaced(document: Mapping[str, Any], type_end: str, name: str, *forced_by: str) -> None:
    """Let a step be a replacement."""
    step(document, type_end, name).update(op="replace", replaceReasons=list(forced_by))


def _step(old: Registered | None, new: Registered | None) -> dict[str, Any]:
    made = new or old
    assert made is not None
    states = {key: _state(each) for key, each in (("oldState", old), ("newState", new)) if each}
    if old and new:
        for path in new.ignore_changes:
            _keep(path.split("."), states["oldState"]["inputs"], states["newState"]["inputs"])
        same = states["oldState"]["inputs"] == states["newState"]["inputs"] and old.protect == new.protect
        return {"op": "same" if same else "update", "urn": made.urn, **states}
    return {"op": "create" if new else "delete", "urn": made.urn, **states}


def _state(made: Registered) -> dict[str, Any]:
    custom = not made.type.startswith("cockroachdb-multiregion:index:")
    return {
        "urn": made.urn,
        "type": made.type,
        "custom": custom,
        "inputs": _shown(made.wire) if custom else {},
        "parent": made.parent,
        "provider": made.provider if custom else "",
        "protect": made.protect,
        "dependencies": sorted(made.dependencies),
    }


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return HIDDEN if value.get(SECRET[0]) == SECRET[1] else {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _keep(path: list[str], before: Any, after: Any) -> None:
    """As the engine does with `ignore_changes`."""
    for key in path[:-1]:
        before, after = before[key], after[key]
    after[path[-1]] = before[path[-1]]
