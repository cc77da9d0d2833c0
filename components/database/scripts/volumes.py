"""Grows the nodes' volumes: a StatefulSet's claim template is immutable, so the claims themselves are asked to grow."""

from __future__ import annotations

import re
from decimal import Decimal

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
                f"Set storage.class back to {held}; to move, add a region with the new class and drain this one"
            )
        if in_bytes(size) < in_bytes(asked):
            raise RuntimeError(
                f"{name} has {asked}, the config says {size}: a volume can't shrink. "
                f"Set storage.size to {asked} or more"
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
