"""The program's whole graph on the real engine, with providers that only take their time: no control planes.

For each number of regions: an `up` from nothing, then `up`s and previews that change nothing.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from . import durations, graph, stack
from .engine import Run, Workspace
from .latency import Server

COUNTS = (3, 9, 27)
REPEATS = 3
CHECKPOINTED = (3, 9)
"""Counts that are run once more with the engine's checkpoints."""

NO_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The state is written once, at the end. A file backend otherwise writes all of it before and after every resource, one
write after another: at 343 resources that is 72 % of the engine's work (profiled), grows with the square of their
number, and has nothing to do with the graph that is measured here. Pulumi Cloud's backend takes differences."""

EMPTY_PROGRAM = """
import stacks.multiregion
import stacks.outputs
import stacks.settings
"""
"""The program's imports and nothing else: what every run costs before the first resource."""


def measure(counts: tuple[int, ...], say: Callable[[str], None]) -> dict[str, Any]:
    """{"runs": one per count, "empty": {upSeconds, previewSeconds, peakMiB}}."""
    return {"empty": empty(say), "runs": [measure_one(count, say) for count in counts]}


def measure_one(count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """One number of regions. Seconds are of the wall clock, memory in MiB."""
    say(f"modelled, {count} regions: up from nothing")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Server(durations.seconds) as server:
        workspace = Workspace(Path(folder) / "w", stack.config(count))
        environment = server.environment | NO_CHECKPOINTS
        up = workspace.up(environment)
        resources = workspace.resources()
        timeline = dict(server.timeline.created)
        say(f"modelled, {count} regions: {up.seconds:.0f} s; now runs that change nothing")
        again = [workspace.up(environment) for _ in range(REPEATS)]
        previews = [workspace.preview(environment) for _ in range(REPEATS)]
        if server.timeline.updated or server.timeline.deleted or len(server.timeline.created) != len(timeline):
            raise AssertionError(f"a run that should change nothing changed {server.timeline.updated[:3]}")
    checkpointed = with_checkpoints(count, say) if count in CHECKPOINTED else None
    path = graph.critical_path(resources, durations.seconds)
    return {
        "regions": count,
        "resources": len(resources),
        "upSeconds": round(up.seconds, 2),
        "upWithCheckpointsSeconds": checkpointed,
        "criticalPathSeconds": round(path.seconds, 2),
        "inOrderSeconds": round(graph.in_order(resources, durations.seconds), 2),
        "criticalPath": [shown(urn, durations.seconds(urn)) for urn in path.urns if durations.seconds(urn)],
        "edgesBetweenRegions": [
            {"waits": waits, "for": what, "count": number}
            for (waits, what), number in sorted(graph.edges_between_regions(resources, stack.names(count)).items())
        ],
        "firstToLastCreateSeconds": round(
            max(end for _, end in timeline.values()) - min(start for start, _ in timeline.values()), 2
        ),
        "peakMiB": round(up.peak_mib),
        **_quiet(again, previews),
    }


def with_checkpoints(count: int, say: Callable[[str], None]) -> float:
    """Seconds of an `up` from nothing with the file backend as it is."""
    say(f"modelled, {count} regions: up from nothing, with checkpoints")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Server(durations.seconds) as server:
        return round(Workspace(Path(folder) / "w", stack.config(count)).up(server.environment).seconds, 2)


def empty(say: Callable[[str], None]) -> dict[str, Any]:
    """A program with the same imports and no resource."""
    say("an empty program with the same imports")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        main = Path(folder) / "main"
        main.mkdir()
        (main / "__main__.py").write_text(EMPTY_PROGRAM)
        workspace = Workspace(Path(folder) / "w", stack.config(3), main)
        workspace.up({})
        ups = [workspace.up({}) for _ in range(REPEATS)]
        return _quiet(ups, [workspace.preview({}) for _ in range(REPEATS)])


def _quiet(ups: list[Run], previews: list[Run]) -> dict[str, Any]:
    return {
        "noOpUpSeconds": round(median(run.seconds for run in ups), 2),
        "noOpPreviewSeconds": round(median(run.seconds for run in previews), 2),
        "noOpPeakMiB": round(max(run.peak_mib for run in [*ups, *previews])),
    }


def shown(urn: str, seconds: float) -> dict[str, Any]:
    """A step of a critical path."""
    kind, name = urn.split("::")[2].rsplit("$", 1)[-1], urn.rsplit("::", 1)[-1]
    return {"kind": kind, "name": name, "seconds": seconds}
