"""`python -m review PREVIEW.json [--stack-file F] [--markdown]`: what a preview would do, for those who review it.

Exit code 0; 2 where something is refused; 1 where the input cannot be read, or is a preview of another config.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .preview import Preview, read
from .render import markdown, text
from .report import report

UNREADABLE, REFUSED = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m review", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file", help="output of `pulumi preview --json --show-sames`; - for stdin")
    parser.add_argument("--stack-file", type=Path, help="Pulumi.STACK.yaml that the preview must be of")
    parser.add_argument("--markdown", action="store_true", help="for a comment; else for a terminal")
    given = parser.parse_args(arguments)
    try:
        found = read(json.loads(sys.stdin.read() if given.file == "-" else Path(given.file).read_text()))
    except (OSError, ValueError, KeyError) as error:
        return _unreadable(f"{given.file}: {error}")
    if given.stack_file and (problem := _of_another(found, given.stack_file)):
        return _unreadable(problem)
    summary = report(found)
    sys.stdout.write(markdown(summary) if given.markdown else text(summary))
    return REFUSED if summary.refused else 0


def _of_another(preview: Preview, stack_file: Path) -> str | None:
    """Why a preview is not of a stack file's config. Nothing, where it was refused before there was a plan."""
    from components.plan import ConfigError
    from components.plan.lock import record
    from stacks.settings import from_stack_file

    try:
        planned = record(*from_stack_file(stack_file))
    except OSError as error:
        return f"{stack_file}: {error.strerror}"
    except ConfigError:
        return None if preview.errors else f"{stack_file}: its config is refused, but this preview's was not"
    # What only an earlier run knows may have been added to it.
    held = {key: preview.after.get(key) for key in planned} if preview.after else None
    if held is None or json.loads(json.dumps(planned)) == held:
        return None
    return f"{stack_file}: the preview is of another config; preview again"


def _unreadable(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return UNREADABLE


if __name__ == "__main__":
    sys.exit(main())
