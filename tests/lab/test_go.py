"""The Go programs' own checks: format, vet, and their tests, which run pods where they may."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "lab"
MODULES = ["kubernetes", "cockroach"]
# -trimpath as in the lab's own builds, whose compiled packages are then used again.
ENVIRONMENT = {**os.environ, "GOFLAGS": "-buildvcs=false -trimpath", "GOWORK": "off"}

pytestmark = pytest.mark.skipif(
    shutil.which("go") is None, reason="the lab's programs were built elsewhere: there is no Go here"
)


@pytest.mark.parametrize("module", MODULES)
# `go test` has the likeliest findings of `go vet` already.
@pytest.mark.parametrize("command", [pytest.param("vet", marks=pytest.mark.long), "test"])
def test_go(module: str, command: str) -> None:
    done = subprocess.run(
        ["go", command, "-p", "2", "./..."],
        cwd=LAB / module,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_gofmt(module: str) -> None:
    done = subprocess.run(["gofmt", "-l", str(LAB / module)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
