"""`CockroachSettings` as component args: a plain dictionary that other languages can pass too."""

from typing import Any, NotRequired, TypedDict

import pulumi

from ..plan.model import CockroachSettings


class CockroachNodeArgs(TypedDict):
    """What one CockroachDB node is, the same in every region."""

    image: str
    """Full reference of the CockroachDB image."""
    tools_image: str
    """Full reference of a Python 3 image.

    The zone lookup and the Jobs' scripts run in it, with the standard library only.
    """
    cluster_name: str
    """`--cluster-name`: nodes of another name are refused."""
    cpu: str
    """CPU request of one node, a Kubernetes quantity. There is no limit: a throttled node misses heartbeats."""
    memory: str
    """Memory request and limit of one node, a Kubernetes quantity."""
    storage_size: str
    """One node's volume, a Kubernetes quantity. It may grow; it can't shrink."""
    storage_class: NotRequired[str]
    """StorageClass of the volumes; the cluster's default where missing. Fixed once a region exists."""
    cache: str
    """`--cache`: a fraction of the memory limit, or a size."""
    max_sql_memory: str
    """`--max-sql-memory`: a fraction of the memory limit, or a size."""
    max_offset: str
    """`--max-offset`: the clock offset that nodes tolerate, the same on every node."""
    termination_grace_period_seconds: int
    """How long a stopping node may drain, in seconds."""
    extra_flags: NotRequired[list[str]]
    """Further flags of `cockroach start`."""
    labels: NotRequired[dict[str, str]]
    """Further labels of the database's objects and pods."""
    environment: NotRequired[dict[str, str]]
    """Variables of the database container, over the program's own such as GOMAXPROCS."""
    pod_spec: NotRequired[dict[str, Any]]
    """Fields of the pod spec that say where pods run, as Kubernetes writes them; each replaces the program's whole."""


class KeyPairArgs(TypedDict):
    """A certificate and its private key, PEM."""

    certificate: pulumi.Input[str]
    """PEM, the leaf first."""
    private_key: pulumi.Input[str]
    """PEM; a secret."""


class MemberArgs(TypedDict):
    """Planned nodes of the cluster, as the health gate reaches them."""

    region: str
    """Region name."""
    host: str
    """DNS name or IP address that the node's certificate names."""
    nodes: NotRequired[int]
    """How many nodes there are behind it, of which one answers. Default 1."""
    instead: NotRequired[list[str]]
    """Further hosts: the first of all that answers will do."""
    rpc_port: NotRequired[int]
    """Where it is reached for SQL and RPC. Default: CockroachDB's own port."""
    http_port: NotRequired[int]
    """The same for HTTP."""


def node_args(settings: CockroachSettings) -> CockroachNodeArgs:
    """The args of every region's nodes."""
    args: CockroachNodeArgs = {
        "image": f"{settings.image}:{settings.version}",
        "tools_image": settings.tools_image,
        "cluster_name": settings.cluster_name,
        "cpu": settings.resources.cpu,
        "memory": settings.resources.memory,
        "storage_size": settings.storage.size,
        "cache": settings.cache,
        "max_sql_memory": settings.max_sql_memory,
        "max_offset": settings.max_offset,
        "termination_grace_period_seconds": settings.termination_grace_period_seconds,
        "extra_flags": list(settings.extra_flags),
        "labels": dict(settings.labels),
        "environment": dict(settings.environment),
        "pod_spec": dict(settings.pod_spec),
    }
    if settings.storage.storage_class is not None:
        args["storage_class"] = settings.storage.storage_class
    return args
