"""The summary as values: a row per region, and sections of lines. What it looks like is `render`'s."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import kinds
from .kinds import EVERYWHERE, Touches
from .preview import Op, Preview, Step
from .restarts import Restart, restarts, told
from .risk import Risk, Severity
from .risks import risks

NAMED = 6
"""Things of a kind that are named one by one; more are counted."""
MERGED_FROM = 9
"""From this many regions on, those whose rows are alike share one."""
PATHS = 4
"""Changed properties that are shown of one resource."""


@dataclass(frozen=True, slots=True)
class Row:
    """What happens in one region, or alike in each of several."""

    regions: tuple[str, ...]
    counts: tuple[int, int, int, int]
    """Created, updated, replaced, deleted."""
    pods: int
    """How many restart."""
    touches: tuple[Touches, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a reviewer reads."""

    stack: str
    regions: tuple[str, ...]
    rows: tuple[Row, ...]
    unchanged: tuple[str, ...]
    turns: tuple[Restart, ...]
    risks: tuple[Risk, ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    """Title and lines."""
    stopped: bool
    """Whether the preview did not get to its end, for an error."""

    @property
    def refused(self) -> list[Risk]:
        """What must not pass."""
        return [risk for risk in self.risks if risk.severity is Severity.REFUSED]

    @property
    def total(self) -> int:
        """Resources that change."""
        return sum(sum(row.counts) * len(row.regions) for row in self.rows)


def report(preview: Preview) -> Report:
    """What there is to say of a preview."""
    names = kinds.regions(preview)
    turns = restarts(preview)
    changed = [step for step in preview.changed if kinds.counts(preview, step)]
    by_region: dict[str, list[Step]] = defaultdict(list)
    for step in changed:
        by_region[kinds.region_of(step, names)].append(step)
    pods = {turn.region: turn.pods for turn in turns}
    rows = [_row(name, by_region[name], pods.get(name, 0)) for name in (*names, EVERYWHERE)]
    shown = [row for row in rows if sum(row.counts) or row.pods]
    quiet = [name for row in rows if not (sum(row.counts) or row.pods) for name in row.regions if name != EVERYWHERE]
    return Report(
        stack=_stack(preview),
        regions=tuple(names),
        rows=tuple(_merged(shown) if len(names) >= MERGED_FROM else shown),
        unchanged=tuple(quiet),
        turns=tuple(turns),
        risks=tuple(risks(preview)),
        sections=tuple(_sections(preview, changed, names)),
        stopped=bool(preview.errors),
    )


def _row(name: str, steps: Sequence[Step], pods: int) -> Row:
    ops = Counter(step.op for step in steps)
    seen = {kinds.touches(step) for step in steps}
    counts = (ops[Op.CREATE], ops[Op.UPDATE], ops[Op.REPLACE], ops[Op.DELETE])
    return Row((name,), counts, pods, tuple(kind for kind in Touches if kind in seen))


def _merged(rows: Sequence[Row]) -> list[Row]:
    alike: dict[tuple, list[str]] = defaultdict(list)
    for row in rows:
        alike[row.counts, row.pods, row.touches].extend(row.regions)
    return [Row(tuple(regions), *key) for key, regions in alike.items()]


def _sections(preview: Preview, changed: Sequence[Step], names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in Touches:
        of_kind = [step for step in changed if kinds.touches(step) is kind]
        lines = tuple(_lines(of_kind, names))
        if lines:
            yield str(kind), lines
    if runs := tuple(_runs(preview)):
        yield "what runs once", runs


def _lines(steps: Sequence[Step], names: Sequence[str]) -> Iterator[str]:
    """Additions and removals by where they are; changes by what they are, alike ones of several regions in one line."""
    for op in (Op.CREATE, Op.DELETE):
        places: dict[tuple[str, str], list[Step]] = defaultdict(list)
        for step in steps:
            if step.op is op:
                places[_type(step), _own_name(step, names)].append(step)
        together: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for what, some in sorted(places.items()):
            together[_places(some, names)].append(what)
        for where, things in together.items():
            yield f"{op} in {where}: {_named(things)}"
    alike: dict[tuple[str, str, tuple[str, ...]], list[Step]] = defaultdict(list)
    for step in steps:
        if step.op in (Op.UPDATE, Op.REPLACE):
            alike[str(step.op), f"{_type(step)} {_own_name(step, names)}", tuple(_paths(step))].append(step)
    for (op, what, paths), some in sorted(alike.items()):
        forced = ", ".join(dict.fromkeys(path for step in some for path in step.forced_by))
        changes = list(dict.fromkeys(line for step in some for line in _changes(step)))
        details = changes[:PATHS] if len(some) == 1 or len(changes) <= PATHS else list(paths[:PATHS])
        more = max(len(changes) if details == changes[:PATHS] else len(paths), len(details)) - len(details)
        tail = f" and {more} more" if more else ""
        because = f" (forced by {forced})" if forced and op == Op.REPLACE else ""
        yield f"{op} {what} in {_places(some, names)}{because}: {'; '.join(details) or 'not shown'}{tail}"


def _named(things: Sequence[tuple[str, str]]) -> str:
    """Types and names; of many, how many there are of each type."""
    if len(things) <= NAMED:
        return ", ".join(" ".join(thing) for thing in things)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(kind for kind, _ in things).items()))


def _paths(step: Step) -> list[str]:
    return [path for path in step.changes() if not path.startswith("status")]


def _changes(step: Step) -> list[str]:
    changes = step.changes()
    return [told(path, *changes[path]) for path in _paths(step)]


def _runs(preview: Preview) -> Iterator[str]:
    said = {
        kinds.INIT: "`cockroach init`, in {where}",
        kinds.DECOMMISSION: "nodes of {where} leave the membership, their replicas first",
        kinds.RESTORE: "the database {own} restored from a backup",
        kinds.DATABASES: "SQL: users, databases, their regions, cluster settings, license",
    }
    names = kinds.regions(preview)
    for step in preview.changed:
        kind = preview.parent_type(step)
        if step.type == kinds.JOB and step.op in (Op.CREATE, Op.REPLACE) and kind in said:
            where = kinds.region_of(step, names)
            where = str((step.now.inputs.get("metadata") or {}).get("namespace", "")) if where == EVERYWHERE else where
            own = preview.parent_name(step).removeprefix("cockroachdb-restore-")
            yield said[kind].format(where=where, own=own)


def _type(step: Step) -> str:
    return step.type.rpartition(":")[2]


def _own_name(step: Step, names: Sequence[str]) -> str:
    """A resource's name without its region's."""
    region = kinds.region_of(step, names)
    return step.name.removeprefix(region).removeprefix("-") or step.name


def _places(steps: Sequence[Step], names: Sequence[str]) -> str:
    here = {kinds.region_of(step, names) for step in steps}
    return listed([name for name in (*names, EVERYWHERE) if name in here], len(names))


def listed(names: Sequence[str], total: int) -> str:
    """Names of regions, some of `total`."""
    own = [name for name in names if name != EVERYWHERE]
    if len(own) == total > 1:
        return f"each of the {total} regions"
    if len(names) > NAMED:
        return f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more"
    return ", ".join(names)


def _stack(preview: Preview) -> str:
    return next((step.urn.split("::")[0].removeprefix("urn:pulumi:") for step in preview.steps), "")
