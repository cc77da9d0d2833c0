"""What the strategies' figures look like side by side: the tables in docs/choosing.md and their plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.growth import COUNTS
from tests.acceptance.outcome import Outcome
from tests.acceptance.report import COLUMNS

BEGIN, END = "<!-- figures: made by `make acceptance` -->", "<!-- end of figures -->"

Rows = Mapping[str, Sequence[Outcome]]
Growth = Mapping[str, Sequence[int | None]]

KINDS = {"cold": "name, never asked before", "warm": "name, asked before", "connect": "TCP connection"}
RECOVERIES = (
    "test_a_killed_pod_comes_back_as_itself",
    "test_a_pod_that_moves_is_the_same_node",
    "test_a_cut_region_is_named_and_heals",
    "test_lost_addressing_is_named_and_heals",
)


def section(rows: Rows, growth: Growth) -> str:
    """Markdown, between its marks. A strategy that was not run has no measured figures, and says so."""
    commits = sorted({f"`{outcome.commit}`" for outcomes in rows.values() for outcome in outcomes})
    lines = [
        BEGIN,
        "## Measured",
        f"Made by `make acceptance`; seen at {', '.join(commits) or 'no commit yet'}, on two CPUs, in the lab: three "
        "regions without any distance between them, so that what is left is what each way adds.",
        "",
        "![latencies, recoveries and resources by strategy](choosing.svg)",
        "",
        f"Milliseconds as a pod has them, p50 / p99 of 200, to a node of another region. {_distance()}",
        "",
        f"| strategy | {' | '.join(KINDS.values())} |",
        f"|---|{'---|' * len(KINDS)}",
        *(f"| `{name}` | {' | '.join(_latency(measured(rows, name), kind) for kind in KINDS)} |" for name in growth),
        "",
        "Seconds until every region reaches every other again, a verification of some seconds included:",
        "",
        f"| strategy | {' | '.join(COLUMNS[test] for test in RECOVERIES)} | one node more, `up` |",
        f"|---|{'---|' * len(RECOVERIES)}---|",
        *(f"| `{name}` | {' | '.join(_recoveries(rows, name))} |" for name in growth),
        "",
        "Resources in the stack's state, with so many regions of one node each:",
        "",
        f"| strategy | {' | '.join(map(str, COUNTS))} | per region more |",
        f"|---|{'---|' * len(COUNTS)}---|",
        *(f"| `{name}` | {' | '.join(_resources(counted))} |" for name, counted in growth.items()),
        END,
    ]
    return "\n".join(lines)


def measured(rows: Rows, name: str) -> dict[str, Any]:
    """Everything that a strategy's tests wrote down under a name of its own (latencies, resources)."""
    return {key: value for outcome in rows.get(name, ()) for key, value in outcome.measured.items()}


def recovered(rows: Rows, name: str) -> dict[str, float]:
    """Test -> seconds."""
    seconds = {outcome.test: outcome.measured.get("recovered") for outcome in rows.get(name, ())}
    return {test: taken for test, taken in seconds.items() if taken is not None}


def plot(rows: Rows, growth: Growth, path: Path) -> None:
    """Latencies, recoveries and growth, a panel each."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "cockroachdb-multiregion"
    from matplotlib import pyplot

    figure, (names, faults, size) = pyplot.subplots(1, 3, figsize=(16, 5), layout="constrained")
    shown = [name for name in growth if measured(rows, name)]
    for place, kind in enumerate(KINDS):
        for percentile, alpha in (("p99", 0.35), ("p50", 1.0)):
            values = [measured(rows, name).get(kind, {}).get(percentile, 0) for name in shown]
            at = [row + 0.25 * (place - 1) for row in range(len(shown))]
            label = f"{KINDS[kind]}, {percentile}"
            names.barh(at, values, height=0.22, color=f"C{place}", alpha=alpha, label=label)
    names.set(title="from a pod to another region", xlabel="ms", yticks=range(len(shown)), yticklabels=shown)
    for place, test in enumerate(RECOVERIES):
        at = [row + 0.2 * (place - 1.5) for row in range(len(shown))]
        values = [recovered(rows, name).get(test, 0) for name in shown]
        faults.barh(at, values, height=0.18, color=f"C{place}", label=COLUMNS[test])
    faults.set(title="until all is green again", xlabel="s", yticks=range(len(shown)), yticklabels=shown)
    for place, (name, counted) in enumerate(growth.items()):
        points = [(count, value) for count, value in zip(COUNTS, counted, strict=True) if value is not None]
        style = "-" if place < len(growth) / 2 else "--"
        size.plot([x for x, _ in points], [y for _, y in points], f"o{style}", color=f"C{place}", label=name)
    size.set(title="resources", xlabel="regions", xticks=COUNTS)
    for axes in (names, faults, size):
        axes.legend(fontsize="x-small")
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


def _distance() -> str:
    return "Between real regions a cold name costs a round trip more where it is forwarded, and a connection one."


def _latency(found: Mapping[str, Any], kind: str) -> str:
    if not found:
        return "not run"
    if kind not in found:
        return "nothing to resolve"
    return f"{found[kind]['p50']:g} / {found[kind]['p99']:g}"


def _recoveries(rows: Rows, name: str) -> list[str]:
    if not measured(rows, name):
        return ["not run"] * (len(RECOVERIES) + 1)
    seconds, up = recovered(rows, name), measured(rows, name).get("up")
    cells = [f"{seconds[test]:.0f}" if test in seconds else "nothing to lose" for test in RECOVERIES]
    return [*cells, "not run" if up is None else f"{up:.0f}"]


def _resources(counted: Sequence[int | None]) -> list[str]:
    first, last = counted[0], counted[-1]
    each = (last - first) / (COUNTS[-1] - COUNTS[0]) if first is not None and last is not None else None
    return [*("refused" if value is None else str(value) for value in counted), "" if each is None else f"{each:.1f}"]
