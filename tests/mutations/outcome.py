"""What packets and proof said of each change, and the table of it: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.mutations.changes import Class

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change."""

    type: str
    name: str
    what: str
    expected: Class
    proof: Pairs
    """Pairs that the proof says can't talk."""
    matrix: str
    """The verdict: `green`, `degraded` or `red`."""
    red: Pairs
    """Pairs that the matrix has red."""
    commit: str
    """Of the project, when it was seen."""

    @property
    def label(self) -> str:
        """As the change's."""
        return f"{self.type.rpartition(':')[2]} {self.name}: {self.what}"

    @property
    def agrees(self) -> bool:
        """Whether packets say what the class says: every pair that the proof names is red; without one, nothing is."""
        if self.expected is Class.NEEDED:
            return self.matrix == "red" and self.proof <= self.red
        return self.matrix != "red"


def red_pairs(verdict: Mapping[str, Any]) -> Pairs:
    """Cells of verify's matrix that are red."""
    return frozenset(
        (source, target)
        for source, row in verdict["matrix"].items()
        for target, word in row.items()
        if word == "red" and source != target
    )


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Plain values."""
    return {**asdict(outcome), "proof": sorted(outcome.proof), "red": sorted(outcome.red)}


def from_json(said: Mapping[str, Any]) -> Outcome:
    """What `to_json` made."""
    pairs = {key: frozenset((source, target) for source, target in said[key]) for key in ("proof", "red")}
    return Outcome(**{**said, "expected": Class(said["expected"]), **pairs})


def table(stack: str, total: int, outcomes: Sequence[Outcome]) -> str:
    """Markdown: a row per kind of change, and every change that packets and proof see otherwise."""
    commits = sorted({outcome.commit for outcome in outcomes})
    rows: dict[tuple[str, str, Class], list[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault((outcome.type.rpartition(":")[2], _kind(outcome.what), outcome.expected), []).append(outcome)
    lines = [
        f"# `{stack}`",
        "",
        f"Made by `make mutations STACK={stack}`; seen at {', '.join(f'`{commit}`' for commit in commits)}.",
        "",
        "| resource | change | class beforehand | how many | matrix | proof's pairs red in the matrix |",
        "|---|---|---|---|---|---|",
    ]
    for (kind, what, expected), found in sorted(rows.items()):
        seen = {word: sum(each.matrix == word for each in found) for word in ("red", "degraded", "green")}
        words = ", ".join(f"{count} {word}" for word, count in seen.items() if count)
        named = sum(len(each.proof) for each in found)
        same = sum(len(each.proof & each.red) for each in found)
        pairs = f"{same} of {named}" if named else ""
        lines.append(f"| {kind} | {what} | {expected} | {len(found)} | {words} | {pairs} |")
    odd = [outcome for outcome in outcomes if not outcome.agrees]
    lines += ["", f"{len(outcomes)} of {total} changes seen; packets and proof disagree on {len(odd)} of them."]
    lines += [f"- {_odd(outcome)}" for outcome in odd]
    return "\n".join(lines) + "\n"


def _kind(what: str) -> str:
    return "without one address" if what.removeprefix("without ")[0].isdigit() else what


def _odd(outcome: Outcome) -> str:
    pairs = ", ".join(f"{a} → {b}" for a, b in sorted(outcome.proof ^ outcome.red)) or "none"
    return (
        f"{outcome.type.rpartition(':')[2]} {outcome.name}, {outcome.what}: {outcome.expected} to the proof, "
        f"{outcome.matrix} in the matrix; pairs that only one of them names: {pairs}"
    )
