"""Who may reach SQL."""

from typing import Any

import pytest

from components.plan import plan
from stacks.arguments import client_cidrs

REGIONS = [{"name": f"us-{place}1", "zones": [f"us-{place}1-b"]} for place in ("east", "central", "west")]
OWN = ["10.1.128.0/17", "10.1.0.0/20", "10.2.128.0/17", "10.2.0.0/20", "10.3.128.0/17", "10.3.0.0/20"]


@pytest.mark.parametrize(
    ("cockroachdb", "clients"),
    [
        ({}, ["10.0.0.0/8"]),
        ({"clientCidrs": []}, OWN),
        ({"clientCidrs": ["10.9.0.0/16", "10.1.0.0/16"]}, ["10.9.0.0/16", "10.1.0.0/16", *OWN[2:]]),
    ],
)
def test_clients_are_the_regions_themselves_and_who_is_listed(cockroachdb: dict[str, Any], clients: list[str]) -> None:
    gcp = {"project": "my-project-123456"}
    settings, plan_ = plan({"platform": "gke", "regions": REGIONS, "gcp": gcp, "cockroachdb": cockroachdb})
    assert client_cidrs(settings, plan_) == clients
