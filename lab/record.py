"""`make recording`: types the README's commands into a terminal and keeps what it shows, as docs/recording.md."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from lab.paths import PROJECT, lab_paths
from lab.screen import Line, Screen
from lab.shell import LabError

COMMANDS = (
    "make up",
    ".venv/bin/python -m lab fault cut us-west1",
    "make verify",
    ".venv/bin/python -m lab fault heal",
    "make verify WAIT=60",
    "make app",
    "make down",
)
LAB = "dev"
"""What `make up` calls it."""
PAGE = PROJECT / "docs" / "recording.md"
ROWS, COLUMNS = 50, 150
HEAD, TAIL = 30, 60
"""Lines of one command that are shown from its beginning and from its end."""

INTRODUCTION = """# A recording

What a terminal shows from nothing running to nothing running again: the lab and the `dev` stack come up, a region is
cut off and healed, the app team's example is put on it, and all of it is taken down.

`make recording` made this page on {day}, on {cores} cores (load average {load:.0f} as it began), with all tools built
before. Lines that are redrawn stand as they were at last. On the left is the second, since the command began, at which
a line was last written.

| command | began at | ended at | seconds | exit code |
|---|---:|---:|---:|---:|
"""


@dataclass(frozen=True)
class Take:
    """One command as it was seen. Seconds since the recording began."""

    command: str
    began: float
    ended: float
    code: int
    lines: Sequence[Line]


def main() -> int:
    """Record, and write the page. 0, whatever the commands' exit codes are: they are on the page.

    Raises LabError where the lab that it would bring up and take down is there already.
    """
    if lab_paths(LAB).root.exists():
        raise LabError(f"the lab {LAB!r} is up: `make down` first, for a recording begins and ends with none")
    start, load = time.monotonic(), os.getloadavg()[0]
    takes = []
    for command in COMMANDS:
        sys.stdout.write(f"{time.monotonic() - start:6.0f} s  {command}\n")
        sys.stdout.flush()
        takes.append(take(command, start))
    PAGE.write_text(page(takes, datetime.now(UTC).date(), os.cpu_count() or 1, load), encoding="utf-8")
    sys.stdout.write(f"{time.monotonic() - start:6.0f} s  {PAGE.relative_to(PROJECT)}\n")
    return 0


def take(command: str, start: float) -> Take:
    """Run a command in a terminal of its own. `start`: the recording's, of `time.monotonic`."""
    screen = Screen()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.monotonic()
    # A make inside of a make says more.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment["TERM"] = "xterm-256color"
    running = subprocess.Popen(
        ["bash", "-c", command], cwd=PROJECT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        for data in _read(ours, running):
            screen.write(data, time.monotonic() - began)
    finally:
        os.close(ours)
    return Take(command, began - start, time.monotonic() - start, running.wait(), screen.lines)


def _read(terminal: int, running: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What comes, until the command has ended and nothing more does: daemons that it left may hold the terminal."""
    ended = False
    while True:
        if not select.select([terminal], [], [], 0.2)[0]:
            if ended:
                return
            ended = running.poll() is not None
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the terminal's other end is closed by all
            return
        if not data:
            return
        yield data


def page(takes: Sequence[Take], day: date, cores: int, load: float) -> str:
    """The page's text. Raises ValueError where a line has this machine's name or a path of it in it."""
    rows = [
        f"| `{each.command}` | {each.began:.0f} | {each.ended:.0f} | {each.ended - each.began:.0f} | {each.code} |\n"
        for each in takes
    ]
    scenes = [f"\n## {each.began:.0f} s: `{each.command}`\n\n```\n{transcript(each)}```\n" for each in takes]
    text = INTRODUCTION.format(day=day.isoformat(), cores=cores, load=load) + "".join([*rows, *scenes])
    text = text.replace(f"{PROJECT}/", "").replace(str(PROJECT), ".")
    own = [word for word in (socket.gethostname(), str(PROJECT.parent)) if len(word) > 1]
    told = [word for word in own if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
    if told:
        raise ValueError(f"the recording tells of this machine: {', '.join(told)}")
    return text


def transcript(seen: Take) -> str:
    """A line of text for each line that the terminal shows, but those in the middle of many."""
    lines = [f"{line.second:4.0f}  {line.text}".rstrip() if line.text.strip() else "" for line in _trimmed(seen.lines)]
    left = len(lines) - HEAD - TAIL
    if left > 1:
        lines[HEAD:-TAIL] = [f"      … {left} more lines"]
    return "".join(f"{line}\n" for line in lines) or "It prints nothing.\n"


def _trimmed(lines: Iterable[Line]) -> list[Line]:
    """Without the empty ones at both ends."""
    kept = list(lines)
    for end in (0, -1):
        while kept and not kept[end].text.strip():
            kept.pop(end)
    return kept


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(str(error))
