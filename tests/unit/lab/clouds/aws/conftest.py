"""An AWS account with nothing in it, and one with a region's network."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab.clouds.aws  # noqa: F401 (registers the models)
from tests.unit.lab.clouds.aws.places import Place, region
from tests.unit.lab.clouds.world import World


@pytest.fixture
def aws(tmp_path: Path) -> World:
    return World(tmp_path, "aws", {"region": "us-east-1"})


@pytest.fixture
def place(aws: World) -> Place:
    return region(aws)
