"""A running lab whose clouds are changed under the stack's feet, and put back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lab.clouds.store import State, Store
from lab.clouds.substrate import open_substrate
from lab.environment import environment
from lab.paths import PROJECT, LabPaths
from lab.stackfile import chosen_stack, project_dir
from lab.tools import bin_dir
from policy.graph import Graph
from policy.sources import from_export
from policy.topology import Topology, topology
from tests.mutations.changes import Change, Judge

VERIFY_SECONDS = 30
"""For one measurement: what doesn't answer by then does not."""


@dataclass(frozen=True)
class Live:
    """The stack that a lab runs."""

    paths: LabPaths

    @cached_property
    def store(self) -> Store:
        return Store(self.paths.root / "clouds")

    @cached_property
    def graph(self) -> Graph:
        """The stack as the engine's state has it, secrets shown: keys of VPNs are compared."""
        argv = [str(bin_dir() / "pulumi"), "-C", str(project_dir(self.paths)), "--non-interactive", "stack", "export"]
        argv += ["--show-secrets", "--stack", chosen_stack(self.paths)]
        return from_export(json.loads(self._run(argv, 120).stdout))

    @cached_property
    def topology(self) -> Topology:
        found = topology(self.graph)
        if found is None:
            raise RuntimeError("the stack's state holds no plan")
        return found

    @cached_property
    def judge(self) -> Judge:
        return Judge(self.graph, self.topology)

    def verdict(self) -> Mapping[str, Any]:
        """One measurement, as `python -m verify --json` prints it."""
        stack = project_dir(self.paths) / f"Pulumi.{chosen_stack(self.paths)}.yaml"
        words = [
            str(stack),
            "--kubeconfig",
            str(self.paths.kubeconfig),
            "--json",
            "-",
            "--timeout",
            str(VERIFY_SECONDS),
        ]
        return json.loads(self._run([sys.executable, "-m", "verify", *words], 4 * VERIFY_SECONDS).stdout)

    def wait_green(self, seconds: int = 300) -> None:
        """Raises RuntimeError where it does not become so."""
        stack = project_dir(self.paths) / f"Pulumi.{chosen_stack(self.paths)}.yaml"
        words = [str(stack), "--kubeconfig", str(self.paths.kubeconfig), "--wait", str(seconds)]
        done = self._run([sys.executable, "-m", "verify", *words], 2 * seconds, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"not green:\n{done.stdout[-3000:]}")

    @contextmanager
    def changed(self, change: Change) -> Iterator[bool]:
        """The clouds and their packets after a change, then as they were. False: the clouds have no such record."""
        parts = (change, *change.also)
        with self.store.transaction() as states:
            before = [record for part in parts if (record := _state(states, part).get(part.type, part.id))]
            if len(before) == len(parts):
                for part, record in zip(parts, before, strict=True):
                    state = _state(states, part)
                    state.remove(record)
                    if part.props is not None:
                        state.put(replace(record, outputs={**record.outputs, **part.props}))
        if len(before) < len(parts):
            yield False
            return
        try:
            self._substrate.reshape()
            yield True
        finally:
            with self.store.transaction() as states:
                for part, record in zip(parts, before, strict=True):
                    _state(states, part).put(record)
            self._substrate.reshape()

    @cached_property
    def _substrate(self) -> Any:
        return open_substrate(self.paths, self.store)

    def _run(self, argv: list[str], seconds: float, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **environment(self.paths)}
        done = subprocess.run(argv, env=env, cwd=PROJECT, capture_output=True, text=True, timeout=seconds, check=False)
        if check and done.returncode not in (0, 1, 2):
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr[-3000:]}")
        return done


def _state(states: Mapping[str, State], change: Change) -> State:
    return states[change.type.partition(":")[0]]
