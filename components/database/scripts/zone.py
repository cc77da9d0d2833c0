"""Writes the zone of the node this pod runs on to a file, for `--locality`.

Environment: NODE_NAME; ZONE_FILE, the file to write; ZONES, the zones that the config lists, comma-separated
(empty: any).
"""

from __future__ import annotations

import os
from pathlib import Path

from kube import Api, ApiError
from waiting import Deadline, NotYetError, run, say

LABEL = "topology.kubernetes.io/zone"
DEADLINE_SECONDS = 120.0


def zone_of(node: dict, name: str, allowed: list[str]) -> str:
    """The zone in the node's labels. Raises RuntimeError where there is none, or one that the config doesn't list."""
    zone = node.get("metadata", {}).get("labels", {}).get(LABEL)
    if not zone:
        raise RuntimeError(f"node {name} has no label {LABEL}: label it, so that replicas spread over zones")
    if allowed and zone not in allowed:
        raise RuntimeError(f"node {name} is in zone {zone}; the region's config lists {', '.join(allowed)}")
    return zone


def look_up(api: Api, name: str, deadline: Deadline) -> dict:
    """The node. Waits for an API server that doesn't answer yet; a refusal is final."""

    def attempt() -> dict:
        try:
            return api.get(f"/api/v1/nodes/{name}")
        except ApiError as error:
            if error.status in (401, 403, 404):
                raise RuntimeError(f"the API server refuses node {name}: {error}") from error
            raise NotYetError(str(error)) from error

    return deadline.wait(f"the API server tells of node {name}", attempt)


def main() -> None:
    name = os.environ["NODE_NAME"]
    allowed = [zone for zone in os.environ.get("ZONES", "").split(",") if zone]
    zone = zone_of(look_up(Api.in_cluster(), name, Deadline(DEADLINE_SECONDS)), name, allowed)
    Path(os.environ["ZONE_FILE"]).write_text(zone, encoding="utf-8")
    say(f"node {name} is in zone {zone}")


if __name__ == "__main__":
    run(main)
