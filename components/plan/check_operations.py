"""Stack rules about backups and monitoring: what would be made and never work."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from .model import Platform, Problem
from .rules import Draft, show, stack_rule

LEAVES_WITH_THE_CLUSTER = ("nodelocal", "userfile")
"""Storage in the cluster itself: files of one node, rows of a table."""

_IMPLICIT_BY_DEFAULT = ("external", *LEAVES_WITH_THE_CLUSTER)
"""Schemes whose URIs say nothing of credentials."""


def _uris(draft: Draft) -> Iterator[tuple[str, str]]:
    """(config path, URI) of every collection of backups that the config names."""
    found = [("backup.uri", draft.settings.backup.uri)] if draft.settings.backup is not None else []
    for index, database in enumerate(draft.settings.databases):
        path = f"databases[{index}].restoredFrom.uri"
        if database.restored_from is not None and path in draft.given:
            found.append((path, database.restored_from.uri))
    return ((path, uri) for path, uri in found if draft.sound(path))


@stack_rule("backup-credentials")
def _credentials(draft: Draft) -> Iterator[Problem]:
    for path, uri in _uris(draft):
        parts = urlsplit(uri)
        if parts.scheme in _IMPLICIT_BY_DEFAULT or parse_qs(parts.query).get("AUTH") == ["implicit"]:
            continue
        yield Problem(
            path,
            f"{uri.split('?')[0]} does not say how nodes log in there; add ?AUTH=implicit for the nodes' own cloud "
            "identity, or use external://NAME, a connection that was made in SQL with its credential",
        )


@stack_rule("backup-inside")
def _inside(draft: Draft) -> Iterator[Problem]:
    clouds = sorted({str(region.platform) for _, region in draft.regions() if region.platform is not Platform.EXISTING})
    for path, uri in _uris(draft):
        if urlsplit(uri).scheme in LEAVES_WITH_THE_CLUSTER and clouds:
            yield Problem(
                path,
                f"{uri} is inside of the cluster, and is lost with it; on {' and '.join(clouds)}, name a bucket",
            )


@stack_rule("backup-incremental")
def _incremental(draft: Draft) -> Iterator[Problem]:
    backup = draft.settings.backup
    if backup is None or backup.incremental is None or not draft.sound("backup"):
        return
    if backup.incremental == backup.schedule:
        yield Problem(
            "backup.incremental",
            f"{show(backup.incremental)} is when full backups are made too; make incremental ones more often, such as "
            "@hourly, or leave it out",
        )


@stack_rule("monitoring-labels")
def _labels(draft: Draft) -> Iterator[Problem]:
    monitoring = draft.settings.monitoring
    if not draft.sound("monitoring"):
        return
    if monitoring.labels and not (monitoring.service_monitor or monitoring.rules or monitoring.dashboards):
        yield Problem(
            "monitoring.labels",
            "labels nothing: no object is asked for; add serviceMonitor, rules or dashboards: true",
        )
