"""`make setup`: whatever a machine lacks for the lab and the tests. Runs on a bare Python, before `.venv` is there."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence

PYTHON = (3, 11)

if sys.version_info < PYTHON:
    sys.exit(f"Python {PYTHON[0]}.{PYTHON[1]} or newer is needed; this is {sys.version.split()[0]}")

from lab import packages, tools, venv  # noqa: E402 (the version is checked first)
from lab.shell import LabError  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Set up what is missing; 0, or 1 with everything that a person has to do. Quiet when nothing is missing."""
    parser = argparse.ArgumentParser(prog="python -m lab.setup", description="Install or build what is missing.")
    parser.parse_args(argv)
    try:
        setup()
    except LabError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    return 0


def setup() -> None:
    """Packages, `.venv`, tools. Raises LabError; what was done stays done."""
    wanted = [tool for tool in tools.missing() if not tools.adopt(tool)]
    lacking = packages.missing()
    problems = [packages.kernel_problem(), packages.privilege_problem(), tools.go_problem() if wanted else None]
    found = [problem for problem in problems if problem]
    if found:
        raise LabError("\n".join(found))
    if wanted and not venv.current():
        say(f"first set-up: about {minutes(wanted)}, once; later ones take a second")
    if lacking:
        packages.install(lacking)
    if not venv.current():
        say("Python packages into .venv: a minute or two")
        venv.make()
    if wanted:
        build_tools()


def build_tools() -> None:
    """Build what is missing, one after the other: the compiler uses all cores by itself."""
    with tools.building() as waited:
        wanted = [tool for tool in tools.missing() if not tools.adopt(tool)]
        if waited:
            say("another set-up has just ended" + (": some tools are still missing" if wanted else ""))
        left = sum(tool.seconds for tool in wanted)
        for place, tool in enumerate(wanted, 1):
            say(f"[{place}/{len(wanted)}] building {tool.name}; about {round(left / 60) or 1} min left")
            begun = time.monotonic()
            tools.build(tool)
            left -= tool.seconds
            say(f"[{place}/{len(wanted)}] {tool.name} took {time.monotonic() - begun:.0f} s")


def minutes(wanted: list[tools.Tool]) -> str:
    """How long the builds take where nothing is cached, and on how many cores here."""
    seconds = sum(tool.seconds for tool in wanted)
    here = f"this machine has {os.cpu_count()} cores, {free_gib()} GiB of disk free"
    return f"{max(1, round(seconds / 60))} min on two cores ({here})"


def free_gib() -> int:
    return shutil.disk_usage(".").free // 2**30


def say(text: str) -> None:
    sys.stderr.write(f"setup: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
