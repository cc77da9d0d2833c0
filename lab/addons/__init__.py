"""What a cluster comes with: its DNS server and a default StorageClass. Made once; then other people's to change."""

from __future__ import annotations

from lab import processes
from lab.addons import coredns, kube_dns
from lab.addons.common import grant
from lab.hosts import PROVISIONER
from lab.kube import Api
from lab.shell import LabError
from lab.world import Region

READY_SECONDS = 240.0
"""Nodes register in seconds; pods of many regions start together on few cores."""

STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": PROVISIONER,
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
}

NETWORK_POLICY = grant(
    "lab:network-policy",
    [
        {"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["get", "list", "watch"]},
    ],
    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "lab-network-policy"},
)
"""A kubelet's own identity may not read other hosts' pods; what enforces NetworkPolicy must."""


def apply(api: Api, region: Region) -> int:
    """Create what is missing of the region's add-ons. How many objects were made."""
    dns = kube_dns.objects(region) if region.dns_kind == "kube-dns" else coredns.objects(region)
    return api.create_missing([STORAGE_CLASS, *NETWORK_POLICY, *dns])


def wait_ready(api: Api, region: Region, without: frozenset[str]) -> None:
    """Wait until the region's hosts are Ready and its DNS has all replicas. Raises LabError naming what is not.

    Hosts in `without` are off; with any of them off, one replica of the DNS is enough.
    """
    expected = {host.name for host in region.hosts} - without
    deployment = f"/apis/apps/v1/namespaces/kube-system/deployments/{deployment_name(region)}"
    missing: list[str] = []

    def ready() -> bool:
        missing[:] = sorted(expected - _ready_nodes(api))
        item = api.get(deployment)
        have, want = item.get("status", {}).get("readyReplicas", 0), item["spec"]["replicas"]
        if have < (min(want, 1) if without else want):
            missing.append(f"{deployment_name(region)} ({have} of {want} replicas)")
        return not missing

    if expected and not processes.wait_for(ready, READY_SECONDS):
        raise LabError(f"{region.name}: not ready after {READY_SECONDS:g} s: {', '.join(missing)}")


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
