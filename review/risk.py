"""A danger of a preview, and what rules about dangers have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import kinds
from .preview import Preview, Step

ALLOWED = "allowDataLoss: true allows it"
_FROZEN = ("volumeClaimTemplates", "selector", "serviceName", "podManagementPolicy")
"""What of a StatefulSet never changes."""


class Severity(StrEnum):
    """What a reviewer does about it."""

    REFUSED = "refused"
    CAREFUL = "careful"


@dataclass(frozen=True, slots=True)
class Risk:
    """One danger, where it is, and what to do instead."""

    severity: Severity
    where: str
    """A region, or `kinds.EVERYWHERE`; empty where the message says it."""
    message: str


Rule = Callable[[Preview], Iterator[Risk]]


def where(preview: Preview, step: Step) -> str:
    """The region that a step is in."""
    return kinds.region_of(step, kinds.regions(preview))


def unless_lossy(preview: Preview) -> Severity:
    """Refused, unless the config says that data may be lost."""
    return Severity.CAREFUL if preview.after and preview.after.get("allowDataLoss") else Severity.REFUSED


def leaves(preview: Preview, region: str) -> bool:
    """Whether the region's objects go because the config says so, after its nodes have left or are lost."""
    was, now = kinds.states(preview.before).get(region), kinds.states(preview.after).get(region)
    return now == "lost" or (now == "removed" and was != "active")


def forced(step: Step) -> str:
    """What forces a replacement, in brackets."""
    frozen = [path for path in step.forced_by if any(word in path for word in _FROZEN)]
    paths = frozen or list(step.forced_by)
    return f" (forced by {', '.join(paths[:3])})" if paths else ""


def stateful_sets(preview: Preview) -> Iterator[tuple[Step, dict[str, Any]]]:
    """The database's StatefulSets as they will be, each with its `spec`."""
    for step in preview.steps:
        if step.type == kinds.STATEFUL_SET and step.new is not None and _is_database(step):
            yield step, dict(step.new.inputs.get("spec") or {})


def _is_database(step: Step) -> bool:
    return (step.now.inputs.get("metadata") or {}).get("name") == "cockroachdb"
