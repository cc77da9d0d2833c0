"""Stack rules about words of the config that this version does not act on: refused, never silently ignored."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Problem
from .rules import Draft, stack_rule


@stack_rule("backup-not-yet")
def _backup(draft: Draft) -> Iterator[Problem]:
    if draft.settings.backup is not None and draft.sound("backup"):
        yield Problem(
            "backup",
            "no backup is made by this version; leave `backup` out and make the schedule in SQL "
            "(CREATE SCHEDULE … FOR BACKUP INTO …)",
        )


@stack_rule("monitoring-not-yet")
def _monitoring(draft: Draft) -> Iterator[Problem]:
    if draft.settings.service_monitor and draft.sound("monitoring"):
        yield Problem(
            "monitoring.serviceMonitor",
            "true asks for ServiceMonitors, which this version does not make; leave it out and scrape "
            "https://<node>:8080/_status/vars",
        )
