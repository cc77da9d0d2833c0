"""What a cluster comes with: its DNS server and a default StorageClass. Made once; then other people's to change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from lab import processes
from lab.addons import coredns, kube_dns, node_local_dns
from lab.addons.common import Manifest, grant
from lab.hosts import PROVISIONER
from lab.kube import Api
from lab.shell import LabError
from lab.world import Region

READY_SECONDS = 240.0
"""Nodes register in seconds; pods of many regions start together on few cores."""


def storage_class(name: str, provisioner: str) -> Manifest:
    """A cluster's default class of disks."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": provisioner,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


STORAGE_CLASSES = {
    "existing": [storage_class("standard", PROVISIONER)],
    "gke": [storage_class("standard-rwo", "pd.csi.storage.gke.io")],
    "eks": [],
}
"""EKS makes no default class since 1.30."""

NETWORK_POLICY = grant(
    "lab:network-policy",
    [
        {"apiGroups": [""], "resources": ["pods", "nodes", "namespaces"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["get", "list", "watch"]},
    ],
    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "lab-network-policy"},
)
"""A kubelet's own identity may not read other hosts' pods; what enforces NetworkPolicy must."""


def apply(api: Api, region: Region) -> int:
    """Create what is missing of the region's add-ons. How many objects were made."""
    return api.create_missing([*STORAGE_CLASSES[region.platform], *NETWORK_POLICY, *dns(region)])


def dns(region: Region) -> Sequence[Manifest]:
    """The region's DNS server, if it has one."""
    servers = {"kube-dns": kube_dns.objects, "coredns": coredns.objects}
    if not region.has_dns_pods:
        return ()
    cache = node_local_dns.objects(region) if region.node_local_dns else ()
    return (*servers[region.dns_kind](region), *cache)


def wait_ready(api: Api, region: Region, without: frozenset[str]) -> None:
    """Wait until the region's hosts are Ready and its DNS has all replicas. Raises LabError naming what is not.

    Hosts in `without` are off; with any of them off, one replica of the DNS is enough.
    """
    expected = {host.name for host in region.hosts} - without
    if expected:
        _wait(region, lambda: [*_not_ready(api, expected), *_dns_missing(api, region, bool(without))])


def wait_nodes(api: Api, region: Region, names: Collection[str]) -> None:
    """Wait until these hosts are Ready. Raises LabError naming those that are not."""
    _wait(region, lambda: _not_ready(api, names))


def wait_dns(api: Api, region: Region) -> None:
    """Wait until the region's DNS has all replicas of its newest version. Raises LabError."""
    _wait(region, lambda: _dns_missing(api, region, partly=False))


def _wait(region: Region, missing: Callable[[], list[str]]) -> None:
    last: list[str] = []

    def ready() -> bool:
        last[:] = missing()
        return not last

    if not processes.wait_for(ready, READY_SECONDS):
        raise LabError(f"{region.name}: not ready after {READY_SECONDS:g} s: {', '.join(last)}")


def _not_ready(api: Api, names: Collection[str]) -> list[str]:
    return sorted(set(names) - _ready_nodes(api))


def _dns_missing(api: Api, region: Region, partly: bool) -> list[str]:
    if not region.has_dns_pods:
        return []
    name = deployment_name(region)
    item = api.get(f"/apis/apps/v1/namespaces/kube-system/deployments/{name}")
    status, want = item.get("status", {}), item["spec"]["replicas"]
    current = status.get("observedGeneration") == item["metadata"]["generation"]
    have = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0)) if current else 0
    return [f"{name} ({have} of {want} replicas)"] if have < (min(want, 1) if partly else want) else []


def deployment_name(region: Region) -> str:
    """The Deployment in kube-system that answers cluster DNS."""
    return "kube-dns" if region.dns_kind == "kube-dns" else "coredns"


def _ready_nodes(api: Api) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in api.get("/api/v1/nodes")["items"]
        for condition in node["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
