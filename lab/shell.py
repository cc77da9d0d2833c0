"""Running other programs, with failures that say what was run and what it answered."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path


class LabError(Exception):
    """Something a person can act on: the CLI prints the message alone, without a traceback."""


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> str:
    """Standard output of `argv`. Raises LabError with its standard error when it fails or takes too long (seconds)."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env=None if env is None else dict(env),
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]}: not found; `make setup` installs what is missing") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(words)}: no end after {timeout:g} s") from error
    if done.returncode != 0:
        answer = (done.stderr.strip() or done.stdout.strip() or "no output")[-2000:]
        raise LabError(f"{' '.join(words)}: exit {done.returncode}: {answer}")
    return done.stdout


def ip_batch(commands: Sequence[str]) -> None:
    """Carry out many `ip` commands, in order, with few processes; stops at the first that fails.

    `-n NAMESPACE` before a command is for the whole of an `ip` process: neighbours with the same one share it.
    """
    for netns, group in groupby(commands, key=_namespace_of):
        lines = [line.removeprefix(f"-n {netns} ") for line in group]
        run(["ip", *(["-n", netns] if netns else []), "-batch", "-"], stdin="\n".join(lines) + "\n")


def _namespace_of(command: str) -> str | None:
    words = command.split(maxsplit=2)
    return words[1] if words[0] == "-n" else None


def nft(ruleset: str, netns: str) -> None:
    """Load `ruleset` in namespace `netns`, as one transaction."""
    run(["nsenter", f"--net=/run/netns/{netns}", "nft", "-f", "-"], stdin=ruleset)
