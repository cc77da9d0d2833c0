"""The plugins' own checks: format, vet, and the tests of what is pure."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.conformance.stack import PROJECT

MODULE = PROJECT / "lab" / "plugins"


@pytest.mark.skipif(shutil.which("go") is None, reason="the plugins were built elsewhere: there is no Go here")
@pytest.mark.parametrize("arguments", [("vet",), ("test",)], ids=["vet", "test"])
def test_go(arguments: tuple[str, ...]) -> None:
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false -trimpath", "GOWORK": "off"}
    argv = ["go", *arguments, "./..."]
    done = subprocess.run(argv, cwd=MODULE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="there is no Go here")
def test_gofmt() -> None:
    done = subprocess.run(["gofmt", "-l", str(MODULE)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
