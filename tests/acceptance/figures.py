"""What the strategies' figures look like side by side: the tables in docs/choosing.md and their plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.acceptance.growth import COUNTS, Size
from tests.acceptance.outcome import Outcome
from tests.acceptance.report import COLUMNS, LATENCY, Rows, Words, cell, numbered
from tests.lab.strategies import scene

BEGIN, END = "<!-- figures: made by `make acceptance` -->", "<!-- end of figures -->"

Sizes = Mapping[str, Size]
"""Strategy -> what it takes."""

KINDS = {
    "cold from alpha": "name that is not there, in alpha",
    "cold from gamma": "name that is not there, in gamma",
    "warm from alpha": "name asked before, in alpha",
    "warm from gamma": "name asked before, in gamma",
    "connect from alpha": "connection until the node answers",
}
RECOVERIES = (
    "test_a_killed_pod_comes_back_as_itself",
    "test_a_pod_that_moves_is_the_same_node",
    "test_a_cut_region_is_named_and_heals",
    "test_lost_addressing_is_named_and_heals",
)
MORE = "test_one_node_more_joins_and_restarts_nobody"
WAY = "test_no_node_talks_in_the_clear"
WAYS = {
    "connections": "TCP connections, end to end",
    "rewritten": "addresses rewritten on the way",
    "routers": "routers and hosts that forward",
}

_STEPS = tuple(pairwise(COUNTS))


def section(rows: Rows, sizes: Sizes, counted_at: str) -> str:
    """Markdown, between its marks. Where a test has no figures, it says why."""
    notes: list[str] = []

    def row(name: str, columns: Iterable[tuple[str, Words]]) -> str:
        cells = (cell(rows.get(name, ()), test, notes, words) for test, words in columns)
        return f"| `{name}` | {' | '.join(cells)} |"

    steps = [f"each from {few + 1} to {many}" for few, many in _STEPS]
    lines = [
        BEGIN,
        "## Measured",
        "Made by `make acceptance`, at the commits in [strategies/acceptance.md](strategies/acceptance.md), on two "
        "CPUs, in the lab: three regions without any distance between them; what is left is what each way adds.",
        "",
        "![latencies, recoveries and resources by strategy](choosing.svg)",
        "",
        "Milliseconds as a pod has them that asks its own cluster's DNS about a node of another region, p50 / p99 of "
        "200. alpha came with CoreDNS and gamma with kube-dns, unless they are GKE's and ask Cloud DNS, or a strategy "
        "puts its own servers in their place. A name that is not there has never been asked for before. Between real "
        "regions such a name costs a round trip more where it is forwarded, and a connection two. A p99 is the busy "
        "machine's as much as the strategy's.",
        "",
        f"| strategy | {' | '.join(KINDS.values())} |",
        f"|---|{'---|' * len(KINDS)}",
        *(row(name, ((LATENCY, partial(_latency, kind)) for kind in KINDS)) for name in sizes),
        "",
        "What carries a connection that a node of beta makes to one of alpha, counted by its packets on the hosts' and "
        "the regions' wires. A router in each region and one between them are everywhere, and a host on either side "
        "forwards to pods that are not in its own network.",
        "",
        f"| strategy | {' | '.join(WAYS.values())} |",
        f"|---|{'---|' * len(WAYS)}",
        *(row(name, ((WAY, partial(_count, what)) for what in WAYS)) for name in sizes),
        "",
        "Seconds. A pod in another region finds the node and has it answer, ten times a second: for how long in all "
        "that failed (of the time that a fault lasted, commands included, where it has to be healed) / when it failed "
        "for the last time, after the heal where there is one, else after the fault. 0: never. Names that are cached "
        "outlive the loss of what they came from, and the move of what they lead to. A node whose address is its pod's "
        "own is found, when the pod is another, at the balancer that nodes join at. One node more: the `up`.",
        "",
        f"| strategy | {' | '.join(COLUMNS[test] for test in (*RECOVERIES, MORE))} |",
        f"|---|{'---|' * (len(RECOVERIES) + 1)}",
        *(row(name, (*((test, _recovery) for test in RECOVERIES), (MORE, _up))) for name in sizes),
        "",
        *([*numbered(notes), ""] if notes else []),
        f"Resources that the program declares for so many regions of one node each, counted at `{counted_at}`; the "
        "stack's state has the stack itself and the engine's default providers besides. On a cloud its network and "
        "clusters are among them:",
        "",
        f"| strategy | {' | '.join((*map(str, COUNTS), *steps))} | one node more |",
        f"|---|{'---|' * (len(COUNTS) + len(steps) + 1)}",
        *(f"| `{name}`{_cloud(name)} | {' | '.join(_resources(taken))} |" for name, taken in sizes.items()),
        "",
        "What runs for it, and asks the cluster for thousandths of a CPU / MiB of memory. What others' charts bring is "
        "not counted, nor are load balancers and DNS that the cluster or its cloud runs:",
        "",
        "| strategy | pods in each region | for them | containers in each node's pod | for them |",
        "|---|---|---|---|---|",
        *(f"| `{name}` | {' | '.join(_runs(taken))} |" for name, taken in sizes.items()),
        END,
    ]
    return "\n".join(lines)


def measured(rows: Rows, name: str, test: str) -> Mapping[str, Any]:
    """What a test wrote down, if it passed."""
    return next((one.measured for one in rows.get(name, ()) if (one.test, one.result) == (test, "passed")), {})


def plot(rows: Rows, sizes: Sizes, path: Path) -> None:
    """Latencies, recoveries and growth, a panel each. What was not measured has no bar; a 0 says so."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "cockroachdb-multiregion"
    from matplotlib import pyplot

    figure, (names, faults, size) = pyplot.subplots(1, 3, figsize=(16, 6), layout="constrained")
    shown = [name for name in sizes if any(measured(rows, name, test) for test in (LATENCY, *RECOVERIES))]

    def bars(axes: Any, place: int, places: int, values: Mapping[str, float | None], **more: Any) -> Any:
        there = {shown.index(name): value for name, value in values.items() if value is not None}
        at = [row + 0.7 * ((place + 0.5) / places - 0.5) for row in there]
        return axes.barh(at, list(there.values()), height=0.65 / places, color=f"C{place}", **more)

    for place, (kind, words) in enumerate(KINDS.items()):
        for percentile, alpha in (("p99", 0.35), ("p50", 1.0)):
            values = {name: measured(rows, name, LATENCY).get(kind, {}).get(percentile) for name in shown}
            bars(names, place, len(KINDS), values, alpha=alpha, label=f"{words}, {percentile}")
    names.set(
        title="from a pod to another region", xlabel="ms", xscale="log", yticks=range(len(shown)), yticklabels=shown
    )
    for place, test in enumerate(RECOVERIES):
        values = {name: measured(rows, name, test).get("recovered") for name in shown}
        made = bars(faults, place, len(RECOVERIES), values, label=COLUMNS[test])
        faults.bar_label(made, fmt="%g", fontsize="x-small")
    faults.set(title="last failure after fault or heal", xlabel="s", yticks=range(len(shown)), yticklabels=shown)
    for place, (name, taken) in enumerate(sizes.items()):
        points = [(count, value) for count, value in zip(COUNTS, taken.resources, strict=True) if value is not None]
        style = "-" if place < len(sizes) / 2 else "--"
        size.plot([x for x, _ in points], [y for _, y in points], f"o{style}", color=f"C{place}", label=name)
    size.set(title="resources", xlabel="regions", xticks=COUNTS)
    for axes in (names, faults):
        axes.set_ylim(-0.5, len(shown) - 0.5)
    for axes in (names, faults, size):
        axes.legend(fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


def _latency(kind: str, seen: Outcome) -> str:
    found = seen.measured.get(kind)
    return "nothing to resolve" if found is None else f"{found['p50']:g} / {found['p99']:g}"


def _count(what: str, seen: Outcome) -> str:
    return str(seen.measured[what])


def _recovery(seen: Outcome) -> str:
    lasted = seen.measured.get("lasted")
    outage = f"{seen.measured['outage']:g}" + ("" if lasted is None else f" of {lasted:g}")
    return f"{outage} / {seen.measured['recovered']:g}"


def _up(seen: Outcome) -> str:
    return f"{seen.measured['up']:.0f}"


def _cloud(name: str) -> str:
    """Where the strategy is tried, if not on clusters that are there."""
    platform = scene(name).config(1)["regions"][0].get("platform")
    return f" on `{platform}`" if platform else ""


def _resources(taken: Size) -> list[str]:
    told = ["refused" if value is None else str(value) for value in taken.resources]
    for (few, many), (less, more) in zip(_STEPS, pairwise(taken.resources), strict=True):
        told.append("" if less is None or more is None else f"{(more - less) / (many - few):.1f}")
    return [*told, str(taken.node)]


def _runs(taken: Size) -> tuple[str, ...]:
    def asked(count: float, cpu: float, memory: float) -> tuple[str, str]:
        return (f"{count:g}", f"{cpu:g} / {memory:g}") if count else ("none", "")

    return (
        *asked(taken.pods, taken.cpu, taken.memory),
        *asked(taken.sidecars, taken.sidecar_cpu, taken.sidecar_memory),
    )
