"""Labs for tests: one of three regions for a module, and small ones that a test may break."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.packages import privilege_problem
from lab.paths import lab_paths
from tests.lab.running import RunningLab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[RunningLab]:
    """The module's own lab: three regions of three hosts. Tests leave it as they found it."""
    _require_root()
    running = RunningLab(lab_paths(request.path.stem.removeprefix("test_")))
    running.run("down")
    running.run("up")
    yield running
    running.run("down")


@pytest.fixture
def new_lab() -> Iterator[Callable[[], RunningLab]]:
    """Makes labs of their own names, which are taken down whatever happens."""
    _require_root()
    made: list[RunningLab] = []

    def make() -> RunningLab:
        made.append(RunningLab(lab_paths(f"t{uuid.uuid4().hex[:8]}")))
        return made[-1]

    yield make
    for running in made:
        running.run("down")


def _require_root() -> None:
    problem = privilege_problem()
    if problem:
        pytest.skip(problem)
