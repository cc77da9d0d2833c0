"""What signs the certificates of a region's nodes."""

from typing import TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import jobs, names
from .fragments import (
    READ_ONLY,
    Manifest,
    api_mount,
    pod_security,
    scripts_mount,
    scripts_volume,
    service_account_token,
)
from .scripts import read_scripts
from .secrets import encoded
from .settings import CockroachNodeArgs, KeyPairArgs

LEAF_DAYS = 30
"""Lifetime of one node's certificate. Pods renew theirs in its last ten days (`scripts/certificate.py`)."""
REPLICAS = 2
"""One goes on while the host of the other is lost: a node that starts elsewhere needs a certificate at once."""


class NodeSignerArgs(TypedDict):
    """A region's signer."""

    namespace: str
    """Namespace of the nodes; also part of the signer's name and of the cluster-wide objects' names."""
    authority: KeyPairArgs
    """What signs: the region's own authority, which its name constraints hold to the region."""
    node: CockroachNodeArgs
    """What one node is."""


def signer_template(args: NodeSignerArgs) -> Manifest:
    """`spec.template` of the Deployment."""
    node = args["node"]
    environment = {
        "SIGNER_NAME": names.signer_name(args["namespace"]),
        "NAMESPACE": args["namespace"],
        "ACCOUNT": names.APP,
        "STATEFUL_SET": names.APP,
        "NAMES_FILE": f"{names.JOIN_DIR}/{names.NAMES_FILE}",
        "AUTHORITY_DIR": names.AUTHORITY_DIR,
        "LEAF_DAYS": str(LEAF_DAYS),
    }
    labels = names.job_labels("signer")
    apart = {"labelSelector": {"matchLabels": labels}, "topologyKey": names.HOST_LABEL}
    return {
        "metadata": {
            "labels": {**node.get("labels", {}), **labels},
            # A script that has changed is read by a new process only.
            "annotations": {"cockroachdb-multiregion/scripts": jobs.content_hash(read_scripts())},
        },
        "spec": {
            "serviceAccountName": names.SIGNER,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": pod_security(),
            "affinity": {
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": apart}]
                }
            },
            "containers": [
                jobs.container(
                    "signer",
                    node["tools_image"],
                    ["python3", f"{names.SCRIPTS_DIR}/signer.py"],
                    environment,
                    [
                        scripts_mount(),
                        jobs.join_mount(),
                        api_mount(),
                        {"name": "authority", "mountPath": names.AUTHORITY_DIR, "readOnly": True},
                    ],
                )
            ],
            "volumes": [
                scripts_volume(),
                jobs.join_volume(),
                service_account_token(),
                {"name": "authority", "secret": {"secretName": names.SIGNER, "defaultMode": READ_ONLY}},
                {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            ],
        },
    }


def cluster_rules(namespace: str) -> list[k8s.rbac.v1.PolicyRuleArgsDict]:
    """Requests are the whole cluster's; approving and signing is allowed for the one signer name only."""
    group = ["certificates.k8s.io"]
    return [
        {"api_groups": group, "resources": ["certificatesigningrequests"], "verbs": ["get", "list", "watch"]},
        {
            "api_groups": group,
            "resources": ["certificatesigningrequests/approval", "certificatesigningrequests/status"],
            "verbs": ["update"],
        },
        {
            "api_groups": group,
            "resources": ["signers"],
            "resource_names": [names.signer_name(namespace)],
            "verbs": ["approve", "sign"],
        },
    ]


def namespace_rules() -> list[k8s.rbac.v1.PolicyRuleArgsDict]:
    """Who a pod is, and whose."""
    return [
        {"api_groups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"api_groups": ["apps"], "resources": ["statefulsets"], "resource_names": [names.APP], "verbs": ["get"]},
    ]


class NodeSigner(pulumi.ComponentResource):
    """Signs for each pod of the region's StatefulSet a certificate that names its own address, and denies all else.

    The key of the region's authority is in the Secret of this Deployment, and in no pod of the database.
    """

    def __init__(self, name: str, args: NodeSignerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:NodeSigner", name, {}, opts)
        namespace = args["namespace"]
        labels = names.job_labels("signer")
        child = pulumi.ResourceOptions(parent=self)
        here = k8s.meta.v1.ObjectMetaArgs(name=names.SIGNER, namespace=namespace, labels=labels)
        everywhere = k8s.meta.v1.ObjectMetaArgs(name=f"{namespace}-{names.SIGNER}", labels=labels)
        api_group = "rbac.authorization.k8s.io"
        subjects: list[k8s.rbac.v1.SubjectArgsDict] = [
            {"kind": "ServiceAccount", "name": names.SIGNER, "namespace": namespace}
        ]
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata=here, automount_service_account_token=False, opts=child
        )
        roles = [
            k8s.rbac.v1.ClusterRole(
                f"{name}-requests", metadata=everywhere, rules=cluster_rules(namespace), opts=child
            ),
            k8s.rbac.v1.Role(f"{name}-pods", metadata=here, rules=namespace_rules(), opts=child),
        ]
        after = pulumi.ResourceOptions(parent=self, depends_on=[account, *roles])
        bindings = [
            k8s.rbac.v1.ClusterRoleBinding(
                f"{name}-requests",
                metadata=everywhere,
                role_ref={"api_group": api_group, "kind": "ClusterRole", "name": f"{namespace}-{names.SIGNER}"},
                subjects=subjects,
                opts=after,
            ),
            k8s.rbac.v1.RoleBinding(
                f"{name}-pods",
                metadata=here,
                role_ref={"api_group": api_group, "kind": "Role", "name": names.SIGNER},
                subjects=subjects,
                opts=after,
            ),
        ]
        secret = k8s.core.v1.Secret(
            f"{name}-authority",
            metadata=here,
            type="kubernetes.io/tls",
            data={
                "tls.crt": encoded(args["authority"]["certificate"]),
                "tls.key": encoded(args["authority"]["private_key"]),
            },
            opts=child,
        )
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=here,
            spec={
                "replicas": REPLICAS,
                "selector": {"match_labels": labels},
                "template": signer_template(args),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*bindings, secret]),
        )
        self.register_outputs({})
