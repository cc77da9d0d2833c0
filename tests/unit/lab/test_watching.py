"""Lab tests' watchers are stopped whatever one of them does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab import watching

TELLS = "import sys; sys.stdin.read(); print('seen')"
HANGS = "import time; time.sleep(600)"
DEAD = "raise SystemExit(1)"


def process(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_one_that_hangs_or_is_dead_keeps_no_other_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STOP_SECONDS", 1)
    running = {name: process(script) for name, script in (("dead", DEAD), ("hangs", HANGS), ("tells", TELLS))}
    running["dead"].wait()
    assert watching.stop(running) == {"dead": "", "hangs": "", "tells": "seen\n"}
    assert all(each.poll() is not None for each in running.values())
