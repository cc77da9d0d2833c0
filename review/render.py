"""The report as text: Markdown for a pull request's comment, or plain for a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from .report import Report, Row, listed
from .risk import Risk, Severity

HEAD = ("region", "create", "update", "replace", "delete", "pods restart", "touches")
TITLES = {Severity.REFUSED: "Refused", Severity.CAREFUL: "Look twice"}


def markdown(report: Report) -> str:
    """For a comment."""
    lines = [f"### {headline(report)}", ""]
    for severity in Severity:
        if some := _grouped(report, severity):
            lines += [f"**{TITLES[severity]}**", "", *(f"- {_code(line)}".replace("\n", "\n  - ") for line in some), ""]
    if report.rows:
        lines += [f"| {' | '.join(HEAD)} |", "|---|---:|---:|---:|---:|---:|---|"]
        lines += [f"| {' | '.join(cells)} |" for cells in _table(report)]
        lines.append("")
    lines += [*_unchanged(report)]
    if report.turns:
        lines += ["**Pods restart**, one at a time, each only while the whole cluster is healthy:", ""]
        lines += [*(f"{number}. {line}" for number, line in enumerate(_turns(report), 1)), ""]
    for title, some in report.sections:
        lines += [f"**{title[0].upper()}{title[1:]}**", "", *(f"- {_code(line)}" for line in some), ""]
    return "\n".join(lines)


def text(report: Report) -> str:
    """For a terminal."""
    lines = [headline(report), ""]
    for severity in Severity:
        if some := _grouped(report, severity):
            lines += [f"{TITLES[severity]}:", *(f"  {line}".replace("\n", "\n    ") for line in some), ""]
    if report.rows:
        cells = [HEAD, *_table(report)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
        lines.append("")
    lines += _unchanged(report)
    if report.turns:
        lines.append("Pods restart, one at a time, each only while the whole cluster is healthy:")
        lines += [*(f"  {number}. {line}" for number, line in enumerate(_turns(report), 1)), ""]
    for title, some in report.sections:
        lines += [f"{title[0].upper()}{title[1:]}:", *(f"  {line}" for line in some), ""]
    return "\n".join(lines)


def headline(report: Report) -> str:
    """The one line that says it all."""
    pods = sum(turn.pods for turn in report.turns)
    busy = {name for row in report.rows for name in row.regions} & set(report.regions)
    changes = "no resource changes"
    if report.stopped:
        changes = "the preview stopped at an error"
    elif report.total:
        resources = "1 resource changes" if report.total == 1 else f"{report.total} resources change"
        changes = f"{resources} in {len(busy)} of {len(report.regions)} regions"
    parts = [
        changes,
        *([f"{pods} {'pod restarts' if pods == 1 else 'pods restart'}"] if pods else []),
        f"{len(report.refused)} refused" if report.refused else "nothing refused",
    ]
    return f"{report.stack}: {', '.join(parts)}"


def _table(report: Report) -> Iterator[tuple[str, ...]]:
    for row in report.rows:
        each = " each" if len(row.regions) > 1 else ""
        numbers = [f"{number or '·'}{each if number else ''}" for number in (*row.counts, row.pods)]
        yield (_named(row, report), *numbers, ", ".join(row.touches) or "·")


def _named(row: Row, report: Report) -> str:
    return listed(row.regions, len(report.regions))


def _unchanged(report: Report) -> list[str]:
    if not report.unchanged or not report.rows:
        return []
    return [f"Unchanged: {listed(report.unchanged, len(report.regions))}.", ""]


def _turns(report: Report) -> Iterator[str]:
    """Region by region; neighbours that restart for the same reason share a line."""
    runs: list[tuple[tuple[str, ...], list[str]]] = []
    for turn in report.turns:
        told = f"{turn.region} ({turn.pods})"
        why = tuple(line.replace(turn.region, "REGION") for line in turn.why)
        if runs and runs[-1][0] == why:
            runs[-1][1].append(told)
        else:
            runs.append((why, [told]))
    for why, regions in runs:
        yield f"{' → '.join(regions)}: {'; '.join(why)}"


def _grouped(report: Report, severity: Severity) -> list[str]:
    """A line per danger, with all the regions that it is in."""
    where: dict[str, list[str]] = defaultdict(list)
    for risk in report.risks:
        if risk.severity is severity:
            where[_alike(risk)].append(risk.where)
    places = {what: listed(list(dict.fromkeys(names)), len(report.regions)) for what, names in where.items()}
    return [f"{here}: {what}" if here else what for what, here in places.items()]


def _alike(risk: Risk) -> str:
    return risk.message.replace(f"{risk.where}-", "") if risk.where else risk.message


def _code(line: str) -> str:
    """Values as they are: Markdown shall not read them."""
    return line.replace("<", "&lt;").replace("*", "\\*").replace("|", "\\|")
