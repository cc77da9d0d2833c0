"""What a resource is to a reviewer: of which region, and what a change of it touches."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from .preview import GUARD, PROVIDERS, STACK, Preview, Step


class Touches(StrEnum):
    """What a change is about; the order is the report's."""

    NODES = "nodes"
    CLUSTERS = "Kubernetes clusters"
    NETWORK = "network"
    DNS = "DNS"
    CERTIFICATES = "certificates"
    ACCESS = "access"
    DATABASE = "SQL"
    OTHER = "others"


EVERYWHERE = "all regions"
"""Where something belongs to no single region."""

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
NAMESPACE = "kubernetes:core/v1:Namespace"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
VOLUME = "kubernetes:core/v1:PersistentVolume"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type
AUTHORITY = "tls:index/selfSignedCert:SelfSignedCert"
CLUSTERS = ("gcp:container/cluster:Cluster", "aws:eks/cluster:Cluster")
HOSTS = ("gcp:container/nodePool:NodePool", "aws:eks/nodeGroup:NodeGroup")
INIT, ROLLOUT, RESTORE, DATABASES, BACKUP, DECOMMISSION = (
    f"cockroachdb-multiregion:index:{name}"
    for name in ("ClusterInit", "Rollout", "RestoredDatabase", "Databases", "BackupSchedule", "Decommission")
)

_BY_TYPE: tuple[tuple[Touches, tuple[str, ...]], ...] = (
    (Touches.NODES, (STATEFUL_SET, NAMESPACE, CLAIM, VOLUME, STORAGE_CLASS, "kubernetes:policy/")),
    (Touches.DNS, ("gcp:dns/", "aws:route53/", "pulumi-python:dynamic/cockroachdb-multiregion:")),
    (Touches.CERTIFICATES, ("tls:", "kubernetes:certificates.k8s.io/")),
    (Touches.CLUSTERS, ("gcp:container/", "aws:eks/", "aws:kms/", "aws:ec2/launchTemplate:")),
    (
        Touches.NETWORK,
        (
            "gcp:compute/",
            "aws:ec2",
            "aws:lb/",
            "aws:vpc/",
            "kubernetes:networking.k8s.io/",
            "kubernetes:core/v1:Service",
        ),
    ),
    (Touches.ACCESS, ("kubernetes:rbac.", "gcp:projects/", "gcp:serviceaccount/", "aws:iam/")),
)
"""First match counts; `kubernetes:core/v1:ServiceAccount` is looked for before."""
_OWN = "pulumi-python:dynamic/multiregion:"
"""The stack's memory of itself: the address lock and its like."""
_BY_COMPONENT: tuple[tuple[Touches, tuple[str, ...]], ...] = (
    (Touches.DNS, ("StubDomains", "DnsLoadBalancer", "CorednsPrimary", "FederatedDns", "FederatedDnsReader")),
    (Touches.DNS, ("PrivateZone", "ZoneWriter", "GoogleZone")),
    (Touches.CERTIFICATES, ("NodeSigner", "RegionAuthority", "MeshAuthority", "MeshRoot")),
    (Touches.NETWORK, ("NodeProxies", "MeshRegion", "MeshPolicies", "MeshReader", "LostMeshRegion")),
)
"""Whatever is in one of these components."""


def touches(step: Step) -> Touches:
    """What a change of this resource is about."""
    if step.type == "kubernetes:core/v1:ServiceAccount":
        return Touches.ACCESS
    chain = step.urn.split("::")[2]
    if step.type == CONFIG_MAP and ":index:CockroachRegion$" in chain:
        return Touches.NODES
    if step.type == SECRET:
        name = str((step.now.inputs.get("metadata") or {}).get("name", ""))
        secret = name.startswith(("cockroachdb-node", "cockroachdb-client-", "cockroachdb-signer"))
        return Touches.CERTIFICATES if secret else Touches.ACCESS
    for kind, components in _BY_COMPONENT:
        if any(f":{component}$" in chain for component in components):
            return kind
    if "Certificate" in step.type:
        return Touches.CERTIFICATES
    return next((kind for kind, starts in _BY_TYPE if step.type.startswith(starts)), Touches.OTHER)


def is_run(preview: Preview, step: Step) -> bool:
    """Whether it is a Job that runs once for each content, or what it reads: its end is nobody's loss."""
    return step.type == JOB or (step.type == CONFIG_MAP and preview.parent_type(step) in (RESTORE, DATABASES, BACKUP))


def counts(preview: Preview, step: Step) -> bool:
    """Whether it is an object somewhere, and not the engine's or the stack's own."""
    own = step.type in (GUARD, STACK) or step.type.startswith((PROVIDERS, _OWN))
    return step.now.custom and not own and not is_run(preview, step)


def regions(preview: Preview) -> list[str]:
    """Every region of the stack, before and after, in the config's order."""
    names = [
        region["name"]
        for record in (preview.after, preview.before)
        if record
        for region in record["topology"]["regions"]
    ]
    found = [step.name for step in preview.of(":index:CockroachRegion")]
    return list(dict.fromkeys([*names, *found]))


def region_of(step: Step, names: Iterable[str]) -> str:
    """The region whose name the resource's name begins with, the longest one; `EVERYWHERE` where there is none."""
    own = [name for name in names if step.name == name or step.name.startswith(f"{name}-")]
    return max(own, key=len, default=EVERYWHERE)


def states(record: object) -> dict[str, str]:
    """Region -> state, of a record."""
    if not isinstance(record, dict):
        return {}
    return {region["name"]: region["state"] for region in record["topology"]["regions"]}
