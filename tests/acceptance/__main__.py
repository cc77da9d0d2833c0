"""`make acceptance`: what every strategy must do, run for each in a lab; writes docs/strategies/acceptance.md, and the
figures in docs/choosing.md.

Rows are kept per strategy: a run of some strategies leaves the others' as they were. Exit 1: a test failed, or was not
heard of.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from components.strategies import AVAILABLE
from lab.paths import PROJECT
from tests.acceptance import figures
from tests.acceptance.growth import Size, size
from tests.acceptance.outcome import Outcome, from_json, from_junit, to_json, whole
from tests.acceptance.report import TESTS, Rows, page

RESULTS = PROJECT / "docs" / "strategies" / "acceptance.json"
PAGE = RESULTS.with_suffix(".md")
SIZES = RESULTS.with_name("sizes.json")
CHOOSING = PROJECT / "docs" / "choosing.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--strategies", type=_words, default=list(AVAILABLE), help="words of config, by commas")
    parser.add_argument("--sizes", action="store_true", help="only count again what each takes")
    parser.add_argument("--report", action="store_true", help="only write the pages again")
    options = parser.parse_args(argv)
    rows, commit = read(), commit_now()
    if options.sizes or (set(options.strategies) == set(AVAILABLE) and not options.report):
        counted = {"commit": commit, "strategies": {name: asdict(size(name)) for name in AVAILABLE}}
        SIZES.write_text(json.dumps(counted, indent=1) + "\n")
    for name in [] if options.report or options.sizes else options.strategies:
        sys.stderr.write(f"== {name}\n")
        rows = {**rows, name: run(name, commit)}
        write(rows)
    for file, text in pages(rows).items():
        file.write_text(text, encoding="utf-8")
    figures.plot(rows, _sizes()[0], CHOOSING.with_suffix(".svg"))
    return 1 if any(outcome.result == "failed" for outcomes in rows.values() for outcome in outcomes) else 0


def pages(rows: Rows) -> dict[Path, str]:
    """What the pages say of these rows, and of what was counted."""
    sizes, counted_at = _sizes()
    before, _, rest = CHOOSING.read_text(encoding="utf-8").partition(figures.BEGIN)
    after = rest.partition(figures.END)[2]
    return {
        PAGE: page({name: rows.get(name, ()) for name in AVAILABLE}),
        CHOOSING: before + figures.section(rows, sizes, counted_at) + after,
    }


def run(strategy: str, commit: str) -> list[Outcome]:
    """The acceptance tests of one strategy, on a lab of its own. What pytest does not tell of has failed."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
        told = Path(folder) / "junit.xml"
        words = ["tests/lab/test_strategies.py", "-k", f"[{strategy}]", "-v", f"--junitxml={told}"]
        done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=PROJECT, check=False)
        outcomes = from_junit(told.read_text(encoding="utf-8"), commit) if told.exists() else []
    return whole(outcomes, TESTS, f"pytest told nothing of it, and ended with {done.returncode}", commit)


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


def _words(text: str) -> list[str]:
    """Strategies' words. Raises ArgumentTypeError for one that is none."""
    words = text.split(",")
    if unknown := [word for word in words if word not in AVAILABLE]:
        raise argparse.ArgumentTypeError(f"no strategy {', '.join(unknown)}; there are: {', '.join(AVAILABLE)}")
    return words


def _sizes() -> tuple[dict[str, Size], str]:
    """Strategy -> what it takes, and the commit at which that was counted."""
    counted = json.loads(SIZES.read_text())
    return {name: Size(**told) for name, told in counted["strategies"].items()}, counted["commit"]


def commit_now() -> str:
    """Of the project as it is before anything is run, with `+dirty` where tracked files differ from it."""
    argv = ["git", "describe", "--always", "--exclude=*", "--dirty=+dirty"]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
