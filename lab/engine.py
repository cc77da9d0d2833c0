"""The Pulumi engine against a lab: its stack made once, and freed from what a killed run left behind."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from lab import processes, stackfile
from lab.environment import environment, write_wrapper
from lab.paths import PROJECT, LabPaths, no_lab
from lab.shell import LabError, run
from lab.stackfile import chosen_stack, project_dir
from lab.tools import bin_dir

RECOVER = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""For the run after a killed one: objects that were made but not yet recorded are taken over.

By force: one that was created, and not applied yet, has fields that the server filled in (`volumeClaimTemplates`), with
which an apply would conflict.
"""

ENDING_SECONDS = 120.0
"""How long an engine whose starter died may take: it is interrupted then, and ends with what it has begun."""


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
    ensure_stack(paths)
    if stackfile.awaits_key(paths) and paths.tsig_key.exists():
        stackfile.drop_placeholder(paths)
        _pulumi(paths, "config", "set", "--secret", "--path", stackfile.KEY_PATH, stdin=paths.tsig_key.read_text())


def ensure_stack(paths: LabPaths) -> None:
    """Make the stack in the lab's own backend, if it is not there."""
    stack = chosen_stack(paths)
    if not any((paths.root / "pulumi").glob(f".pulumi/stacks/*/{stack}.json")):
        _pulumi(paths, "stack", "init", stack)


def clear_dead_run(paths: LabPaths) -> bool:
    """Free the stack from a run that was killed: its lock and its pending operations. Whether one is to recover from.

    Raises LabError where the run that has the lock is alive.
    """
    for lock in (paths.root / "pulumi").glob(".pulumi/locks/**/*.json"):
        holder = _lock_holder(lock)
        if holder and not processes.wait_for(lambda pid=holder: not _is_pulumi(pid), ENDING_SECONDS):
            raise LabError(f"pulumi (process {holder}) is at work on this stack: wait for it, or interrupt it")
        lock.unlink(missing_ok=True)
    exported = json.loads(_pulumi(paths, "stack", "export"))
    if exported["deployment"].get("pending_operations"):
        # Remembered until a recovery has ended well: it may be killed too, and leaves no pending operations then.
        _recovering(paths).touch()
        del exported["deployment"]["pending_operations"]
        _pulumi(paths, "stack", "import", "--force", stdin=json.dumps(exported))
    return _recovering(paths).exists()


def up(paths: LabPaths, *, recover: bool, preview: bool = False) -> None:
    """`pulumi up` with its output shown. Raises LabError if it fails.

    `preview`: before it, so that the network proof, which speaks at the end of a run, does so before anything is made.
    """
    words = [
        "up",
        "--yes",
        *([] if preview else ["--skip-preview"]),
        "--suppress-outputs",
        "--suppress-permalink=true",
        "--policy-pack",
        str(PROJECT / "policy"),
        "--stack",
        chosen_stack(paths),
    ]
    _shown(paths, words, RECOVER if recover else {})
    if recover:
        _recovering(paths).unlink(missing_ok=True)


def _recovering(paths: LabPaths) -> Path:
    return paths.root / "recovering"


def _shown(paths: LabPaths, words: list[str], extra: dict[str, str]) -> None:
    quiet = [] if sys.stdout.isatty() else ["--non-interactive"]
    argv = [str(bin_dir() / "pulumi"), "-C", str(project_dir(paths)), *quiet, *words]
    variables = {**os.environ, **environment(paths), **extra}
    # The engine ends in order, with its state written, when this process is killed.
    done = subprocess.run(argv, env=variables, check=False, preexec_fn=_interrupt_with_parent)
    if done.returncode != 0:
        raise LabError(f"pulumi {words[0]} failed (exit {done.returncode}); the same command again goes on from here")


def _interrupt_with_parent() -> None:
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGINT)


def _pulumi(paths: LabPaths, *words: str, stdin: str | None = None) -> str:
    argv = [bin_dir() / "pulumi", "-C", project_dir(paths), "--non-interactive", *words]
    if words[:2] != ("stack", "init"):
        argv += ["--stack", chosen_stack(paths)]
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
