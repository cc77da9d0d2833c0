"""What a running stack's volumes keep: they grow, and that is all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .amounts import amount
from .model import Problem, Settings


def storage(settings: Settings) -> dict[str, Any]:
    """What every node's volume was asked for. JSON types only."""
    asked = settings.cockroachdb.storage
    return {
        "size": asked.size,
        "class": asked.storage_class,
        "gcpType": settings.gcp.storage_type if settings.gcp else None,
    }


def moved_volumes(before: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    """Kubernetes shrinks no volume and changes no volume's class."""
    was, now = amount(before.get("size")), amount(new["size"])
    if was is not None and now is not None and now < was:
        yield Problem(
            "cockroachdb.storage.size",
            f"{new['size']} is less than {before['size']}, which the running stack's volumes have, and a volume can't "
            f"shrink; use {before['size']} or more",
        )
    for key, path in (("class", "cockroachdb.storage.class"), ("gcpType", "gcp.storageType")):
        held = before.get(key)
        if held and new[key] and new[key] != held:
            yield Problem(
                path,
                f"{new[key]} would be no running node's: the running stack's volumes are {held}, and a volume can't "
                "change its class; put that back",
            )
