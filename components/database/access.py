"""Who the nodes' pods are to the API server."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import names


class NodeAccessArgs(TypedDict):
    """Where, and with which labels."""

    namespace: str
    """Namespace of the pods; also the prefix of the cluster-wide objects' names."""
    labels: dict[str, str]
    """Labels of every object."""
    ask_for_certificates: NotRequired[bool]
    """Pods may make certificate signing requests and read them; whoever approves those decides. Default false."""


class NodeAccess(pulumi.ComponentResource):
    """A ServiceAccount that may read Kubernetes nodes: a pod learns its zone from its node's label.

    Where pods ask for certificates it may do that too, and nothing else.
    """

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
        rules: list[k8s.rbac.v1.PolicyRuleArgsDict] = [{"api_groups": [""], "resources": ["nodes"], "verbs": ["get"]}]
        if args.get("ask_for_certificates", False):
            rules.append(
                {
                    "api_groups": ["certificates.k8s.io"],
                    "resources": ["certificatesigningrequests"],
                    "verbs": ["create", "get"],
                }
            )
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-zone",
            metadata={"name": cluster_wide, "labels": labels},
            rules=rules,
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
