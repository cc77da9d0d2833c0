"""The executables that the engine finds on PATH: `pulumi-resource-gcp` and `pulumi-resource-aws`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from lab.paths import PROJECT

SCRIPT = """#!/bin/sh
# Stands in for the {cloud} provider: the cloud of the lab LAB_NAME.
PYTHONPATH={project} exec {python} -P -m lab.clouds {cloud} "$@"
"""


def name_of(cloud: str) -> str:
    """The executable's."""
    return f"pulumi-resource-{cloud}"


def write(folder: Path, cloud: str) -> Path:
    """Put a cloud's into a folder, whole or not at all."""
    file = folder / name_of(cloud)
    python = PROJECT / ".venv" / "bin" / "python"
    content = SCRIPT.format(cloud=cloud, project=shlex.quote(str(PROJECT)), python=shlex.quote(str(python)))
    if not file.exists() or file.read_text() != content:
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        fresh.write_text(content)
        fresh.chmod(0o755)
        fresh.replace(file)
    return file
