"""Stack rules about the clouds' machines: a node fits on its host, and its disk on the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .amounts import amount
from .model import Platform, Problem
from .rules import Draft, stack_rule

_GKE_TYPE = re.compile(r"[a-z0-9]+-(?P<kind>[a-z]+)-(?P<cpus>[0-9]+)")
_EKS_TYPE = re.compile(r"(?P<kind>[a-z])[a-z0-9-]*\.(?P<times>[0-9]*)x?large")
_GIB_PER_CPU = {
    Platform.GKE: {"highcpu": 2, "standard": 4, "highmem": 8},
    Platform.EKS: {"c": 2, "m": 4, "r": 8},
}
"""GiB of memory per vCPU, at most, by a machine type's kind (the clouds' pages on machine families)."""

HYPERDISK_ONLY = ("c4", "c4a", "c4d", "n4")
"""Series that take no Persistent Disk (Compute Engine, «Machine series comparison»)."""


def _machine(platform: Platform, name: str) -> tuple[int, int | None] | None:
    """vCPUs and at most so much memory in GiB; None for a type whose name does not say."""
    match = (_GKE_TYPE if platform is Platform.GKE else _EKS_TYPE).fullmatch(name)
    if match is None:
        return None
    cpus = int(match["cpus"]) if platform is Platform.GKE else _eks_cpus(name, match["times"])
    ratio = _GIB_PER_CPU[platform].get(match["kind"])
    return cpus, None if ratio is None else cpus * ratio


def _eks_cpus(name: str, times: str) -> int:
    """`large` has 2, `xlarge` 4, and `2xlarge` twice that."""
    return 4 * int(times or 1) if name.endswith("xlarge") else 2


def _machines(draft: Draft) -> Iterator[tuple[str, Platform, str]]:
    settings = draft.settings
    if settings.gcp is not None and draft.sound("gcp.machineType"):
        yield "gcp.machineType", Platform.GKE, settings.gcp.machine_type
    if settings.aws is not None and draft.sound("aws.instanceType"):
        yield "aws.instanceType", Platform.EKS, settings.aws.instance_type


@stack_rule("node-fits-machine")
def _fits(draft: Draft) -> Iterator[Problem]:
    """Kubernetes and its agents take some of a host: a node that asks for all of it is never scheduled."""
    asked = draft.settings.cockroachdb.resources
    for path, platform, name in _machines(draft):
        found = _machine(platform, name)
        if found is None:
            continue
        cpus, memory = found
        cpu, size = amount(asked.cpu), amount(asked.memory)
        if cpu is not None and cpu >= cpus and draft.sound("cockroachdb.resources.cpu"):
            yield Problem(
                "cockroachdb.resources.cpu",
                f"{asked.cpu} does not fit on a host of {path} {name}, whose {cpus} vCPUs Kubernetes needs some of; "
                "ask for less, or use a larger type",
            )
        if memory is None or size is None or not draft.sound("cockroachdb.resources.memory"):
            continue
        if size >= memory * 2**30:
            yield Problem(
                "cockroachdb.resources.memory",
                f"{asked.memory} does not fit on a host of {path} {name}, of whose {memory} GiB Kubernetes needs some; "
                "ask for less, or use a larger type",
            )


@stack_rule("disk-of-machine")
def _disk(draft: Draft) -> Iterator[Problem]:
    gcp = draft.settings.gcp
    if gcp is None or not draft.sound("gcp.storageType", "gcp.machineType"):
        return
    series = gcp.machine_type.partition("-")[0]
    if series in HYPERDISK_ONLY and gcp.storage_type.startswith("pd-"):
        yield Problem(
            "gcp.storageType",
            f"{gcp.storage_type} cannot be attached to {gcp.machine_type}, whose series takes Hyperdisks alone; "
            "use hyperdisk-balanced",
        )
