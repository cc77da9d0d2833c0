"""GKE's rules for maintenance windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

HOURS = 48
"""Hours of maintenance that 32 days have to leave room for."""

SHORTEST = 4
"""Hours that a window has at least, to count."""


def problems(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a cluster's maintenancePolicy."""
    daily = policy.get("dailyMaintenanceWindow")
    if isinstance(daily, Mapping) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(daily.get("startTime", ""))):
        yield "maintenancePolicy.dailyMaintenanceWindow.startTime", "expected HH:MM, in UTC"
    recurring = policy.get("recurringWindow")
    if not isinstance(recurring, Mapping):
        return
    path = "maintenancePolicy.recurringWindow"
    try:
        start, end = (datetime.fromisoformat(str(recurring[name])) for name in ("startTime", "endTime"))
    except (KeyError, ValueError) as error:
        yield path, f"startTime and endTime are times as 2026-01-01T03:00:00Z: {error}"
        return
    hours = (end - start).total_seconds() / 3600
    times = _times(str(recurring.get("recurrence", "")))
    if times is None:
        yield f"{path}.recurrence", f"{recurring.get('recurrence')!r} is no FREQ=DAILY or FREQ=WEEKLY;BYDAY=…"
    elif hours < SHORTEST or times * hours < HOURS:
        yield (
            path,
            "maintenance policy would go longer than 32d without 48h maintenance availability of >=4h contiguous",
        )


def _times(recurrence: str) -> int | None:
    """How often in 32 days."""
    rule = dict(word.split("=", 1) for word in recurrence.split(";") if "=" in word)
    if rule.get("FREQ") == "DAILY":
        return 32
    days = [day for day in rule.get("BYDAY", "").split(",") if day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")]
    return 32 // 7 * len(days) if rule.get("FREQ") == "WEEKLY" and days else None
