"""What is kept is encrypted. Google encrypts every disk and Secret by itself; Amazon has to be asked."""

from __future__ import annotations

from collections.abc import Iterator

from .. import kubernetes
from ..aws import kinds as aws
from ..graph import UNKNOWN, Graph, Resource
from ..topology import Topology
from .finding import Finding

EBS = "ebs.csi.aws.com"
YES = (True, "true", UNKNOWN)


def findings(graph: Graph, _: Topology | None) -> Iterator[Finding]:
    """All of them."""
    for cluster in graph.of(aws.CLUSTER):
        yield from _secrets(graph, cluster)
    for group in graph.of(aws.NODE_GROUP):
        if not group.says("launchTemplate"):
            yield Finding(group, "has no launch template, and so disks that may not be encrypted")
    for template in graph.of(aws.LAUNCH_TEMPLATE):
        yield from _disks(template)
    for volume in graph.of(aws.EBS_VOLUME):
        if volume.get("encrypted") not in YES:
            yield Finding(volume, "is not encrypted; set encrypted")
    for storage in graph.of(kubernetes.STORAGE_CLASS):
        if storage.get("provisioner") == EBS and storage.get("parameters.encrypted") not in YES:
            yield Finding(storage, 'makes disks that are not encrypted; set parameters.encrypted "true"')
    for key in graph.of(aws.KMS_KEY):
        if key.get("enableKeyRotation") not in YES:
            yield Finding(key, "is never rotated; set enableKeyRotation")


def _secrets(graph: Graph, cluster: Resource) -> Iterator[Finding]:
    held = cluster.texts("encryptionConfig.resources")
    keys = cluster.values("encryptionConfig.provider.keyArn")
    if "secrets" not in held or (not any(keys) and not graph.follow(cluster, "encryptionConfig", aws.KMS_KEY)):
        yield Finding(cluster, "does not encrypt Secrets by a key; set encryptionConfig with resources [secrets]")


def _disks(template: Resource) -> Iterator[Finding]:
    disks = [disk for disk in template.values("blockDeviceMappings.*") if isinstance(disk, dict)]
    if not disks or any((disk.get("ebs") or {}).get("encrypted") not in YES for disk in disks):
        yield Finding(template, "has a disk that may not be encrypted; set ebs.encrypted in every blockDeviceMappings")
