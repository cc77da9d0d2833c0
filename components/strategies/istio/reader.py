"""What a region gives to the other regions' control planes: the right to see where its pods and Services are."""

import json
from base64 import b64decode
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s
import yaml

from .plan import MEMBER, NAMESPACE

READER = "cockroachdb-multiregion-reader"
"""The ServiceAccount, its ClusterRole, and the prefix of its token's Secret."""
UNREAD = "https://kubeconfig-missing.invalid"
"""Stands for an API server whose kubeconfig is not there: at a first preview, before its cluster."""

RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("namespaces", "nodes", "pods", "services")),
    ("discovery.k8s.io", ("endpointslices",)),
    ("gateway.networking.k8s.io", ("gateways",)),
    ("apiextensions.k8s.io", ("customresourcedefinitions",)),
)
"""API group -> what a control plane watches in other clusters. No Secret and no ConfigMap is among it."""


class MeshReaderArgs(TypedDict):
    """Where the region is, and where it is reached."""

    region: str
    """Its name: the cluster's, in the mesh."""
    kubeconfig: pulumi.Input[str]
    """Path of the kubeconfig that reaches its cluster, or its text."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    api_server: NotRequired[str]
    """URL at which other regions reach its API server. Default: the kubeconfig's."""
    credential: int
    """Number of the token. Another number is another token: the others get it before the old one goes."""
    network: NotRequired[str]
    """The network's name, where it has one."""


class MeshReader(pulumi.ComponentResource):
    """The mesh's namespace, and in it an account with a token for the other regions' control planes."""

    namespace: pulumi.Output[str]
    """Name of the namespace, once it is there."""
    kubeconfig: pulumi.Output[str]
    """Text of a kubeconfig with the token in it: a secret."""

    def __init__(self, name: str, args: MeshReaderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:MeshReader", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = {**MEMBER, "pod-security.kubernetes.io/enforce": "baseline"}
        if "network" in args:
            labels["topology.istio.io/network"] = args["network"]
        home = k8s.core.v1.Namespace(f"{name}-namespace", metadata={"name": NAMESPACE, "labels": labels}, opts=child)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[home])
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": READER, "namespace": NAMESPACE},
            automount_service_account_token=False,
            opts=inside,
        )
        role = k8s.rbac.v1.ClusterRole(f"{name}-role", metadata={"name": READER}, rules=rules(), opts=child)
        k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": READER},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER},
            subjects=[{"kind": "ServiceAccount", "name": READER, "namespace": NAMESPACE}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, account]),
        )
        token = k8s.core.v1.Secret(
            f"{name}-token",
            metadata={
                "name": f"{READER}-{args['credential']}",
                "namespace": NAMESPACE,
                "annotations": {"kubernetes.io/service-account.name": READER},
            },
            type="kubernetes.io/service-account-token",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        server: pulumi.Output[str] = (
            pulumi.Output.from_input(args["api_server"])
            if "api_server" in args
            else pulumi.Output.all(args["kubeconfig"], args["context"]).apply(lambda given: server_of(*given))
        )
        self.namespace = home.metadata.apply(lambda metadata: metadata.name or NAMESPACE)
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(server, token.data).apply(partial(_kubeconfig, args["region"]))
        )
        self.register_outputs({"namespace": self.namespace, "kubeconfig": self.kubeconfig})


def rules() -> list[k8s.rbac.v1.PolicyRuleArgsDict]:
    """Of the ClusterRole."""
    return [
        {"api_groups": [group], "resources": list(resources), "verbs": ["get", "list", "watch"]}
        for group, resources in RULES
    ]


def server_of(kubeconfig: str, context: str) -> str:
    """URL of a context's API server. `kubeconfig`: a path, or the text. `UNREAD` where it names no such context."""
    text = kubeconfig
    if "\n" not in kubeconfig and not kubeconfig.lstrip().startswith("{"):
        try:
            text = Path(kubeconfig).expanduser().read_text(encoding="utf-8")
        except OSError:
            return UNREAD
    document = yaml.safe_load(text)
    clusters = {each["name"]: each["cluster"]["server"] for each in document.get("clusters") or []}
    contexts = {each["name"]: each["context"]["cluster"] for each in document.get("contexts") or []}
    return clusters.get(contexts.get(context, ""), UNREAD)


def remote_kubeconfig(name: str, server: str, token: str, ca_certificate: str) -> str:
    """What a control plane reads another region with. `ca_certificate`: base64 of PEM. JSON, which is YAML."""
    cluster = {"server": server, "certificate-authority-data": ca_certificate}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def _kubeconfig(name: str, made: list[Any]) -> str:
    server, data = made
    found: Mapping[str, str] = data or {}
    token = b64decode(found.get("token", "")).decode()
    return remote_kubeconfig(name, server, token, found.get("ca.crt", ""))
