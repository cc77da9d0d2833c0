"""What a region gives the others: a credential that may read what its names are made of, and nothing else."""

import base64
from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import names
from .manifests import READER_RULES


class FederatedDnsReaderArgs(TypedDict):
    """Which credential is in force."""

    generation: int
    """Another number: a new token comes, and the old one goes at the end of the update, when nobody uses it."""


class FederatedDnsReader(pulumi.ComponentResource):
    """A ServiceAccount that may list and watch Services, endpoint slices and namespaces, and a token of it.

    The token does not expire: it ends with its Secret. Tokens that do would have to be asked for by something that
    holds a credential of every cluster, day and night; this program holds those only while it runs.
    """

    namespace: pulumi.Output[str]
    """The namespace of the federated DNS servers, once it is there."""
    token: pulumi.Output[str]
    """The credential; a secret."""
    ca_certificate: pulumi.Output[str]
    """Authority of the cluster's API server, PEM."""

    def __init__(self, name: str, args: FederatedDnsReaderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:FederatedDnsReader", name, {}, opts)
        own = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": names.NAMESPACE,
                "labels": {**names.labels(), "pod-security.kubernetes.io/enforce": "restricted"},
            },
            opts=own,
        )
        self.namespace = namespace.metadata.apply(lambda metadata: metadata.name or names.NAMESPACE)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": names.READER, "namespace": self.namespace, "labels": names.labels()},
            automount_service_account_token=False,
            opts=own,
        )
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-role",
            metadata={"name": names.CLUSTER_ROLE, "labels": names.labels()},
            rules=list(READER_RULES),
            opts=own,
        )
        binding = k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": names.CLUSTER_ROLE, "labels": names.labels()},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": names.CLUSTER_ROLE},
            subjects=[{"kind": "ServiceAccount", "name": names.READER, "namespace": names.NAMESPACE}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, role]),
        )
        generation = args["generation"]
        secret = k8s.core.v1.Secret(
            f"{name}-token-{generation}",
            metadata={
                "name": names.token_secret(generation),
                "namespace": self.namespace,
                "labels": names.labels(),
                "annotations": {"kubernetes.io/service-account.name": names.READER},
            },
            type="kubernetes.io/service-account-token",
            # The provider waits until the cluster has filled it in.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, binding]),
        )
        self.token = pulumi.Output.secret(secret.data.apply(lambda data: _decoded(data, "token")))
        self.ca_certificate = pulumi.Output.unsecret(secret.data.apply(lambda data: _decoded(data, "ca.crt")))
        self.register_outputs({"namespace": self.namespace, "token": self.token, "ca_certificate": self.ca_certificate})


def _decoded(data: Mapping[str, str] | None, key: str) -> str:
    """A value of a Secret that the cluster filled in. In a preview it may not have been yet."""
    value = (data or {}).get(key)
    if value:
        return base64.b64decode(value).decode()
    if pulumi.runtime.is_dry_run():
        return ""
    raise RuntimeError(
        f"the cluster has put no {key} into the Secret of the reader's token: does its controller manager have "
        "`--service-account-private-key-file` and `--root-ca-file`?"
    )
