"""`python -m topology FILE [--verify FILE] [--output FILE]`: a stack as a page or a picture.

FILE is a stack file, or the output of `pulumi stack output --json`, `python -m stacks.plan FILE --json`,
`pulumi preview --json --show-sames` or `pulumi stack export`. Exit code 0; 2 with what is wrong on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .inputs import UnreadableError, read_topology, read_verdict
from .page import page
from .picture import picture
from .places import given_place
from .scene import scene

DRAW = {".html": page, ".svg": picture}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; returns the exit code."""
    options = _parser().parse_args(arguments)
    output: Path | None = options.output
    try:
        if output is not None and output.suffix not in DRAW:
            raise UnreadableError(f"--output {output}: ends neither in .html nor in .svg")
        places = dict(given_place(text) for text in options.place)
        topology = read_topology(options.file)
        verdict = read_verdict(options.verify, topology) if options.verify else None
        drawn = DRAW[output.suffix if output else ".html"](scene(topology, verdict, places))
        if output is None:
            sys.stdout.write(drawn)
        else:
            output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        return _wrong(f"{error.filename}: {error.strerror}")
    except ValueError as error:  # a ConfigError is one, with a line for each problem
        return _wrong(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m topology",
        description="Draw a stack: its regions on a map, what is in them, what joins them, and how they are.",
    )
    parser.add_argument(
        "file",
        help="a stack file (Pulumi.STACK.yaml), or JSON: outputs, a plan, a preview or a state; - for stdin",
    )
    parser.add_argument(
        "--verify", metavar="FILE", help="JSON of `python -m verify`: adds the health of regions and pairs"
    )
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", help=".html (default: to stdout) or .svg")
    parser.add_argument(
        "--place",
        action="append",
        default=[],
        metavar="NAME=LAT,LON",
        help="where a region is that is called like none of a cloud's, in degrees; may be repeated",
    )
    return parser


def _wrong(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
