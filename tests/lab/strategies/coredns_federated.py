"""`coredns-federated`: what a region knows of the others is its own servers', so no part of another can be lost."""

from tests.lab.strategies import Scene, existing

SCENE = Scene(
    lambda nodes: existing("coredns-federated", nodes),
    faults=(),
    spared="regions are found by their own servers' watches, which no balancer and no other region's DNS is part of; "
    "a stopped API server is in tests/lab/test_coredns_federated.py",
)
