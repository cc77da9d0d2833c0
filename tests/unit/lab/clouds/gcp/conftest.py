"""A GCP project with its APIs on."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab.clouds.gcp  # noqa: F401 (registers the models)
from lab.clouds.gcp.base import SERVICE
from tests.unit.lab.clouds.world import World


@pytest.fixture
def bare(tmp_path: Path) -> World:
    """A new project: no API is on."""
    return World(tmp_path, "gcp", {"project": "my-project"})


@pytest.fixture
def gcp(bare: World) -> World:
    for service in ("compute", "container", "iam", "cloudresourcemanager"):
        bare.create(SERVICE, service, service=f"{service}.googleapis.com")
    return bare
