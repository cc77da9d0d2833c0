"""Which regions' pods an update would restart, in which order, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from . import kinds
from .preview import HIDDEN, Op, Preview, Step

TEMPLATE = "spec.template"
_OWN_HASH = "cockroachdb-multiregion/template"
"""Annotation of a pod that is on a host of its own: what of its template makes it restart."""
SHOWN = 60
"""Characters of a value that are shown; a longer one changes, and that is all."""
ITEMS = 4
"""Items of a list, or lines of a text, that are shown."""


@dataclass(frozen=True, slots=True)
class Restart:
    """One region's turn."""

    region: str
    pods: int
    why: tuple[str, ...]
    """What of the template changes."""
    job: str
    """URN of the rollout's Job."""


def restarts(preview: Preview) -> list[Restart]:
    """The regions whose pods restart, in the order of their turns."""
    names = kinds.regions(preview)
    sets = {kinds.region_of(step, names): step for step in preview.steps if step.type == kinds.STATEFUL_SET}
    found = [
        Restart(region, _replicas(there), why, job.urn)
        for job in rollouts(preview)
        if (there := sets.get(region := kinds.region_of(job, names))) is not None and (why := tuple(reasons(there)))
    ]
    return sorted(found, key=lambda one: len(preview.reaches(one.job)))


def rollouts(preview: Preview) -> list[Step]:
    """The rollouts' Jobs that would run."""
    return [
        step
        for step in preview.changed
        if step.type == kinds.JOB and step.op in (Op.CREATE, Op.REPLACE) and preview.parent_type(step) == kinds.ROLLOUT
    ]


def at_once(preview: Preview, turns: Sequence[Restart]) -> list[tuple[str, str]]:
    """Pairs of regions neither of which waits for the other."""
    return [
        (one.region, other.region)
        for one, other in combinations(turns, 2)
        if one.job not in preview.reaches(other.job) and other.job not in preview.reaches(one.job)
    ]


def reasons(stateful_set: Step) -> Iterator[str]:
    """What of a running StatefulSet's pod template changes, in words; nothing where no pod has to restart."""
    if stateful_set.op not in (Op.UPDATE, Op.REPLACE) or stateful_set.old is None or stateful_set.new is None:
        return
    before, after = (_template(state.inputs) for state in (stateful_set.old, stateful_set.new))
    own = [template.get("metadata", {}).get("annotations", {}).get(_OWN_HASH) for template in (before, after)]
    if own[0] is not None and own[0] == own[1]:
        return
    for path, (was, now) in stateful_set.changes().items():
        if path.startswith(TEMPLATE) and _OWN_HASH not in path:
            yield told(path.removeprefix(f"{TEMPLATE}.").removeprefix("spec."), was, now)


def told(path: str, was: Any, now: Any) -> str:
    """A change in a line: `containers[0].image: a:1 → a:2`; of texts and lists what comes and goes."""
    if was == now == HIDDEN:
        return f"{path} (not shown)"
    if isinstance(was, str) and isinstance(now, str) and "\n" in was + now:
        was, now = ([line.strip(" \\") for line in text.splitlines()] for text in (was, now))
    if isinstance(was, list) and isinstance(now, list):
        gone, new = ([_short(item) for item in one if item not in other] for one, other in ((was, now), (now, was)))
        words = [f"{sign}{item}" for sign, items in (("-", gone), ("+", new)) for item in items]
        shown = 0 < len(words) <= ITEMS and "…" not in (*gone, *new)
        return f"{path}: {', '.join(words)}" if shown else f"{path} changes"
    before, after = _short(was), _short(now)
    return f"{path} changes" if "…" in (before, after) else f"{path}: {before} → {after}"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= SHOWN else "…"


def _template(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return (inputs.get("spec") or {}).get("template") or {}


def _replicas(stateful_set: Step) -> int:
    before = stateful_set.old.inputs["spec"].get("replicas", 1) if stateful_set.old else 0
    return min(int(before), int(stateful_set.now.inputs["spec"].get("replicas", 1)))
