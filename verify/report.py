"""The verdict for people (a matrix and what to do) and for programs (JSON). Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .findings import Finding, Severity
from .judge import Cell, Verdict
from .measurements import RegionMeasurement
from .target import Target

CONTRACT_VERSION = 1
"""Of the JSON object (docs/verify.md). A new field does not change it; a changed or missing one does."""

MARKS = {"green": "ok", "degraded": "degraded", "red": "RED", "unknown": "unknown"}
COLOURS = {"green": "32", "degraded": "33", "red": "1;31", "unknown": "35"}


def to_json(
    target: Target,
    measurements: list[RegionMeasurement],
    verdict: Verdict,
    run: str,
    seconds: float,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The documented object, measurements included."""
    return {
        "contractVersion": CONTRACT_VERSION,
        "run": run,
        "seconds": round(seconds, 2),
        "verdict": verdict.severity.word,
        "strategy": target.strategy,
        "regions": [
            {
                "name": region.name,
                "state": "draining" if region.draining else "active",
                "apiServer": one.api,
                "zones": [{"zone": zone.zone, "status": zone.status, "detail": zone.detail} for zone in one.zones],
            }
            for region, one in zip(target.regions, measurements, strict=True)
        ],
        "leftOut": target.left_out,
        "matrix": {
            region.name: {other.name: verdict.cell(region.name, other.name).word for other in target.regions}
            for region in target.regions
        },
        "certificates": [
            {"name": name, "ends": ends.isoformat(), "daysLeft": left}
            for name, ends, left in certificates(measurements, now or datetime.now(UTC))
        ],
        "findings": [_finding_json(found) for found in verdict.findings],
        "measurements": [report for one in measurements for report in one.reports],
    }


def certificates(measurements: list[RegionMeasurement], now: datetime) -> list[tuple[str, datetime, float]]:
    """(name, end, days left) of every certificate, the first to end first; of a region's nodes, the earliest."""
    left: dict[str, float] = {}

    def note(name: str, days: float) -> None:
        left[name] = min(days, left.get(name, days))

    for report in (report for one in measurements for report in one.reports):
        for one in report["certificates"]:
            note(one["name"], one["daysLeft"])
        for node in report["nodes"]:
            if node["tls"] and "daysLeft" in node["tls"]:
                note(f"nodes of {node['region']}", node["tls"]["daysLeft"])
    by_end = sorted(left.items(), key=lambda item: (item[1], item[0]))
    return [(name, (now + timedelta(days=days)).replace(microsecond=0), days) for name, days in by_end]


def _certificate_lines(measurements: list[RegionMeasurement], now: datetime) -> list[str]:
    found = certificates(measurements, now)
    width = max((len(name) for name, _, _ in found), default=0)
    lines = [f"  {name:{width}}  {ends:%Y-%m-%d}  ({days:.0f} days)" for name, ends, days in found]
    return ["Certificates end:", *lines, ""] if lines else []


def to_text(
    target: Target,
    measurements: list[RegionMeasurement],
    verdict: Verdict,
    seconds: float,
    colour: bool = False,
    now: datetime | None = None,
) -> str:
    """The matrix, each fault with its likely fix (faults that say the same of several pairs joined), certificates."""
    lines = ["From the region in a row, of the region in a column:", "", *matrix(target, verdict, colour), ""]
    for found, pairs in grouped(verdict.findings):
        lines.append(f"{_painted(found.severity.word, found.severity.word, colour)}  {found.layer}  {pairs}")
        lines.append(f"    {found.subject}: {found.symptom}")
        lines.append(f"    likely fix: {found.fix}")
    if verdict.findings:
        lines.append("")
    lines += _certificate_lines(measurements, now or datetime.now(UTC))
    if target.left_out:
        left = ", ".join(f"{name} ({state})" for name, state in target.left_out.items())
        lines.append(f"left out: {left}")
    nodes = sum(len(region.nodes) for region in target.regions)
    verb = _painted(verdict.severity.word, verdict.severity.word, colour)
    lines.append(f"{verb}: {len(target.regions)} regions, {nodes} nodes, {seconds:.1f} s")
    return "\n".join(lines)


def matrix(target: Target, verdict: Verdict, colour: bool = False) -> list[str]:
    """Region by region: `ok`, `degraded`, `RED` or `unknown`, with the layers at fault."""
    heads = [region.name + (" (draining)" if region.draining else "") for region in target.regions]
    rows = [
        [_word(verdict.cell(source.name, destination.name)) for destination in target.regions]
        for source in target.regions
    ]
    first = max(map(len, heads))
    widths = [max(len(head), *(len(row[column][0]) for row in rows)) for column, head in enumerate(heads)]
    lines = [" " * first + "".join(f"  {head:{width}}" for head, width in zip(heads, widths, strict=True))]
    for head, row in zip(heads, rows, strict=True):
        cells = "".join(
            "  " + _painted(f"{text:{width}}", word, colour) for (text, word), width in zip(row, widths, strict=True)
        )
        lines.append(f"{head:{first}}{cells}")
    return [line.rstrip() for line in lines]


def grouped(findings: tuple[Finding, ...]) -> list[tuple[Finding, str]]:
    """Findings of one kind, symptom and target, once, with the pairs that they concern in words."""
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for found in findings:
        key = (found.severity, found.layer, found.code, found.target, found.subject, found.symptom)
        groups.setdefault(key, []).append(found)
    return [(group[0], _pairs(group)) for group in groups.values()]


def _pairs(group: list[Finding]) -> str:
    sources = ", ".join(dict.fromkeys(found.source or "everywhere" for found in group))
    destination = group[0].target
    if group[0].source is None:
        return destination or "the whole cluster"
    return sources if destination is None else f"{sources} → {destination}"


def _word(cell: Cell) -> tuple[str, str]:
    layers = dict.fromkeys(
        str(found.layer) for found in cell.findings if found.severity is cell.severity is not Severity.GREEN
    )
    shown = ", ".join(list(layers)[:2])
    return (f"{MARKS[cell.word]} {shown}".strip(), cell.word)


def _painted(text: str, word: str, colour: bool) -> str:
    return f"\x1b[{COLOURS[word]}m{text}\x1b[0m" if colour else text


def _finding_json(found: Finding) -> dict[str, Any]:
    return {
        "severity": found.severity.word,
        "layer": str(found.layer),
        "code": found.code,
        "source": found.source,
        "target": found.target,
        "subject": found.subject,
        "symptom": found.symptom,
        "fix": found.fix,
    }
