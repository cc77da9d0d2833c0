"""`make acceptance`: what every strategy must do, run for each in a lab; writes docs/strategies/acceptance.md, and the
figures in docs/choosing.md.

Rows are kept per strategy: a run of some strategies leaves the others' as they were. Exit 1: a test failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.strategies import AVAILABLE
from lab.paths import PROJECT
from tests.acceptance import figures
from tests.acceptance.growth import growth
from tests.acceptance.outcome import Outcome, from_json, from_junit, to_json
from tests.acceptance.report import page

RESULTS = PROJECT / "docs" / "strategies" / "acceptance.json"
PAGE = RESULTS.with_suffix(".md")
GROWTH = RESULTS.with_name("growth.json")
CHOOSING = PROJECT / "docs" / "choosing.md"

Rows = Mapping[str, Sequence[Outcome]]
"""Strategy -> what each test saw."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--strategies", default=",".join(AVAILABLE), help="words of config, by commas; default: all")
    parser.add_argument("--growth", action="store_true", help="only count resources again, by the number of regions")
    parser.add_argument("--report", action="store_true", help="only write the pages again")
    options = parser.parse_args(argv)
    rows = read()
    if options.growth:
        GROWTH.write_text(json.dumps(growth(list(AVAILABLE)), indent=1) + "\n")
    for name in [] if options.report or options.growth else options.strategies.split(","):
        sys.stderr.write(f"== {name}\n")
        rows = {**rows, name: run(name)}
        write(rows)
    PAGE.write_text(page({name: rows.get(name, ()) for name in AVAILABLE}), encoding="utf-8")
    counted = json.loads(GROWTH.read_text())
    before, _, rest = CHOOSING.read_text(encoding="utf-8").partition(figures.BEGIN)
    after = rest.partition(figures.END)[2]
    CHOOSING.write_text(before + figures.section(rows, counted) + after, encoding="utf-8")
    figures.plot(rows, counted, CHOOSING.with_suffix(".svg"))
    return 1 if any(outcome.result == "failed" for outcomes in rows.values() for outcome in outcomes) else 0


def run(strategy: str) -> list[Outcome]:
    """The acceptance tests of one strategy, on a lab of its own."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
        told = Path(folder) / "junit.xml"
        words = ["tests/lab/test_strategies.py", "-k", f"[{strategy}]", "-v", f"--junitxml={told}"]
        subprocess.run([sys.executable, "-m", "pytest", *words], cwd=PROJECT, check=False)
        return from_junit(told.read_text(encoding="utf-8"), _commit())


def read() -> dict[str, Sequence[Outcome]]:
    """What was seen before."""
    told = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {name: [from_json(one) for one in outcomes] for name, outcomes in told.items()}


def write(rows: Rows) -> None:
    """Replaces the file at once, so that a run that is interrupted loses nothing."""
    fresh = RESULTS.with_suffix(".new")
    told = {name: [to_json(one) for one in rows[name]] for name in sorted(rows)}
    fresh.write_text(json.dumps(told, indent=1) + "\n")
    fresh.replace(RESULTS)


def _commit() -> str:
    argv = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
