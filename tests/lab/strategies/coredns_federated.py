"""`coredns-federated`: a region finds the others by its own servers, and no part of another region's can be lost."""

from components.strategies.coredns_federated import names
from tests.lab.strategies import Scene, existing

SCENE = Scene(
    lambda nodes: existing("coredns-federated", nodes),
    faults=(),
    servers=(names.NAMESPACE, names.SERVERS),
    blamed="source",
)
