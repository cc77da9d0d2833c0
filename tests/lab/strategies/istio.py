"""`istio`: nothing of a mesh runs in a lab. What is planned are regions whose pods don't meet, each a network."""

from tests.lab.stack import Json
from tests.lab.strategies import Scene, existing


def config(nodes: int) -> Json:
    """Clusters that are there, with a gateway each."""
    usual = existing("istio", nodes)
    regions = [{**entry, "strategyOptions": {"network": entry["name"]}} for entry in usual["regions"]]
    return {**usual, "regions": regions}


SCENE = Scene(
    config,
    not_in_lab="Istio's sidecars, CNI plugin and control plane are container images, which the lab has none of; what "
    "the program declares is checked against Istio's own CRDs and charts instead (tests/conformance/test_istio.py)",
)
