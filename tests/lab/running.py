"""Labs as tests drive them: through the CLI, as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.paths import PROJECT, LabPaths

UP_SECONDS = 400
"""A lab of three regions and nine hosts is up within 60 s on two idle cores; tests run where others do."""


@dataclass(frozen=True)
class RunningLab:
    """A lab by name, driven through its CLI as a user would."""

    paths: LabPaths

    def run(self, *words: str, check: bool = True, timeout: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """`python -m lab WORDS`, for this lab."""
        command, *rest = words
        argv = [sys.executable, "-m", "lab", command, "--name", self.paths.name, *rest]
        done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "--json").stdout)

    def hosts(self, region: str) -> list[str]:
        """Names of a region's hosts."""
        (found,) = [each for each in self.status()["regions"] if each["name"] == region]
        return [host["name"] for host in found["hosts"]]

    def inside(self, place: str, *argv: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """A command in a host's namespace; its failure is the test's to judge."""
        return self.run("exec", place, "--", *argv, check=False, timeout=timeout)


def small_plan(folder: Path, *regions: str) -> Path:
    """The address plan of regions without anything special, as `stacks.plan --json` would print it."""
    document = {
        "strategy": "stub-domains",
        "ports": [
            {"name": "dns", "protocol": protocol, "first": 53, "last": 53, "sources": ["pods", "nodes"], "to": "dns"}
            for protocol in ("UDP", "TCP")
        ],
        "regions": [
            {
                "name": name,
                "namespace": name,
                "platform": "existing",
                "state": "active",
                "cidr": f"10.{n}.0.0/16",
                "nodeCidr": f"10.{n}.0.0/20",
                "podCidr": f"10.{n}.128.0/17",
                "serviceCidr": f"10.{n}.32.0/20",
                "balancers": [{"kind": "dns", "name": "dns", "addresses": [f"10.{n}.16.53"]}],
                "sqlAddress": f"10.{n}.16.26",
                "zones": [f"{name}-a"],
            }
            for n, name in enumerate(regions, 1)
        ],
    }
    file = folder / "plan.json"
    file.write_text(json.dumps(document))
    return file
