"""One more region for a stack that runs: what is created, updated and replaced, and where.

Providers that take no time and tell a change that a real one can't make in place (`bench.replaces`).
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import graph, stack
from .engine import Workspace
from .latency import Server, Timeline
from .modelled import NO_CHECKPOINTS


@dataclass(frozen=True, slots=True)
class Case:
    """A stack of `count` regions that gets one more. `cloud`: further keys of `gcp` or `aws`."""

    name: str
    platform: str
    count: int
    cloud: dict[str, Any]


CASES = (
    Case("gke, one VPC", "gke", 3, {}),
    Case("gke, one VPC", "gke", 9, {}),
    Case("gke, peered VPCs", "gke", 3, {"network": "peered"}),
    Case("gke, peered VPCs", "gke", 9, {"network": "peered"}),
    Case("eks, peering mesh", "eks", 3, {"transitGatewayFrom": 100}),
    Case("eks, peering mesh", "eks", 9, {"transitGatewayFrom": 100}),
    Case("eks, Transit Gateways", "eks", 3, {"transitGatewayFrom": 2}),
    Case("eks, Transit Gateways", "eks", 9, {"transitGatewayFrom": 2}),
)


def measure(say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One entry per case."""
    return [measure_one(case, say) for case in CASES]


def measure_one(case: Case, say: Callable[[str], None]) -> dict[str, Any]:
    """`up` with `count` regions, then with one more: the second is what is told of."""
    say(f"{case.name}: {case.count} regions get one more")
    before, after = (stack.names(count, case.platform) for count in (case.count, case.count + 1))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Server(lambda _: 0.0) as server:
        workspace = Workspace(Path(folder) / "w", stack.cloud_config(case.platform, case.count, case.cloud))
        environment = server.environment | NO_CHECKPOINTS
        workspace.up(environment)
        there = {resource["urn"] for resource in workspace.resources()}
        _forget(server.timeline)
        workspace.configure(stack.cloud_config(case.platform, case.count + 1, case.cloud))
        workspace.up(environment)
        resources = workspace.resources()
        timeline = server.timeline
    region = graph.regions_of(resources, after)
    made = [urn for urn in timeline.created if urn not in there]
    return {
        "case": case.name,
        "from": case.count,
        "to": case.count + 1,
        "there": len(there),
        "createdInNewRegion": _kinds(urn for urn in made if region.get(urn) == after[-1]),
        "createdElsewhere": _kinds(urn for urn in made if region.get(urn) != after[-1]),
        "updated": _changes(timeline, [urn for urn in timeline.updated if urn not in timeline.replaced]),
        "replaced": _changes(timeline, list(timeline.replaced)),
        "deleted": _kinds(urn for urn in timeline.deleted if urn not in timeline.replaced),
        "regionsBefore": before,
    }


def _forget(timeline: Timeline) -> None:
    for seen in (timeline.created, timeline.updated, timeline.deleted, timeline.changes, timeline.replaced):
        seen.clear()


def _kinds(urns: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(graph.kind_of(urn) for urn in urns).items()))


def _changes(timeline: Timeline, urns: list[str]) -> list[dict[str, Any]]:
    """How many resources of a kind changed in the same inputs."""
    counted = Counter((graph.kind_of(urn), ", ".join(timeline.changes.get(urn, []))) for urn in urns)
    return [{"kind": kind, "inputs": inputs, "count": count} for (kind, inputs), count in sorted(counted.items())]
