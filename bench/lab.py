"""`pulumi up` from nothing against real control planes: the lab, with three, five and nine regions."""

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from . import stack
from .engine import PARALLEL, ROOT, BenchError, Run, timed

COUNTS = (3, 5, 9)


def measure(counts: tuple[int, ...], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One entry per count: seconds of the lab's start, of `up`, of a verification, of an `up` that changes nothing."""
    return [measure_one(count, say) for count in counts]


def measure_one(count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """One number of regions, in a lab of its own that is taken down afterwards."""
    name = f"bench{count}"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / f"Pulumi.{name}.yaml"
        config = stack.config(count, kubeconfig=str(ROOT / ".lab" / name / "kubeconfig"))
        file.write_text(
            yaml.safe_dump({"config": {f"cockroachdb-multiregion:{key}": value for key, value in config.items()}})
        )
        try:
            say(f"lab, {count} regions: starting")
            lab = _lab("up", "--name", name, "--stack-file", str(file))
            environment = _environment(name)
            timed(["pulumi", "stack", "init", name], environment)
            stacked = ["--stack", name, "--config-file", str(file)]
            say(f"lab, {count} regions: up from nothing")
            up = timed(["pulumi", "up", "--yes", "--skip-preview", *stacked], environment)
            say(f"lab, {count} regions: {up.seconds:.0f} s; verifying")
            started = time.monotonic()
            verified = subprocess.run(
                [sys.executable, "-m", "verify", str(file), "--wait", "120"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            verify_seconds = time.monotonic() - started
            again = timed(["pulumi", "up", "--yes", "--skip-preview", *stacked], environment)
            preview = timed(["pulumi", "preview", *stacked], environment)
        finally:
            _lab("down", "--name", name)
    return {
        "regions": count,
        "labSeconds": round(lab.seconds, 2),
        "upSeconds": round(up.seconds, 2),
        "noOpUpSeconds": round(again.seconds, 2),
        "noOpPreviewSeconds": round(preview.seconds, 2),
        "verifySeconds": round(verify_seconds, 2),
        "verdict": {0: "green", 1: "degraded", 2: "red"}.get(verified.returncode, verified.stderr.strip()),
        "peakMiB": round(up.peak_mib),
    }


def _lab(*arguments: str) -> Run:
    return timed([sys.executable, "-m", "lab", *arguments], {})


def _environment(name: str) -> dict[str, str]:
    text = timed([sys.executable, "-m", "lab", "env", "--name", name], {}).output
    found = {}
    for line in text.splitlines():
        words = shlex.split(line)
        if len(words) == 2 and words[0] == "export":
            key, _, value = words[1].partition("=")
            found[key] = value
    if "PATH" not in found:
        raise BenchError(f"`python -m lab env` says no PATH:\n{text}")
    return found | {"PULUMI_PARALLEL": str(PARALLEL)}
