"""The executables that the engine finds on PATH: `pulumi-resource-gcp` and `pulumi-resource-aws`."""

from __future__ import annotations

import shlex
from pathlib import Path

from lab.clouds.store import CLOUDS
from lab.paths import PROJECT

PLUGINS = tuple(f"pulumi-resource-{cloud}" for cloud in CLOUDS)

SCRIPT = """#!/bin/sh
# Stands in for the {cloud} provider: the cloud of the lab LAB_NAME.
PYTHONPATH={project} exec {python} -P -m lab.clouds {cloud} "$@"
"""


def write(folder: Path, name: str) -> Path:
    """Put one of `PLUGINS` into a folder, whole or not at all."""
    file = folder / name
    python = PROJECT / ".venv" / "bin" / "python"
    cloud = name.removeprefix("pulumi-resource-")
    content = SCRIPT.format(cloud=cloud, project=shlex.quote(str(PROJECT)), python=shlex.quote(str(python)))
    if not file.exists() or file.read_text() != content:
        fresh = folder / f".{name}.new"
        fresh.write_text(content)
        fresh.chmod(0o755)
        fresh.replace(file)
    return file
