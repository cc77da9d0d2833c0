"""`python -m verify Pulumi.STACK.yaml`: is every region connected to every other, by name, with TLS, as one cluster?

Exit code 0: green; 1: works, but a redundant part is missing; 2: red; 3: could not run (bad stack file, nothing there).
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from components.plan.model import ConfigError
from stacks.settings import from_stack_file, wrong_with

from . import report, target
from .findings import Severity
from .judge import judge
from .measurements import RegionMeasurement

if TYPE_CHECKING:
    from .runner import Run

EXIT_CODES = {Severity.GREEN: 0, Severity.DEGRADED: 1, Severity.RED: 2}
COULD_NOT_RUN = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings, plan = from_stack_file(options.stack_file)
        aim = target.from_stack(
            settings, plan, options.stack_file.resolve().parent, options.kubeconfig, tuple(options.region)
        )
    except (ConfigError, OSError) as error:
        return _cannot(wrong_with(error))
    except KeyError as error:
        return _cannot(f"--region {error.args[0]}: the stack has no such region")
    if not aim.regions:
        return _cannot(f"{options.stack_file}: every region is lost or removed; there is nothing to verify")
    return _verify(aim, options)


def _verify(aim: target.Target, options: argparse.Namespace) -> int:
    started = time.monotonic()
    while True:
        measured = _measured(aim, options.timeout)
        if measured is None:
            return _cannot("interrupted; the probes are removed")
        run, measurements = measured
        if all(one.api == "no-kubeconfig" for one in measurements):
            return _cannot(*(f"{one.region}: {one.api_error}" for one in measurements))
        found = run.target
        verdict = judge(found, measurements)
        seconds = time.monotonic() - started
        if verdict.severity is Severity.GREEN or seconds >= options.wait:
            break
        worst = verdict.findings[0]
        pair = f"{worst.source or 'everywhere'} → {worst.target or 'the cluster'}"
        print(f"verify: not green yet ({pair}: {worst.layer}, {worst.symptom}); again", file=sys.stderr)  # noqa: T201
    if options.json:
        text = json.dumps(report.to_json(found, measurements, verdict, run.id, seconds), indent=2)
        if options.json == "-":
            print(text)  # noqa: T201
        else:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
    if options.json != "-":
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print(report.to_text(found, measurements, verdict, seconds, colour))  # noqa: T201
    return EXIT_CODES[verdict.severity]


def _measured(aim: target.Target, timeout: float) -> "tuple[Run, list[RegionMeasurement]] | None":
    """One run and what it measured; None if it was interrupted. Nothing of it is left in the clusters."""
    # The Kubernetes client takes half a second to import: not for --help, not for a bad stack file.
    from .runner import Run

    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"verify: {text}", file=sys.stderr)  # noqa: T201

    run = Run(aim, timeout, say)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        measurements = run.measure()
    except KeyboardInterrupt:
        measurements = None
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        for problem in run.close():
            print(f"verify: not cleaned up: {problem}", file=sys.stderr)  # noqa: T201
        for number, handler in before.items():
            signal.signal(number, handler)
    return None if measurements is None else (run, measurements)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify",
        description="Probe every region of a stack from inside every other, and print who reaches whom.",
        epilog="Exit code: 0 green, 1 degraded (a redundant part is missing), 2 red, 3 could not run.",
    )
    parser.add_argument("stack_file", type=Path, metavar="Pulumi.STACK.yaml")
    parser.add_argument("--json", metavar="FILE", help="also write the verdict as JSON; - for stdout, and nothing else")
    parser.add_argument("--timeout", type=_seconds, default=60.0, metavar="S", help="seconds in all (default 60)")
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="measure again until green, for so long (cluster DNS takes up to a minute to load new forwards)",
    )
    parser.add_argument("--region", action="append", default=[], metavar="R", help="only these; may be repeated")
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="for regions that name none; contexts called like the regions"
    )
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 5 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: 5 to 3600 seconds")
    return value


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _cannot(*problems: str) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201
    return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
