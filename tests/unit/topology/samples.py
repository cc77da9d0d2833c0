"""Stacks to draw, of three regions and of 27 on two clouds and elsewhere, and what verification may find in them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from components.plan import plan
from stacks.settings import from_stack_file

ROOT = Path(__file__).parents[3]

PLACES = (
    ("us-east1", "us-east-1", "westeurope"),
    ("us-central1", "us-east-2", "swedencentral"),
    ("us-west1", "us-west-2", "uksouth"),
    ("europe-west1", "eu-west-1", "eastus2"),
    ("europe-west4", "eu-central-1", "southafricanorth"),
    ("asia-east1", "eu-north-1", "japaneast"),
    ("asia-northeast1", "ap-southeast-1", "uaenorth"),
    ("australia-southeast1", "ap-south-1", "frankfurt-dc1"),
    ("southamerica-east1", "ca-central-1", "frankfurt-dc2"),
)
"""On GKE, on EKS, elsewhere."""


@cache
def three() -> Mapping[str, Any]:
    """The dev stack's topology."""
    return from_stack_file(ROOT / "Pulumi.dev.yaml")[1].to_json()


@cache
def multicloud() -> Mapping[str, Any]:
    """The multicloud stack's topology."""
    return from_stack_file(ROOT / "Pulumi.multicloud.yaml")[1].to_json()


@cache
def many() -> Mapping[str, Any]:
    """27 regions, of which two are at no place that is known."""
    regions: list[dict[str, Any]] = []
    for google, amazon, other in PLACES:
        regions += [
            {"name": google, "platform": "gke", "zones": [f"{google}-{letter}" for letter in "bcd"]},
            {"name": amazon, "platform": "eks", "zones": [f"{amazon}{letter}" for letter in "abc"]},
            {"name": other, "kubeconfig": "kubeconfig", "context": other, "dns": {"kind": "coredns"}},
        ]
    given = {
        "regions": regions,
        "gcp": {"project": "my-project-123456"},
        "aws": {"transitGatewayFrom": 5, "quotas": {"rulesPerSecurityGroup": 200}},
    }
    return plan(given)[1].to_json()


def verdict(topology: Mapping[str, Any], cut: Sequence[str] = (), down: Sequence[str] = ()) -> Mapping[str, Any]:
    """Verify's JSON: regions of `cut` reach nobody, a node of each of `down` is down."""
    names = [region["name"] for region in topology["regions"]]

    def word(source: str, target: str) -> str:
        if source != target and (source in cut or target in cut):
            return "red"
        return "degraded" if target in down else "green"

    pairs = [(one, other) for one in names for other in names if one != other and (one in cut or other in cut)]
    return {
        "contractVersion": 1,
        "run": "ab12cd34",
        "seconds": 4.2,
        "verdict": "red" if cut else "degraded" if down else "green",
        "strategy": topology["strategy"],
        "regions": [],
        "leftOut": {},
        "matrix": {source: {target: word(source, target) for target in names} for source in names},
        "findings": [
            {
                "severity": "red",
                "layer": "route",
                "code": "no-route",
                "source": source,
                "target": target,
                "subject": target,
                "symptom": "no pod there answers, on any port, in either direction",
                "fix": f"check the route from {source}'s pod range to {target}'s and the way back",
            }
            for source, target in pairs
        ]
        + [
            {
                "severity": "degraded",
                "layer": "node",
                "code": "node-down",
                "source": None,
                "target": name,
                "subject": "cockroachdb-1",
                "symptom": "1 of 3 nodes down (cockroachdb-1: no such pod)",
                "fix": f"look at the pod in {name}: `kubectl describe pod cockroachdb-1`",
            }
            for name in down
        ],
        "measurements": [],
    }
