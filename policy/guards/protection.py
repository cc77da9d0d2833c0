"""What holds data outlives a mistake, unless the stack says that data may be lost."""

from __future__ import annotations

from collections.abc import Iterator

from .. import kubernetes
from ..aws import kinds as aws
from ..gcp import kinds as gcp
from ..graph import Graph
from ..topology import Topology
from .finding import Finding


def findings(graph: Graph, topology: Topology | None) -> Iterator[Finding]:
    """None where `allowDataLoss` is true."""
    if topology is not None and topology.allow_data_loss:
        return
    # GKE's default is to protect, EKS's not to.
    for cluster in graph.of(gcp.CLUSTER):
        if cluster.get("deletionProtection", True) is False:
            yield Finding(
                cluster, "may be deleted by a mistake; set deletionProtection, or allowDataLoss for the stack"
            )
    for cluster in graph.of(aws.CLUSTER):
        if cluster.get("deletionProtection", False) is False:
            yield Finding(
                cluster, "may be deleted by a mistake; set deletionProtection, or allowDataLoss for the stack"
            )
    for storage in graph.of(kubernetes.STORAGE_CLASS):
        if storage.get("reclaimPolicy", "Delete") == "Delete":
            yield Finding(storage, "deletes a node's disk with its claim; set reclaimPolicy Retain")
