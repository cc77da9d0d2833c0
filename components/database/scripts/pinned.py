"""Pods that belong on some hosts only: which are where they should be, and what becomes of those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

REVISION = "controller-revision-hash"
TEMPLATE = "cockroachdb-multiregion/template"
"""Annotation of pods that are pinned: a hash of all that their template says but for the hosts."""

DEAD_SECONDS = 30
"""Grace for a pod that is not ready, on a host that the region has no more: it serves nobody."""
KUBELET_SECONDS = 30
"""How long after a pod's grace its host may take to say that it has ended. A host that says nothing is dead."""


@dataclass(frozen=True)
class Hosts:
    """The Kubernetes nodes that carry a region's pods."""

    names: frozenset[str]
    template: str
    """What pods' `TEMPLATE` is to be."""

    def current(self, pod: Object, revision: str) -> bool:
        """Whether a pod is as it should be. Which other hosts there are restarts none that is on one of them."""
        if not pod.get("spec", {}).get("nodeName"):
            # It was made for the hosts of its own revision.
            return pod["metadata"].get("labels", {}).get(REVISION) == revision
        same = (pod["metadata"].get("annotations") or {}).get(TEMPLATE) == self.template
        return same and not self.astray(pod)

    def astray(self, pod: Object) -> bool:
        """Whether it is on a host that the region has no more."""
        host = pod.get("spec", {}).get("nodeName")
        return bool(host) and host not in self.names


def grace(pod: Object, *, ready: bool) -> int:
    """Seconds that a pod gets to end."""
    return int(pod["spec"].get("terminationGracePeriodSeconds", DEAD_SECONDS)) if ready else DEAD_SECONDS
