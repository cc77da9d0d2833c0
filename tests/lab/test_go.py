"""The Go parts' own tests: the node agent and the region's cloud, and the database's stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from lab.paths import PROJECT

MODULES = ("lab/kubernetes", "lab/cockroach")


@pytest.mark.skipif(shutil.which("go") is None, reason="the programs were built elsewhere: there is no Go here")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("module", MODULES)
def test_go(module: str) -> None:
    # The same flags as the programs', so that what was compiled for them is not compiled again.
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false -trimpath", "GOWORK": "off"}
    argv = ["go", "test", "./..."]
    done = subprocess.run(argv, cwd=PROJECT / module, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="there is no Go here")
@pytest.mark.parametrize("module", MODULES)
def test_gofmt(module: str) -> None:
    done = subprocess.run(["gofmt", "-l", str(PROJECT / module)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
