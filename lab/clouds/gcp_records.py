"""GCP's records by what others call them: ids, self links and names."""

from __future__ import annotations

from typing import Any

from lab.clouds.fabric import present
from lab.clouds.store import Record, State

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
CLUSTER = "gcp:container/cluster:Cluster"


def network_of(state: State, reference: Any) -> Record | None:
    """The network that an id, a self link or a name refers to."""
    return find(state, NETWORK, reference)


def find(state: State, token: str, reference: Any) -> Record | None:
    return next((record for record in present(state, token) if reference and same(record, reference)), None)


def same(record: Record, reference: Any) -> bool:
    """Whether a reference, an id, a self link or a bare name, is to this record."""
    text = str(reference)
    if "/" not in text:
        return text in (name_of(record), record.id)
    return _path(text) in (_path(record.id), _path(str(record["selfLink"])))


def name_of(record: Record) -> str:
    return str(record["name"] or record.id.rpartition("/")[2])


def _path(text: str) -> str:
    """From `projects/` on, as ids and self links have in common."""
    return text[text.find("projects/") :]
