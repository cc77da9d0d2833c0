"""A lab can be killed at any moment, taken down without a trace, and have others beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import netns, processes
from lab.paths import MACHINE, PROJECT
from tests.lab.running import RunningLab, small_plan

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="looks at other users' processes: needs root")


def traces(lab: RunningLab) -> list[str]:
    """Everything of a lab that can be found on this machine."""
    found = [str(lab.paths.root)] if lab.paths.root.exists() else []
    found += netns.existing(lab.paths.prefix)
    found += [f"process {pid}" for pid in processes.lab_processes(netns.inodes(lab.paths.prefix), lab.paths.root)]
    found += [
        f"process {entry.name}"
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(lab.paths.root) in _cmdline(entry)
    ]
    found += [f"index {index}" for index in indices(lab)]
    mounts = Path("/proc/self/mountinfo").read_text()
    found += ["mount"] if str(lab.paths.root) in mounts or f"/{lab.paths.lab_id}-" in mounts else []
    return found


def _cmdline(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def claimed() -> dict[str, str]:
    """Index of every lab of this machine -> its folder."""
    return json.loads((MACHINE / "labs.json").read_text())


def indices(lab: RunningLab) -> list[str]:
    return [index for index, root in claimed().items() if root == str(lab.paths.root)]


def links(index: str) -> set[str]:
    """Network devices of the lab that has the index: others come and go beside it."""
    shown = subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=True).stdout
    names = {link["ifname"] for link in json.loads(shown)}
    return {name for name in names if re.fullmatch(rf"crdbmr{index}(\D.*)?", name)}


def test_down_leaves_nothing(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    lab = new_lab()
    lab.run("up", "--hosts", "0", "--plan", str(small_plan(tmp_path, "alpha")))
    assert len(traces(lab)) > 5, "the search for traces finds a lab that runs"
    (index,) = indices(lab)
    assert links(index)
    lab.run("down")
    assert traces(lab) == []
    assert not links(index) or index in claimed(), "a lab beside this one may have taken the index by now"


@pytest.mark.parametrize(
    "seconds", [0.65, 2.0, *(pytest.param(moment, marks=pytest.mark.long) for moment in (0.5, 0.8, 1.2, 3.5))]
)
def test_killed_up_can_be_repeated_and_undone(
    new_lab: Callable[[], RunningLab], tmp_path: Path, seconds: float
) -> None:
    lab = new_lab()
    plan = str(small_plan(tmp_path, "alpha", "beta"))
    words = ["up", "--name", lab.paths.name, "--hosts", "0", "--plan", plan]
    started = subprocess.Popen(
        [sys.executable, "-m", "lab", *words], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        started.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
    lab.run(*words[:1], *words[3:])
    status = lab.status()
    assert [region["ready"] for region in status["regions"]] == [True, True]
    assert None not in status["processes"].values()
    servers = list(processes.lab_processes(netns.inodes(lab.paths.prefix), lab.paths.root))
    assert len(servers) == len(status["processes"]), "each daemon runs once"
    lab.run("down")
    assert traces(lab) == []


def test_killed_up_can_be_undone_at_once(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    lab = new_lab()
    plan = str(small_plan(tmp_path, "alpha"))
    words = ["up", "--name", lab.paths.name, "--hosts", "0", "--plan", plan]
    started = subprocess.Popen([sys.executable, "-m", "lab", *words], cwd=PROJECT, stderr=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(1.5)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    lab.run("down")
    assert traces(lab) == []


def test_two_labs_side_by_side(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    plan = str(small_plan(tmp_path, "alpha"))
    one, two = new_lab(), new_lab()
    one.run("up", "--hosts", "0", "--plan", plan)
    two.run("up", "--hosts", "0", "--plan", plan)
    apis = [lab.status()["regions"][0] for lab in (one, two)]
    assert [api["ready"] for api in apis] == [True, True], "each CLI trusts only its own lab's CA"
    assert apis[0]["api"] != apis[1]["api"]
    one.run("down")
    assert two.status()["regions"][0]["ready"]


def test_a_second_up_changes_nothing(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    lab = new_lab()
    plan = str(small_plan(tmp_path, "alpha"))
    lab.run("up", "--hosts", "0", "--plan", plan)
    before, kubeconfig = lab.status()["processes"], lab.paths.kubeconfig.read_text()
    lab.run("up", "--hosts", "0", "--plan", plan)
    assert lab.status()["processes"] == before
    assert lab.paths.kubeconfig.read_text() == kubeconfig


def test_a_region_more_leaves_the_others_alone(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    lab = new_lab()
    lab.run("up", "--hosts", "0", "--plan", str(small_plan(tmp_path, "alpha")))
    before = lab.status()["processes"]
    lab.run("up", "--hosts", "0", "--plan", str(small_plan(tmp_path, "alpha", "beta")))
    after = lab.status()["processes"]
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 * len(before)


def test_secrets_are_their_owners_alone(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    lab = new_lab()
    lab.run("up", "--hosts", "0", "--plan", str(small_plan(tmp_path, "alpha")))
    secret = [lab.paths.kubeconfig, *lab.paths.root.glob("regions/*/pki/*.key")]
    assert len(secret) > 5
    assert {file.stat().st_mode & 0o777 for file in secret} == {0o600}


def test_without_a_lab_each_command_says_so(new_lab: Callable[[], RunningLab]) -> None:
    lab = new_lab()
    for words in (["status"], ["exec", "x"], ["fault", "cut", "x"], ["env"]):
        done = lab.run(*words, check=False)
        assert done.returncode == 1
        assert f"there is no lab '{lab.paths.name}'" in done.stderr
        assert "Traceback" not in done.stderr
    assert lab.run("down").returncode == 0
