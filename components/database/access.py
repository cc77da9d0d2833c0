"""Who the nodes' pods are to the API server."""

from typing import TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import names


class NodeAccessArgs(TypedDict):
    """Where, and with which labels."""

    namespace: str
    """Namespace of the pods; also the prefix of the cluster-wide objects' names."""
    labels: dict[str, str]
    """Labels of every object."""


class NodeAccess(pulumi.ComponentResource):
    """A ServiceAccount that may read Kubernetes nodes and nothing else: a pod learns its zone from its node's label."""

    def __init__(self, name: str, args: NodeAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:NodeAccess", name, {}, opts)
        namespace, labels = args["namespace"], args["labels"]
        child = pulumi.ResourceOptions(parent=self)
        cluster_wide = f"{namespace}-{names.APP}-zone"
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": names.APP, "namespace": namespace, "labels": labels},
            automount_service_account_token=False,
            opts=child,
        )
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-zone",
            metadata={"name": cluster_wide, "labels": labels},
            rules=[{"api_groups": [""], "resources": ["nodes"], "verbs": ["get"]}],
            opts=child,
        )
        k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-zone",
            metadata={"name": cluster_wide, "labels": labels},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_wide},
            subjects=[{"kind": "ServiceAccount", "name": names.APP, "namespace": namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, role]),
        )
        self.register_outputs({})
