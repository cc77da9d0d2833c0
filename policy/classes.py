"""What each network resource is for, by what the proof says of a stack without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from .aws import kinds as aws
from .findings import Severity, Violation
from .gcp import kinds as gcp
from .graph import Graph
from .reach import INTERNET, violations
from .topology import Topology

NETWORK = frozenset(
    kind
    for module in (aws, gcp)
    for name, kind in vars(module).items()
    if name.isupper() and kind not in (aws.KMS_KEY, aws.EBS_VOLUME, aws.LAUNCH_TEMPLATE)
)
"""Types that carry or stop packets."""

OTHER_ADDONS = frozenset(("eks-pod-identity-agent", "aws-ebs-csi-driver"))
"""They carry none."""


class Class(StrEnum):
    """What a stack loses with a resource."""

    NEEDED = "needed"
    """Some pair of regions cannot talk without it."""
    REDUNDANT = "redundant"
    """They talk without it, for something stands in; not without both."""
    EGRESS_ONLY = "egress only"
    """No region reaches another through it; hosts reach the internet."""
    CLIENTS = "clients only"
    """No region needs it: clients outside of the regions, or a reservation that keeps others from an address."""


def classify(graph: Graph, topology: Topology) -> Mapping[str, Class]:
    """URN -> class, of every network resource of the stack."""
    return {
        resource.urn: _class(violations(graph.without(resource.urn), topology))
        for resource in graph
        if resource.type in NETWORK and resource.get("addonName") not in OTHER_ADDONS
    }


def _class(found: Sequence[Violation]) -> Class:
    if any(violation.severity is Severity.BROKEN for violation in found):
        return Class.NEEDED
    if any(violation.target != INTERNET for violation in found):
        return Class.REDUNDANT
    return Class.EGRESS_ONLY if found else Class.CLIENTS
