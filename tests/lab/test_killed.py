"""`make up` killed with -9 at ten different moments, then run to its end: one cluster, made once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.paths import PROJECT
from lab.tools import bin_dir
from tests.lab.running import RunningLab

MOMENTS = (3, 6, 10, 14, 18, 24, 30, 36, 45, 60)
"""Seconds after the start: in the lab's own start, in the first creations, in the waits, in the verification."""


def make_up(lab: RunningLab) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "lab.up", "up", "--stack", "dev", "--name", lab.paths.name]
    return subprocess.Popen(
        argv, cwd=PROJECT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_converges_after_ten_kills(new_lab: Callable[[], RunningLab]) -> None:
    lab = new_lab()
    for place, seconds in enumerate(MOMENTS):
        started = make_up(lab)
        try:
            started.wait(seconds)
        except subprocess.TimeoutExpired:
            # With all its children, or alone: then they end by themselves, in order.
            (os.killpg if place % 2 == 0 else os.kill)(started.pid, signal.SIGKILL)
            started.wait()
    assert make_up(lab).wait(1200) == 0, "the matrix is green"
    jobs = json.loads(_kubectl(lab, "get", "jobs", "-o", "json"))["items"]
    init = [job for job in jobs if job["metadata"]["name"] == "cockroachdb-init"]
    assert [job["status"].get("succeeded") for job in init] == [1]
    stack = next(Path(lab.paths.root, "pulumi").rglob("stacks/*/dev.json"))
    checkpoint = json.loads(stack.read_text())["checkpoint"]["latest"]
    urns = [resource["urn"] for resource in checkpoint["resources"]]
    assert len(urns) == len(set(urns)), "nothing twice"
    assert not checkpoint.get("pending_operations")


def _kubectl(lab: RunningLab, *words: str) -> str:
    argv = [str(bin_dir() / "kubectl"), "--kubeconfig", str(lab.paths.kubeconfig), "--context", "us-east1"]
    return subprocess.run([*argv, "-n", "us-east1", *words], capture_output=True, text=True, check=True).stdout
