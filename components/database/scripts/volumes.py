"""Grows the nodes' volumes: a StatefulSet's claim template is immutable, so the claims themselves are asked to grow.

And deletes those of nodes that have left: a store that was decommissioned never comes back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from kube import Api, ApiError
from waiting import Deadline, NotYetError, say

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][0-9]+|[kMGTPE]i?|Ki)?")
_UNITS = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}


def in_bytes(quantity: str) -> Decimal:
    """A Kubernetes quantity as a number. Raises ValueError on anything else."""
    match = _QUANTITY.fullmatch(quantity)
    if not match:
        raise ValueError(f"{quantity!r} is no quantity")
    number, suffix = Decimal(match.group(1)), match.group(2) or ""
    if suffix[:1] in ("e", "E") and suffix[1:].isdigit():
        return number.scaleb(int(suffix[1:]))
    return number * _UNITS[suffix]


LEAVES = "cockroachdb-multiregion/leaves"
"""Annotation of the claim of a node that is decommissioned."""


def _called(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return call()
    except ApiError as error:
        if error.status in (401, 403):
            raise RuntimeError(f"the API server refuses: {error}") from error
        raise NotYetError(str(error)) from error


class Volumes:
    """The claims `<prefix>-0`, `<prefix>-1`, … of one namespace."""

    def __init__(self, api: Api, namespace: str, prefix: str, deadline: Deadline) -> None:
        self._api = api
        self._namespace = namespace
        self._prefix = prefix
        self._deadline = deadline

    def _path(self, ordinal: int) -> str:
        return f"/api/v1/namespaces/{self._namespace}/persistentvolumeclaims/{self._prefix}-{ordinal}"

    def grow(self, nodes: int, size: str, storage_class: str) -> None:
        """Asks each claim for `size`.

        Raises RuntimeError, with what to do, where a claim can't become what the config says.
        """
        for ordinal in range(nodes):
            self._deadline.wait(
                f"volume claim {self._prefix}-{ordinal} asks for {size}",
                lambda ordinal=ordinal: self._grow_one(ordinal, size, storage_class),
            )

    def mark(self, ordinals: Iterable[int]) -> None:
        """Notes on the claims of nodes that leave that they may be deleted once their pods are gone."""
        for ordinal in ordinals:
            patch = {"metadata": {"annotations": {LEAVES: "true"}}}
            self._deadline.wait(
                f"volume claim {self._prefix}-{ordinal} is marked",
                lambda ordinal=ordinal, patch=patch: _called(lambda: self._api.patch(self._path(ordinal), patch)),
            )

    def left(self, nodes: int) -> dict[str, str]:
        """Name -> uid of the marked claims of nodes that a region of `nodes` has no more."""
        path = f"/api/v1/namespaces/{self._namespace}/persistentvolumeclaims"
        found = self._deadline.wait("the volume claims can be listed", lambda: _called(lambda: self._api.get(path)))
        return {
            claim["metadata"]["name"]: claim["metadata"]["uid"]
            for claim in found["items"]
            if claim["metadata"].get("annotations", {}).get(LEAVES) == "true"
            and self._ordinal(claim["metadata"]["name"]) >= nodes
        }

    def _ordinal(self, name: str) -> int:
        prefix, _, ordinal = name.rpartition("-")
        return int(ordinal) if prefix == self._prefix and ordinal.isdigit() else -1

    def delete(self, claims: dict[str, str]) -> None:
        """Deletes claims by name and uid, and waits until they are gone: a node more would find its own there."""
        for name, uid in claims.items():
            say(f"deleting {name}, whose node was decommissioned")
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
            path = f"/api/v1/namespaces/{self._namespace}/persistentvolumeclaims/{name}"

            def gone(path: str = path, uid: str = uid, options: dict[str, Any] = options) -> None:
                try:
                    self._api.delete(path, options)
                    raise NotYetError("it is there still: is its pod gone?")
                except ApiError as error:
                    # 404 and 409: it is gone, or another has its name already.
                    if error.status in (404, 409):
                        return
                    if error.status:
                        raise RuntimeError(f"can't delete {path}: {error}") from error
                    raise NotYetError(str(error)) from error

            self._deadline.wait(f"{name} is gone", gone)

    def _grow_one(self, ordinal: int, size: str, storage_class: str) -> None:
        name = f"{self._prefix}-{ordinal}"
        try:
            claim = self._api.get(self._path(ordinal))
        except ApiError as error:
            if error.status in (401, 403):
                raise RuntimeError(f"the API server refuses: {error}") from error
            raise NotYetError(str(error)) from error
        spec = claim["spec"]
        asked = spec["resources"]["requests"]["storage"]
        held = spec.get("storageClassName") or ""
        if storage_class and held and storage_class != held:
            raise RuntimeError(
                f"{name} is of StorageClass {held}, the config says {storage_class}: a volume can't change its class. "
                f"Set cockroachdb.storage.class back to {held}, the one of all regions; to move to other disks, add a "
                "region whose cluster has them behind that name, and drain this one"
            )
        if in_bytes(size) < in_bytes(asked):
            raise RuntimeError(
                f"{name} has {asked}, the config says {size}: a volume can't shrink. "
                f"Set cockroachdb.storage.size to {asked} or more"
            )
        if in_bytes(size) == in_bytes(asked):
            return
        try:
            self._api.patch(self._path(ordinal), {"spec": {"resources": {"requests": {"storage": size}}}})
        except ApiError as error:
            if error.status in (0, 409):
                raise NotYetError(str(error)) from error
            raise RuntimeError(
                f"{name} can't grow from {asked} to {size}: {error}. "
                f"Its StorageClass ({held or 'none'}) must allow volume expansion"
            ) from error
        say(f"{name} grows from {asked} to {size}")
