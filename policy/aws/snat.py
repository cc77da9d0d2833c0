"""Whether an EKS pod's own address arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..findings import Failure, Flow
from ..graph import Graph
from ..ranges import covered, networks
from . import kinds
from .site import Site

CNI = "vpc-cni"
EXTERNAL = "AWS_VPC_K8S_CNI_EXTERNALSNAT"
EXCLUDED = "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"


def masqueraded(graph: Graph, site: Site, flow: Flow) -> Iterator[Failure]:
    """Pods' packets that leave the VPC get their host's address unless the add-on is told otherwise."""
    if flow.origin != "pods":
        return
    addons = [
        addon for addon in graph.pointing(kinds.ADDON, "clusterName", site.cluster) if addon.get("addonName") == CNI
    ]
    if not addons:
        yield Failure(
            "SNAT",
            f"{site.cluster.label} has no add-on {CNI}, which gives pods their addresses; declare it with {EXTERNAL}",
            site.cluster.urn,
        )
        return
    environment = _environment(addons[0].get("configurationValues"))
    excluded = networks(str(environment.get(EXCLUDED, "")).split(","))
    if str(environment.get(EXTERNAL, "")).lower() == "true" or covered(flow.destination, excluded):
        return
    yield Failure(
        "SNAT",
        f"{addons[0].label} does not set {EXTERNAL} to \"true\": pods' addresses are rewritten to their host's on the "
        f"way to {flow.destination}, and peers see a node that is not there",
        addons[0].urn,
    )


def _environment(raw: Any) -> dict[str, Any]:
    try:
        found = json.loads(raw)["env"] if isinstance(raw, str) else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
