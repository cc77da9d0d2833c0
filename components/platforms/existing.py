"""Platform `existing`: a cluster that is already there, named by a kubeconfig and a context."""

from typing import NotRequired, TypedDict

import pulumi

from . import RegionalCluster
from .balancing import Balancing
from .kubernetes_provider import kubernetes_provider


class ExistingClusterArgs(TypedDict):
    """Where the cluster is."""

    kubeconfig: str
    """Path of a kubeconfig file. A relative path is seen from the project's folder, so that the state holds the same
    text on every machine; `~/` is the home of whoever runs the program. The file may be missing at a first preview."""
    context: str
    """The cluster's context in it."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass` of load balancers. Default: the cluster's own."""
    load_balancer_annotations: NotRequired[dict[str, str]]
    """Annotations of load balancers' Services, where they are asked for by those."""
    lost: NotRequired[bool]
    """True: the cluster is gone. Its API server is never called again; its objects leave the state. Default false."""


class ExistingCluster(RegionalCluster):
    """A Kubernetes cluster that something else made.

    `cluster_identifier` is the component's name: another path, context or credential for the same region is an update
    of the provider, never a replacement of every object behind it.
    """

    kubeconfig: pulumi.Output[str]
    """Path of the kubeconfig file, as it was given."""
    context: pulumi.Output[str]
    """The cluster's context in it."""

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:ExistingCluster", name, {}, opts)
        self._kubernetes = kubernetes_provider(
            f"{name}-kubernetes",
            name,
            args["kubeconfig"],
            args["context"],
            lost=args.get("lost", False),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.kubeconfig = pulumi.Output.from_input(args["kubeconfig"])
        self.context = pulumi.Output.from_input(args["context"])
        self._balancing = Balancing(args.get("load_balancer_class"), args.get("load_balancer_annotations", {}))
        self.register_outputs({"kubeconfig": self.kubeconfig, "context": self.context})
