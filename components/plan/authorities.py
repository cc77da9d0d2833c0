"""Which authority a running stack may go to: by way of both, so that every node trusts who signs the others' leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model import Problem, RegionState

FIRST = "1"
"""What a stack begins with, and what a record has that is older than this key."""


def compare(previous: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    """Why the authority of the record `previous` (empty: nothing ran yet) must not become that of `new`."""
    was, now = str(previous.get("authority", FIRST)), str(new["authority"])
    draining = [region["name"] for region in new["topology"]["regions"] if region["state"] == RegionState.DRAINING]
    if now == was:
        return
    if not previous:
        yield Problem("certificates.authority", f"{now} in a stack that has not run yet; begin with {FIRST}")
    elif not follows(was, now):
        yield Problem(
            "certificates.authority",
            f"{now} would break the nodes' trust in each other, the running stack has {was}; {_way(was, now)}",
        )
    elif draining:
        yield Problem(
            "certificates.authority",
            f"{now} while {draining[0]} is draining, whose nodes nobody looks after any more; keep {was} until the "
            "region is removed",
        )


def follows(was: str, now: str) -> bool:
    """Whether one `up` may lead from a word to the other: to a newer authority beside the one that signs, to the other
    one's turn to sign, and from two to the one that signs.
    """
    signs, _, beside = was.partition("+")
    if beside:
        return now in (f"{beside}+{signs}", signs)
    first, _, second = now.partition("+")
    return first == signs and second != "" and int(second) > int(signs)


def _way(was: str, now: str) -> str:
    signs, _, beside = was.partition("+")
    if not beside:
        wanted = max(int(part) for part in now.split("+"))
        following = wanted if wanted > int(signs) else int(signs) + 1
        return (
            f"an up with {signs}+{following} first (all trust both), then one with {following}+{signs} (the new one "
            f"signs), then one with {following}"
        )
    return f"an up with {beside}+{signs} first, where {beside} signs, or back with {signs}"
