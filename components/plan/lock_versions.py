"""Which release a running stack may go to: forwards without a skip, and back while the upgrade is not finalised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model import Problem

LAST_ODD_YEAR = 24
"""Up to this year's releases the required ones have odd numbers."""

Series = tuple[int, int]


def held(previous: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """The release whose series the cluster keeps to, so that nodes may go back to it; None: what all nodes run.

    `previous` and `new` are records of `components.plan.lock`.
    """
    if new.get("finalizeUpgrade", True):
        return None
    return previous.get("held") or previous.get("version") or new["version"]


def compare(previous: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    """Why the release of the record `previous` must not become that of `new`."""
    was, now = str(previous["version"]), str(new["version"])
    free = previous.get("finalizeUpgrade", True)
    base = was if free else str(previous.get("held") or was)
    if _series(was) != _series(now) and free and not new.get("finalizeUpgrade", True):
        yield Problem(
            "cockroachdb.finalizeUpgrade",
            f"false comes too late with another version: it is set after the nodes' restart, whose last one finalises "
            f"the upgrade; use it with {was} and an up first, then {now}",
        )
        return
    yield from compare_versions(was if _series(base) == _series(was) else base, now)


def compare_versions(previous: str, new: str) -> list[Problem]:
    """A release series is never left backwards, and no required one is skipped: such a node refuses its store."""
    was, now = _series(previous), _series(new)
    between = [series for series in _required(was, now) if was < series < now]
    if now < was:
        message = (
            f"{new} is older than {previous}, which the running stack has; "
            "use that series or a newer one, a downgrade within a series' patches is fine"
        )
    elif between:
        year, release = between[0]
        message = (
            f"{new} skips v{year}.{release}, and nodes of it would refuse the stores of {previous}, which the running "
            f"stack has; upgrade to v{year}.{release} first"
        )
    else:
        return []
    return [Problem("cockroachdb.version", message)]


def _required(was: Series, now: Series) -> Iterator[Series]:
    """The releases that an upgrade may not skip: every second one (docs, «Upgrade CockroachDB», types of upgrades).

    They are .1 and .3 up to 2024, which had three, and .2 and .4 since.
    """
    for year in range(was[0], now[0] + 1):
        for release in (1, 3) if year <= LAST_ODD_YEAR else (2, 4):
            yield year, release


def _series(version: str) -> Series:
    year, release, _ = version.removeprefix("v").split(".")
    return int(year), int(release)
