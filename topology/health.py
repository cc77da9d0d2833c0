"""What verify's verdict says of regions and pairs, and its findings, each said once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .model import Finding, listing

Matrix = Mapping[str, Mapping[str, str]]
"""Source -> target -> word."""

WORDS = ("green", "degraded", "red", "unknown")
"""Of verify's matrix, worse and worse."""

WORKS = ("green", "degraded")
"""Those of a pair that talks."""


def health_of(name: str, matrix: Matrix) -> str | None:
    """Of a region by itself: how it sees itself; red or unknown where it has no pair that works.

    So a region that is cut off is red, and those that no longer reach it are not.
    """
    if name not in matrix:
        return None
    pairs = [worst((word(matrix, name, other), word(matrix, other, name))) for other in matrix if other != name]
    best = min((pair for pair in pairs if pair is not None), key=WORDS.index, default="green")
    return worst((word(matrix, name, name), best if best not in WORKS else None))


def reaches(name: str, matrix: Matrix) -> tuple[int, int] | None:
    """Of the other regions, how many it talks with both ways, and how many there are; None: not measured."""
    if name not in matrix:
        return None
    others = [other for other in matrix if other != name]
    good = [other for other in others if _works(matrix, name, other) and _works(matrix, other, name)]
    return len(good), len(others)


def _works(matrix: Matrix, source: str, target: str) -> bool:
    return word(matrix, source, target) in WORKS


def word(matrix: Matrix, source: str, target: str) -> str | None:
    """Of a pair, in one direction; None: not measured."""
    return matrix.get(source, {}).get(target)


def worst(words: Iterable[str | None]) -> str | None:
    """The worst of those that are known; None where none is."""
    return max((each for each in words if each is not None), key=WORDS.index, default=None)


def grouped(findings: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Findings that say the same of several sources, and then of several targets, once."""
    by_target: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for found in findings:
        key = tuple(found[part] for part in ("severity", "layer", "code", "target", "subject", "symptom"))
        by_target.setdefault(key, []).append(found)
    merged: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for group in by_target.values():
        first = group[0]
        sources = frozenset(found["source"] for found in group)
        merged.setdefault((first["severity"], first["layer"], first["code"], sources, first["symptom"]), []).extend(
            group
        )
    for group in merged.values():
        first = group[0]
        subjects = dict.fromkeys(found["subject"] for found in group)
        yield Finding(
            first["severity"],
            first["layer"],
            _where([found["source"] for found in group], [found["target"] for found in group]),
            listing(subjects),
            first["symptom"],
            first["fix"] + ("; likewise for the others" if len({found["fix"] for found in group}) > 1 else ""),
            frozenset((found["source"], found["target"]) for found in group),
        )


def _where(sources: Sequence[str | None], targets: Sequence[str | None]) -> str:
    froms, tos = (list(dict.fromkeys(name for name in names if name)) for names in (sources, targets))
    if not froms:
        return listing(tos) if tos else "the whole cluster"
    return f"{listing(froms)} → {listing(tos)}" if tos else listing(froms)
