"""Files that others publish as Go modules, pinned by version and hash, fetched by the go command."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path


@cache
def module(path: str, version: str, checksum: str) -> Path:
    """The folder of a Go module. Raises AssertionError where it cannot be had, or is another than the pinned one."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"{path}@{version}"],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{path}@{version}: {done.stdout}{done.stderr}"
    found = json.loads(done.stdout)
    assert found["Sum"] == checksum, f"{path}@{version} is {found['Sum']}, not the pinned {checksum}"
    return Path(found["Dir"])
