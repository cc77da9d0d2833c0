"""What a drill's report means. Pure."""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any


class Outcome(IntEnum):
    """The command's exit codes."""

    GOOD = 0
    DIFFERS = 1
    """It came back, but not as it was, or nobody can tell, or the copy is still there."""
    LOST = 2
    """Nothing came back."""
    COULD_NOT_RUN = 3


def judge(report: dict[str, Any]) -> tuple[Outcome, list[str]]:
    """The outcome, and everything that is wrong, one sentence each."""
    if "error" in report:
        return Outcome.LOST, [report["error"]]
    outcome, problems = Outcome.GOOD, []
    for database in report["databases"]:
        if database["error"] is not None:
            outcome = Outcome.LOST
            problems.append(f"{database['name']}: not restored: {database['error']}")
        for table in database["tables"]:
            problem = _table(table)
            if problem is not None:
                outcome = max(outcome, Outcome.DIFFERS)
                problems.append(f"{database['name']}.{table['table']}: {problem}")
        if not database["dropped"]:
            outcome = max(outcome, Outcome.DIFFERS)
            problems.append(f"{database['restoredAs']} was not dropped: {database['dropError']}")
    return outcome, problems


def _table(table: dict[str, Any]) -> str | None:
    expected = table["stated"] if table["then"] is None else table["then"]
    if expected is None:
        return (
            f"{table['restored']} rows came back, and what was there then can't be known any more; take a backup more "
            "often than the garbage collector comes (gc.ttlseconds), or drill sooner after it"
        )
    if expected != table["restored"]:
        return f"{table['restored']} rows came back of {expected}"
    if table["differs"]:
        return f"as many rows came back, and with other contents: {', '.join(table['differs'])}"
    return None


def age(report: dict[str, Any], now: datetime) -> timedelta:
    """Of the newest backup."""
    end = datetime.fromisoformat(report["backups"][-1]["end"])
    return now - (end if end.tzinfo else end.replace(tzinfo=UTC))


def to_text(report: dict[str, Any], outcome: Outcome, problems: list[str], now: datetime) -> str:
    """For people."""
    lines = []
    if "backups" in report:
        old = timedelta(seconds=round(age(report, now).total_seconds()))
        parts = len(report["backups"]) - 1
        layers = "full" if parts == 0 else f"full and {parts} incremental"
        lines.append(f"newest backup: {report['backups'][-1]['end']} UTC, {old} old ({layers})")
    for database in report.get("databases", []):
        if database["error"] is None:
            tables = database["tables"]
            rows = sum(table["restored"] for table in tables)
            lines.append(
                f"{database['name']}: {len(tables)} tables, {rows} rows, restored in {database['seconds']:.1f} s"
            )
            if counted := sum(table["differs"] is None for table in tables):
                lines.append(f"{database['name']}: in {counted} of {len(tables)} tables only rows were compared")
    lines += [f"problem: {problem}" for problem in problems]
    lines.append({Outcome.GOOD: "good: it came back as it was"}.get(outcome, outcome.name.lower()))
    return "\n".join(lines)


def to_json(report: dict[str, Any], outcome: Outcome, problems: list[str], now: datetime) -> dict[str, Any]:
    """For programs: the report, and what follows from it."""
    told: dict[str, Any] = {"outcome": outcome.name.lower(), "problems": problems, **report}
    if "backups" in report:
        told["ageSeconds"] = round(age(report, now).total_seconds())
    return told
