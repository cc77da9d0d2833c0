"""Stack rules about the clouds' machines: a node fits on its host, and its disk on the machine."""

from __future__ import annotations

from collections.abc import Iterator

from .amounts import amount
from .check_network import KEPT
from .machines import host_type, machine
from .model import Platform, Problem
from .rules import Draft, stack_rule

HYPERDISK_ONLY = ("c4", "c4a", "c4d", "n4")
"""Series that take no Persistent Disk (Compute Engine, «Machine series comparison»)."""


def _machines(draft: Draft) -> Iterator[tuple[str, Platform, str]]:
    """Where each type of host comes from in the config, once."""
    keys = {Platform.GKE: ("gcp", "machineType"), Platform.EKS: ("aws", "instanceType")}
    found: dict[tuple[str, Platform, str], None] = {}
    for path, region in draft.regions(*KEPT):
        if name := host_type(draft.settings, region):
            cloud, key = keys[region.platform]
            own = region.machine_type or region.instance_type
            source = f"{path}.{key}" if own else f"{cloud}.{key}"
            if draft.sound(source):
                found[source, region.platform, name] = None
    yield from found


@stack_rule("node-fits-machine")
def _fits(draft: Draft) -> Iterator[Problem]:
    """Kubernetes and its agents take some of a host: a node that asks for all of it is never scheduled."""
    asked = draft.settings.cockroachdb.resources
    for path, platform, name in _machines(draft):
        found = machine(platform, name)
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
    if gcp is None or not draft.sound("gcp.storageType"):
        return
    for path, platform, name in _machines(draft):
        series = name.partition("-")[0]
        if platform is Platform.GKE and series in HYPERDISK_ONLY and gcp.storage_type.startswith("pd-"):
            yield Problem(
                "gcp.storageType",
                f"{gcp.storage_type} cannot be attached to {path} {name}, whose series takes Hyperdisks alone; "
                "use hyperdisk-balanced",
            )
