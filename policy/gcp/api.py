"""Which packets the private endpoint of a GKE cluster's API server takes."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Failure, Flow
from ..graph import Graph
from ..ranges import listing, network, networks, uncovered
from .site import Site


def admitted(graph: Graph, target: Site, flow: Flow) -> Iterator[Failure]:
    """What of the flow's senders is not among the cluster's authorized networks, or comes from no place near enough.

    No firewall rule of the VPC is before it, and its range is routed in the cluster's own VPC only.
    """
    cluster = target.cluster
    blocks = networks(cluster.values("masterAuthorizedNetworksConfig.cidrBlocks.*.cidrBlock"))
    left = uncovered(flow.sources, blocks)
    if left:
        yield Failure(
            "API server",
            f"{cluster.label} does not authorize {listing(left)}, which calls its API server; add that range to "
            "masterAuthorizedNetworksConfig",
            cluster.urn,
        )
    if network(cluster.get("privateClusterConfig.masterIpv4CidrBlock")) is None:
        yield Failure(
            "API server", f"{cluster.label} has no private endpoint for other regions' pods; declare one", cluster.urn
        )
    elif cluster.get("privateClusterConfig.masterGlobalAccessConfig.enabled") is not True:
        yield Failure(
            "API server",
            f"{cluster.label} has no global access: its private endpoint answers its own location only; set "
            "masterGlobalAccessConfig.enabled",
            cluster.urn,
        )
