"""`istio`: nothing of a mesh runs in a lab."""

from tests.lab.strategies import Scene, existing

SCENE = Scene(
    lambda nodes: existing("istio", nodes),
    not_in_lab="Istio's sidecars, CNI plugin and control plane are container images, which the lab has none of; what "
    "the program declares is checked against Istio's own CRDs and charts instead (tests/conformance/test_istio.py)",
)
