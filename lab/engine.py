"""The Pulumi engine against a lab: its stack made once, and freed from what a killed run left behind."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import processes, stackfile
from lab.environment import environment, write_wrapper
from lab.paths import PROJECT, LabPaths, no_lab
from lab.shell import LabError, run
from lab.stackfile import chosen_stack, project_dir
from lab.tools import bin_dir
from lab.world import CONFIG

RECOVER = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""For the run after a killed one: objects that were made but not yet recorded are taken over.

By force: one that was created, and not applied yet, has fields that the server filled in (`volumeClaimTemplates`), with
which an apply would conflict.
"""

ENDING_SECONDS = 120.0
"""How long an engine whose starter died may take: it is interrupted then, and ends with what it has begun."""


@dataclass(frozen=True)
class Program:
    """What the engine runs in a lab: the folder that it runs from, the project there, and the stack."""

    folder: Path
    project: str
    stack: str


def database(paths: LabPaths) -> Program:
    """The program of this repository. Raises LabError where the lab runs no stack yet."""
    return Program(project_dir(paths), CONFIG, chosen_stack(paths))


def prepare(paths: LabPaths, stack: str | None = None, strategy: str | None = None) -> None:
    """Make plain pulumi work against this lab: a copy of the stack file, a wrapper, the stack in the lab's backend.

    Without `stack`, the one that the lab runs already; else the one of the lab's name, or `dev`. Raises LabError.
    """
    if not paths.kubeconfig.exists():
        raise no_lab(paths)
    if stack or not stackfile.is_chosen(paths):
        own = (PROJECT / f"Pulumi.{paths.name}.yaml").exists()
        stackfile.choose(paths, stack or (paths.name if own else "dev"), strategy)
    write_wrapper(paths)
    ensure_stack(paths, database(paths))
    if stackfile.awaits_key(paths) and paths.tsig_key.exists():
        stackfile.drop_placeholder(paths)
        key = paths.tsig_key.read_text()
        pulumi(paths, database(paths), "config", "set", "--secret", "--path", stackfile.KEY_PATH, stdin=key)


def ensure_stack(paths: LabPaths, program: Program) -> None:
    """Make the stack in the lab's own backend, if it is not there."""
    if not any((paths.root / "pulumi").glob(f".pulumi/stacks/{program.project}/{program.stack}.json")):
        pulumi(paths, program, "stack", "init", program.stack)


def clear_dead_run(paths: LabPaths, program: Program) -> bool:
    """Free the stack from a run that was killed: its lock and its pending operations. Whether one is to recover from.

    Raises LabError where the run that has the lock is alive.
    """
    for lock in (paths.root / "pulumi").glob(f".pulumi/locks/*/{program.project}/{program.stack}/*.json"):
        holder = _lock_holder(lock)
        if holder and not processes.wait_for(lambda pid=holder: not _is_pulumi(pid), ENDING_SECONDS):
            raise LabError(f"pulumi (process {holder}) is at work on this stack: wait for it, or interrupt it")
        lock.unlink(missing_ok=True)
    exported = json.loads(pulumi(paths, program, "stack", "export"))
    if exported["deployment"].get("pending_operations"):
        # Remembered until a recovery has ended well: it may be killed too, and leaves no pending operations then.
        _recovering(paths, program).touch()
        del exported["deployment"]["pending_operations"]
        pulumi(paths, program, "stack", "import", "--force", stdin=json.dumps(exported))
    return _recovering(paths, program).exists()


def up(paths: LabPaths, program: Program, *words: str, recover: bool, preview: bool = False) -> None:
    """`pulumi up WORDS` with its output shown. Raises LabError if it fails.

    `preview`: before it, so that the network proof, which speaks at the end of a run, does so before anything is made.
    """
    quiet = ["--suppress-outputs", "--suppress-permalink=true"]
    line = ["up", "--yes", *([] if preview else ["--skip-preview"]), *quiet, *words, "--stack", program.stack]
    _shown(paths, program, line, RECOVER if recover else {})
    if recover:
        _recovering(paths, program).unlink(missing_ok=True)


def _recovering(paths: LabPaths, program: Program) -> Path:
    return paths.root / f"recovering-{program.project}"


def _shown(paths: LabPaths, program: Program, words: list[str], extra: dict[str, str]) -> None:
    quiet = [] if sys.stdout.isatty() else ["--non-interactive"]
    argv = [str(bin_dir() / "pulumi"), "-C", str(program.folder), *quiet, *words]
    variables = {**os.environ, **environment(paths), **extra}
    # The engine ends in order, with its state written, when this process is killed.
    done = subprocess.run(argv, env=variables, check=False, preexec_fn=_interrupt_with_parent)
    if done.returncode != 0:
        raise LabError(f"pulumi {words[0]} failed (exit {done.returncode}); the same command again goes on from here")


def _interrupt_with_parent() -> None:
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGINT)


def pulumi(paths: LabPaths, program: Program, *words: str, stdin: str | None = None) -> str:
    """What `pulumi WORDS` prints, on the program's stack. Raises LabError."""
    argv = [bin_dir() / "pulumi", "-C", program.folder, "--non-interactive", *words]
    if words[:2] != ("stack", "init"):
        argv += ["--stack", program.stack]
    return run(argv, stdin=stdin, env={**os.environ, **environment(paths)})


def _lock_holder(lock: Path) -> int | None:
    try:
        return int(json.loads(lock.read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return None


def _is_pulumi(pid: int) -> bool:
    """Whether that process is alive and still the engine: process ids are used again."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return False
    return name == "pulumi" and processes.alive(pid)
