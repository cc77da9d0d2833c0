"""`python -m lab.record FILE COMMAND…`: run a command and write what it says, with the seconds at which it said it.

For docs: FILE has the command, its lines, and its exit code; escape sequences and the project's path are taken out, and
of long runs of lines that begin alike only the first and the last are kept, which says how many are not.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from lab.paths import PROJECT

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
KEPT = 2
"""Lines at either end of a run."""

Line = tuple[float, str]
"""Seconds since the start, and a line without its end."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the command's exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) < 2:
        sys.stderr.write("usage: python -m lab.record FILE COMMAND…\n")
        return 2
    file, command = Path(words[0]), words[1:]
    lines: list[Line] = []
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT) as running:
        for text in running.stdout or ():
            sys.stdout.write(text)
            lines.append((time.monotonic() - start, clean(text)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(recording(command, lines, time.monotonic() - start, running.returncode), encoding="utf-8")
    return running.returncode


def clean(text: str) -> str:
    """A line as it is read at the end: what a carriage return overwrote, colours and this machine's paths are gone."""
    shown = ESCAPES.sub("", text.rstrip("\n")).rpartition("\r")[2]
    return shown.replace(f"{PROJECT}/", "").replace(str(PROJECT), ".").rstrip()


def recording(command: Sequence[str], lines: Iterable[Line], seconds: float, code: int) -> str:
    """The file's text."""
    head = f"$ {shlex.join(command)}"
    body = [f"{at:6.1f}  {text}".rstrip() for at, text in trimmed(list(lines))]
    return "\n".join([head, *body, f"{seconds:6.1f}  exit code {code}"]) + "\n"


def trimmed(lines: Sequence[Line]) -> Iterator[Line]:
    """Runs of lines that begin alike without their middles; an empty line after another is left out."""
    for kind, run in groupby(lines, key=lambda line: _kind(line[1])):
        same = list(run)
        if kind == "":
            yield same[0]
        elif len(same) <= 2 * KEPT + 1:
            yield from same
        else:
            yield from same[:KEPT]
            yield same[KEPT][0], f"… {len(same) - 2 * KEPT} more lines like these"
            yield from same[-KEPT:]


def _kind(text: str) -> str:
    """What a line begins with: its indent, and its first sign or word without digits."""
    found = re.match(r"\s*(?:\[[^\]]*\]|[+~-]+|@|\w*)", text)
    return re.sub(r"[\d.]+", "0", found[0]) if found else ""


if __name__ == "__main__":
    sys.exit(main())
