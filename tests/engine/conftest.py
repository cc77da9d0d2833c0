"""The program with a state of its own, and clusters for its regions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.cluster import Cluster
from tests.conformance.environment import CONTROL_PLANE, engine_environment, plugin_path
from tests.engine import regions
from tests.engine.program import Program


@pytest.fixture
def stack(tmp_path: Path) -> Program:
    environment = engine_environment(plugin_path(tmp_path / "lab", *CONTROL_PLANE), tmp_path / "home")
    program = Program(tmp_path / "project", environment)
    program.stacked()
    return program


@pytest.fixture
def world(tmp_path: Path, stack: Program) -> Iterator[dict[str, Cluster]]:
    """A cluster per region, seeded with other people's DNS entries. (After `stack`, which sees to the tools.)"""
    with regions.world(tmp_path) as started:
        yield started
