"""`make test`: lint, formatting, types, import contracts, tests; all of them run, and every failure counts."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

from lab.paths import PROJECT
from lab.venv import VENV

WITHOUT_LAB = ("unit", "property")
LABS = 2
"""At a time: a lab waits for pods and elections for two thirds of its time on two cores."""


def checks(everything: bool, pytest: Sequence[str]) -> list[tuple[str, list[str]]]:
    """What is run: a name and the words of each."""
    tool = VENV / "bin"
    sample = [] if everything else ["-m", "not long"]
    return [
        ("lint", [str(tool / "ruff"), "check", "."]),
        ("format", [str(tool / "ruff"), "format", "--check", "."]),
        ("types", [str(tool / "pyright"), "--pythonpath", str(tool / "python")]),
        ("imports", [str(tool / "lint-imports")]),
        *_tests([str(tool / "python"), "-m", "pytest", *sample], pytest),
    ]


def _tests(run: list[str], words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """A module's tests share what it starts, and run in one process; modules run side by side."""
    if words:
        return [("tests", [*run, *words])]
    without = [f"tests/{name}" for name in WITHOUT_LAB]
    beside = [*run, "--dist=loadfile"]
    return [
        ("unit tests", [*beside, "--numprocesses=auto", *without]),
        ("lab tests", [*beside, f"--numprocesses={LABS}", "tests", *(f"--ignore={folder}" for folder in without)]),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run all checks; 0 if all passed."""
    parser = argparse.ArgumentParser(prog="python -m lab.check", description="Lint, types, import contracts, tests.")
    parser.add_argument("--all", action="store_true", help="the long tests too")
    parser.add_argument("pytest", nargs="*", help="further words for pytest")
    arguments = parser.parse_args(argv)
    failed = []
    for name, words in checks(arguments.all, arguments.pytest):
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        begun = time.monotonic()
        if subprocess.run(words, cwd=PROJECT, check=False).returncode != 0:
            failed.append(name)
        sys.stdout.write(f"== {name}: {'failed' if name in failed else 'ok'} in {time.monotonic() - begun:.0f} s\n")
        sys.stdout.flush()
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
