"""Which changes a real provider can't make in place: another value needs another resource. Pure.

Google Cloud's and AWS's are those of the lab clouds' models; Kubernetes' those of the kinds that this program declares,
as in pulumi-kubernetes' forceNew list, with ConfigMaps and Secrets mutable as the program's providers say.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

IDENTITY = ("metadata.name", "metadata.namespace")
KUBERNETES: dict[str, tuple[str, ...]] = {
    "StatefulSet": (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "Deployment": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "Job": ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "StorageClass": ("parameters", "provisioner"),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
}


def forced(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Top-level inputs of that type whose change replaces; everything that changed, where nobody knows the type."""
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    paths = fixed(kind, old, new)
    if paths is None:
        return changed
    hit = {path.split(".")[0] for path in paths if _at(old, path.split(".")) != _at(new, path.split("."))}
    return [key for key in changed if key in hit]


def fixed(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str] | None:
    """Paths, list indices left out. None: nobody knows."""
    package = kind.partition(":")[0]
    if package == "kubernetes":
        return (*IDENTITY, *KUBERNETES.get(kind.rsplit(":", 1)[-1], ()))
    if package == "pulumi-python":
        # Of DnsForwards (components/network/dns_forwards.py); AddressLock is never replaced.
        return ("kind",)
    if package in ("gcp", "aws"):
        known = _cloud_kinds().get(kind)
        return None if known is None else known.replaces | known.replaces_too(old, new)
    return None


@cache
def _cloud_kinds() -> Mapping[str, Any]:
    for cloud in ("gcp", "aws"):
        import_module(f"lab.clouds.{cloud}")
    return import_module("lab.clouds.kinds").KINDS


def _at(value: Any, path: list[str]) -> Any:
    """The value at a path; of a list, its items' values."""
    if isinstance(value, list):
        return [_at(item, path) for item in value]
    if not path:
        return value
    return _at(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else None
