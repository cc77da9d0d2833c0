"""`make day-two`: every operation of docs/day-two.md in a lab; writes docs/day-two-results.md from what was seen.

Rows are kept per operation: a run of some leaves the others' as they were. Exit 1: one failed, or was not heard of.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.paths import PROJECT
from tests.acceptance.__main__ import commit_now
from tests.acceptance.outcome import Outcome, from_json, from_junit, to_json, whole
from tests.acceptance.report import cell, numbered

OPERATIONS = {
    "test_more_nodes": "a node more",
    "test_fewer_nodes": "a node fewer: decommissioned, then gone",
    "test_a_node_more_after_one_left": "a node more where one has left",
    "test_another_authority": "another certificate authority: `1+2`, `2+1`, `2`",
    "test_leaves_are_renewed": "new keys and certificates for nodes and users",
    "test_a_database_is_restored": "rows deleted by mistake: restored beside, from a backup",
    "test_an_upgrade_is_held_taken_back_and_finalised": "an upgrade: held, there, back, there and finalised",
    "test_a_region_comes_and_goes": "a region: added, drained, removed",
    "test_the_state_and_its_key_move": "the state to another backend, and there to another key",
    "test_a_region_is_lost": "a region cut off: lost, removed",
}
"""Test -> the operation, as the table says it."""
FIGURES = {
    "longest": "longest without an answer, s",
    "statements": "statements answered",
    "errors": "not answered",
    "restarted": "who restarted, in order",
    "seconds": "took, s",
}
"""What an operation's test writes down -> the words over its column."""

RESULTS = PROJECT / "docs" / "day-two-results.json"
PAGE = RESULTS.with_suffix(".md")
TESTS = "tests/lab/test_day_two.py"


def page(outcomes: Sequence[Outcome]) -> str:
    """Markdown: a row for each operation."""
    notes: list[str] = []
    seen = {outcome.test: outcome for outcome in outcomes}
    lines = [
        "# What a client saw of every operation",
        "",
        "Made by `make day-two` from `tests/lab/test_day_two.py`: three regions in the lab, then four, and a "
        "client on a host of the second that opens a connection to the first's SQL load balancer for every statement, "
        "one after the other. In each run the cluster's id stayed, every node that stayed kept its id and its volume, "
        "and no two regions restarted at a time; a test fails where that is not so.",
        "",
        f"| operation | seen at | {' | '.join(FIGURES.values())} |",
        f"|---|---|{'---|' * len(FIGURES)}",
    ]
    for test, words in OPERATIONS.items():
        at = f"`{seen[test].commit}`" if test in seen else ""
        cells = [cell(outcomes, test, notes, lambda seen, key=key: str(seen.measured.get(key, ""))) for key in FIGURES]
        lines.append(f"| {words} | {at} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *numbered(notes)]).rstrip() + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.day_two", description=__doc__)
    parser.add_argument("--only", default="", help="operations whose tests' names match, as pytest's -k has it")
    parser.add_argument("--report", action="store_true", help="only write the page again")
    parser.add_argument("--junit", type=Path, help="take what a run of pytest wrote there, instead of running one")
    options = parser.parse_args(argv)
    rows = {outcome.test: outcome for outcome in read()}
    if not options.report:
        rows |= {outcome.test: outcome for outcome in run(options.only, options.junit)}
    outcomes = [rows[test] for test in OPERATIONS if test in rows]
    RESULTS.write_text(json.dumps([to_json(outcome) for outcome in outcomes], indent=1) + "\n")
    PAGE.write_text(page(outcomes), encoding="utf-8")
    return 1 if any(outcome.result == "failed" for outcome in outcomes) else 0


def run(only: str, junit: Path | None) -> list[Outcome]:
    """The tests, on a lab of their own. What pytest does not tell of, where all were run, has failed."""
    commit = commit_now()
    if junit is not None:
        return from_junit(junit.read_text(encoding="utf-8"), commit)
    with tempfile.TemporaryDirectory(prefix="day-two-") as folder:
        told = Path(folder) / "junit.xml"
        words = [TESTS, "-v", f"--junitxml={told}", *(["-k", only] if only else [])]
        done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=PROJECT, check=False)
        outcomes = from_junit(told.read_text(encoding="utf-8"), commit) if told.exists() else []
    if only:
        return outcomes
    return whole(outcomes, list(OPERATIONS), f"pytest told nothing of it, and ended with {done.returncode}", commit)


def read() -> list[Outcome]:
    """What was seen before."""
    told: Sequence[Mapping[str, object]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    return [from_json(one) for one in told]


if __name__ == "__main__":
    sys.exit(main())
