"""Five regions on both clouds, uneven in nodes and zones."""

from __future__ import annotations

import pytest

from tests.lab.stack import in_a_lab
from tests.lab.test_clouds import config

UNEVEN = [
    {"name": "us-central1", "platform": "gke", "nodes": 3, "zones": ["us-central1-a", "us-central1-c"]},
    {"name": "us-east-2", "platform": "eks", "nodes": 2, "zones": ["us-east-2a", "us-east-2b", "us-east-2c"]},
    {"name": "us-east1", "platform": "gke", "nodes": 1, "zones": ["us-east1-b"]},
    {"name": "us-west-2", "platform": "eks", "nodes": 4, "zones": ["us-west-2a", "us-west-2b", "us-west-2c"]},
    {"name": "europe-west4", "platform": "gke", "nodes": 2, "zones": ["europe-west4-a", "europe-west4-b"]},
]


@pytest.mark.long
def test_five_uneven_regions_on_both_clouds_are_green() -> None:
    with in_a_lab("five", {**config(), "regions": UNEVEN}) as running:
        running.up()
        verdict = running.verify()
        assert verdict["verdict"] == "green", verdict["findings"]
        for region in UNEVEN:
            assert len(running.pods(str(region["name"]))) == region["nodes"]
