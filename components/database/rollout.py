"""A region's turn in a rollout."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ..plan.defaults import MAX_DRAINING_NODES
from . import jobs, names
from .fragments import api_mount, scripts_mount, scripts_volume, service_account_token
from .settings import CockroachNodeArgs

SECONDS_PER_NODE = 1200
"""How long one node may take: its drain (the grace period, 300 s by default), its start, the repair of its ranges."""


class RolloutArgs(TypedDict):
    """What the region shall be when the rollout is over."""

    region: str
    """Name of the region."""
    namespace: str
    """Its namespace."""
    nodes: int
    """Its number of nodes, those that leave included."""
    draining_nodes: NotRequired[int]
    """The last so many are decommissioned: they are left alone, and their volumes go with them. Default 0."""
    node: CockroachNodeArgs
    """What one node is."""
    template_hash: str
    """`CockroachRegion.template_hash`, or any text that changes when the pods have to restart. Part of names."""
    strategy: str
    """The config's word: the way back from half a change leads to a template that has been rolled out before."""
    hosts: NotRequired[list[str]]
    """Kubernetes nodes that its pods belong on, and are moved to. Default: any."""


def rollout_key(args: RolloutArgs) -> str:
    """Changes exactly when there is something to do: another pod template, strategy or host, more nodes or fewer,
    larger volumes.
    """
    node = args["node"]
    draining = args.get("draining_nodes", 0)
    hosts = sorted(args.get("hosts", []))
    return jobs.content_hash(
        args["template_hash"],
        args["strategy"],
        args["nodes"],
        node["storage_size"],
        node.get("storage_class"),
        *hosts,
        *([{"draining": draining}] if draining else []),
    )


def beyond(nodes: int) -> list[str]:
    """The claims of nodes that may just have left a region of so many: the only ones that its rollout may delete."""
    return [f"{names.VOLUME}-{names.APP}-{ordinal}" for ordinal in range(nodes, nodes + MAX_DRAINING_NODES)]


def deadline_seconds(nodes: int) -> int:
    """How long a region's rollout may take."""
    return SECONDS_PER_NODE * max(nodes, 1)


def rollout_pod(args: RolloutArgs) -> jobs.JobPod:
    """The Job's pod."""
    node = args["node"]
    deadline = deadline_seconds(args["nodes"])
    hosts = args.get("hosts", [])
    return jobs.JobPod(
        component="rollout",
        service_account=names.ROLLOUT,
        labels=node.get("labels", {}),
        deadline_seconds=deadline,
        containers=[
            jobs.container(
                "rollout",
                node["tools_image"],
                ["python3", f"{names.SCRIPTS_DIR}/rollout.py"],
                {
                    "REGION": args["region"],
                    "NAMESPACE": args["namespace"],
                    "STATEFUL_SET": names.APP,
                    "NODES": str(args["nodes"]),
                    "DRAINING_NODES": str(args.get("draining_nodes", 0)),
                    "VOLUME": names.VOLUME,
                    "STORAGE_SIZE": node["storage_size"],
                    "STORAGE_CLASS": node.get("storage_class", ""),
                    "MEMBERS_FILE": f"{names.JOIN_DIR}/members.json",
                    "CA_FILE": f"{names.CERTS_DIR}/ca.crt",
                    "HTTP_PORT": str(names.HTTP_PORT),
                    "DEADLINE_SECONDS": str(deadline - 60),
                    **({"HOSTS": ",".join(hosts), "TEMPLATE": args["template_hash"]} if hosts else {}),
                },
                [scripts_mount(), jobs.join_mount(), jobs.authority_mount(), api_mount()],
            )
        ],
        volumes=[scripts_volume(), jobs.join_volume(), jobs.authority_volume(), service_account_token()],
    )


class Rollout(pulumi.ComponentResource):
    """Brings a region's pods to the StatefulSet's template, one at a time, while the whole cluster is healthy.

    A new region, or one with nothing to do, is only waited for. The volumes of nodes that were decommissioned and are
    gone are deleted once no range misses a replica. The caller chains regions by `depends_on`, so that
    never two of them roll at once.
    """

    job_name: pulumi.Output[str]
    """Name of the Job."""

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:Rollout", name, {}, opts)
        namespace = args["namespace"]
        labels = names.job_labels("rollout")
        child = pulumi.ResourceOptions(parent=self)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": names.ROLLOUT, "namespace": namespace, "labels": labels},
            automount_service_account_token=False,
            opts=child,
        )
        role = k8s.rbac.v1.Role(
            f"{name}-role",
            metadata={"name": names.ROLLOUT, "namespace": namespace, "labels": labels},
            rules=[
                {"api_groups": [""], "resources": ["pods"], "verbs": ["get", "list", "delete"]},
                {"api_groups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get", "list", "patch"]},
                {
                    "api_groups": [""],
                    "resources": ["persistentvolumeclaims"],
                    "resource_names": beyond(args["nodes"]),
                    "verbs": ["delete"],
                },
                {
                    "api_groups": ["apps"],
                    "resources": ["statefulsets"],
                    "resource_names": [names.APP],
                    "verbs": ["get"],
                },
            ],
            opts=child,
        )
        binding = k8s.rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata={"name": names.ROLLOUT, "namespace": namespace, "labels": labels},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": names.ROLLOUT},
            subjects=[{"kind": "ServiceAccount", "name": names.ROLLOUT, "namespace": namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, role]),
        )
        key = rollout_key(args)
        job = k8s.batch.v1.Job(
            f"{name}-{key}",
            metadata={
                "name": f"{names.ROLLOUT}-{key}",
                "namespace": namespace,
                "labels": labels,
                "annotations": jobs.REPLACE_UNREADY,
            },
            spec=jobs.job_spec(rollout_pod(args)),
            opts=jobs.job_options(
                self,
                deadline_seconds(args["nodes"]),
                depends_on=[binding],
                # The name says what is rolled out; the Job's own image or wording is no reason to do it again.
                ignore_changes=["spec"],
            ),
        )
        self.job_name = job.metadata.apply(lambda metadata: metadata.name or "")
        self.register_outputs({"job_name": self.job_name})
