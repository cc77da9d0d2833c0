"""Platform `existing`: a cluster that is already there, named by a kubeconfig and a context."""

import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import RegionalCluster

NO_CLUSTER = json.dumps({"apiVersion": "v1", "kind": "Config"})
"""A kubeconfig that is valid and leads nowhere: what a lost region's provider gets, so that nothing is ever sent."""


class ExistingClusterArgs(TypedDict):
    """Where the cluster is."""

    kubeconfig: str
    """Path of a kubeconfig file. A relative path is seen from the project's folder, so that the state holds the same
    text on every machine; `~/` is the home of whoever runs the program. The file may be missing at a first preview."""
    context: str
    """The cluster's context in it."""
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
        lost = args.get("lost", False)
        self._kubernetes = k8s.Provider(
            f"{name}-kubernetes",
            kubeconfig=NO_CLUSTER if lost else args["kubeconfig"],
            context=None if lost else args["context"],
            cluster_identifier=name,
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            delete_unreachable=lost,
            skip_update_unreachable=lost,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.kubeconfig = pulumi.Output.from_input(args["kubeconfig"])
        self.context = pulumi.Output.from_input(args["context"])
        self.register_outputs({"kubeconfig": self.kubeconfig, "context": self.context})
