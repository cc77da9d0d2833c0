"""`python -m bench`: measure; write bench/results.json, docs/bench.md, docs/bench.svg. Exit 1: a target is missed."""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from typing import Any

from . import clouds, growth, lab, modelled, report, targets
from .engine import BIN, ROOT

RESULTS = ROOT / "bench" / "results.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; figures of parts that are left out stay as they were."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--modelled", type=_counts, default=modelled.COUNTS, metavar="N,N", help="regions; default 3,9,27"
    )
    parser.add_argument("--lab", type=_counts, default=lab.COUNTS, metavar="N,N", help="regions; default 3,5,9")
    parser.add_argument(
        "--platforms",
        type=lambda text: tuple(text.split(",")),
        default=clouds.PLATFORMS,
        metavar="P,P",
        help="clouds; default gke,eks",
    )
    parser.add_argument(
        "--scale", type=float, metavar="N", help="the clouds' times divided by N; default: by the number of regions"
    )
    parser.add_argument(
        "--only",
        choices=("modelled", "clouds", "growth", "lab", "report"),
        help="one part; modelled: clouds and growth too; report: only write the page again",
    )
    options = parser.parse_args(arguments)

    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if options.only != "report":
        results["machine"] = machine()
    if options.only in (None, "modelled"):
        results["modelled"] = modelled.measure(options.modelled, _say)
        _stamp(results, "modelled")
    if options.only in (None, "modelled", "clouds"):
        measured = clouds.measure(options.modelled, options.platforms, options.scale, _say)
        kept = [old for old in results.get("clouds", []) if not _again(old, options)]
        results["clouds"] = sorted([*kept, *measured], key=lambda run: (run["platform"] != "gke", run["regions"]))
        _stamp(results, "clouds")
    if options.only in (None, "modelled", "growth"):
        results["growth"] = growth.measure(_say)
        _stamp(results, "growth")
    if options.only in (None, "lab"):
        measured = lab.measure(options.lab, _say)
        kept = [old for old in results.get("lab", []) if old["regions"] not in options.lab]
        results["lab"] = sorted([*kept, *measured], key=lambda run: run["regions"])
        _stamp(results, "lab")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    (ROOT / "docs" / "bench.md").write_text(report.page(results))
    report.plot(results, ROOT / "docs" / "bench.svg")
    missed = targets.misses(results)
    for miss in missed:
        _say(f"missed: {miss}")
    return 1 if missed else 0


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = subprocess.run([BIN / "pulumi", "version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "cpus": os.cpu_count(),
        "memoryGiB": round(memory),
        "python": platform.python_version(),
        "pulumi": f"pulumi {version}",
    }


def _stamp(results: dict[str, Any], part: str) -> None:
    commit = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(commit, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    results.setdefault("commits", {})[part] = found
    results.setdefault("dates", {})[part] = datetime.date.today().isoformat()


def _again(old: dict[str, Any], options: argparse.Namespace) -> bool:
    return old["regions"] in options.modelled and old["platform"] in options.platforms


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
