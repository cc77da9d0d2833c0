"""`python -m tests.mutations --name LAB`: change the network of the stack that a lab runs, resource by resource."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.paths import PROJECT, lab_paths
from lab.stackfile import chosen_stack
from tests.mutations.changes import Change, Class, changes, combinations
from tests.mutations.live import Live
from tests.mutations.outcome import Outcome, from_json, red_pairs, table, to_json

MEASUREMENTS = 3
"""At most, of a change that should turn nothing red."""
FOLDER = PROJECT / "docs" / "mutations"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 1 where packets and proof see a change otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--name", required=True, help="the lab, whose stack is up and green")
    parser.add_argument("--only", default="", help="changes whose label has this text")
    parser.add_argument("--every", type=int, default=1, help="one of so many, as a sample")
    parser.add_argument("--offset", type=int, default=0, help="the first of them")
    parser.add_argument(
        "--write", action="store_true", help="write docs/mutations/STACK.md, and go on from what it has"
    )
    options = parser.parse_args(argv)
    # What is changed is put back, also when this is killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    live = Live(lab_paths(options.name))
    live.wait_green()
    singles = changes(live.graph)
    every = [*singles, *combinations(singles, live.judge)]
    todo = [change for change in every if options.only in change.label][options.offset :: options.every]
    stack = chosen_stack(live.paths)
    labels = {change.label for change in every}
    seen = {label: outcome for label, outcome in _read(stack).items() if label in labels} if options.write else {}
    for outcome in run(live, [change for change in todo if change.label not in seen]):
        seen[outcome.label] = outcome
        if options.write:
            _write(stack, len(every), seen)
    sys.stdout.write(table(stack, len(every), list(seen.values())))
    return 0 if all(outcome.agrees for outcome in seen.values()) else 1


def run(live: Live, todo: Sequence[Change]) -> Iterator[Outcome]:
    """Every change in turn. What a red one broke is green again before the next."""
    commit = _commit()
    for place, change in enumerate(todo, 1):
        begun = time.monotonic()
        expected, pairs = live.judge.class_of(change), live.judge.broken_pairs(change)
        with live.changed(change) as there:
            if not there:
                continue
            verdict = settled(live, expected)
        outcome = Outcome(
            change.type, change.name, change.what, expected, pairs, verdict["verdict"], red_pairs(verdict), commit
        )
        yield outcome
        mark = "" if outcome.agrees else "  OTHERWISE"
        seconds = time.monotonic() - begun
        sys.stderr.write(
            f"[{place}/{len(todo)}] {change.label}: {expected}; {outcome.matrix} ({seconds:.0f} s){mark}\n"
        )
        sys.stderr.flush()
        if outcome.matrix != "green":
            live.wait_green()


def settled(live: Live, expected: Class) -> Mapping[str, Any]:
    """What is measured once DNS servers have noticed which of several addresses is dead: they ask every second."""
    verdict = live.verdict()
    for _ in range(0 if expected is Class.NEEDED else MEASUREMENTS - 1):
        if verdict["verdict"] != "red":
            break
        verdict = live.verdict()
    return verdict


def _read(stack: str) -> dict[str, Outcome]:
    """What was seen before, by label."""
    file = FOLDER / f"{stack}.json"
    outcomes = [from_json(each) for each in json.loads(file.read_text())] if file.exists() else []
    return {outcome.label: outcome for outcome in outcomes}


def _write(stack: str, total: int, seen: Mapping[str, Outcome]) -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{stack}.md").write_text(table(stack, total, list(seen.values())))
    fresh = FOLDER / f"{stack}.new"
    fresh.write_text(json.dumps([to_json(outcome) for outcome in seen.values()], indent=1) + "\n")
    fresh.replace(FOLDER / f"{stack}.json")


def _commit() -> str:
    argv = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
