"""`python -m tests.mutations --name LAB`: change the network of the stack that a lab runs, resource by resource."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab.paths import PROJECT, lab_paths
from lab.stackfile import chosen_stack
from policy.reach import violations
from tests.mutations.changes import Change, broken_pairs, changes, classed
from tests.mutations.live import Live
from tests.mutations.outcome import Outcome, red_pairs, table

FOLDER = PROJECT / "docs" / "mutations"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 1 where packets and proof see a change otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--name", required=True, help="the lab, whose stack is up and green")
    parser.add_argument("--only", default="", help="changes whose label has this text")
    parser.add_argument("--every", type=int, default=1, help="one of so many, as a sample")
    parser.add_argument(
        "--write", action="store_true", help="write docs/mutations/STACK.md, and what was seen beside it"
    )
    options = parser.parse_args(argv)
    live = Live(lab_paths(options.name))
    live.wait_green()
    todo = [change for change in changes(live.graph) if options.only in change.label][:: options.every]
    outcomes = run(live, todo)
    stack = chosen_stack(live.paths)
    page = table(stack, _commit(), outcomes)
    sys.stdout.write(page)
    if options.write:
        _write(stack, page, outcomes)
    return 0 if all(outcome.agrees for outcome in outcomes) else 1


def run(live: Live, todo: Sequence[Change]) -> list[Outcome]:
    """Every change in turn. What a red one broke is green again before the next."""
    before = violations(live.graph, live.topology)
    outcomes: list[Outcome] = []
    for place, change in enumerate(todo, 1):
        begun = time.monotonic()
        found = violations(change.of(live.graph), live.topology)
        expected, pairs = classed(found, before), broken_pairs(found)
        with live.changed(change) as there:
            if not there:
                continue
            verdict = live.verdict()
        outcome = Outcome(
            change.type, change.name, change.what, expected, pairs, verdict["verdict"], red_pairs(verdict)
        )
        outcomes.append(outcome)
        mark = "" if outcome.agrees else "  OTHERWISE"
        seconds = time.monotonic() - begun
        sys.stderr.write(
            f"[{place}/{len(todo)}] {change.label}: {expected}; {outcome.matrix} ({seconds:.0f} s){mark}\n"
        )
        sys.stderr.flush()
        if outcome.matrix != "green":
            live.wait_green()
    return outcomes


def _write(stack: str, page: str, outcomes: Sequence[Outcome]) -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{stack}.md").write_text(page)
    seen = [{**asdict(outcome), "proof": sorted(outcome.proof), "red": sorted(outcome.red)} for outcome in outcomes]
    Path(FOLDER / f"{stack}.json").write_text(json.dumps(seen, indent=1) + "\n")


def _commit() -> str:
    argv = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
