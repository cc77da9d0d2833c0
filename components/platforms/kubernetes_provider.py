"""The explicit Kubernetes provider of a region's objects, the same on every platform."""

import json

import pulumi
import pulumi_kubernetes as k8s

NO_CLUSTER = json.dumps({"apiVersion": "v1", "kind": "Config"})
"""A kubeconfig that is valid and leads nowhere: what a lost region's provider gets, so that nothing is ever sent."""


def kubernetes_provider(
    name: str,
    region: str,
    kubeconfig: pulumi.Input[str],
    context: pulumi.Input[str],
    *,
    lost: bool,
    opts: pulumi.ResourceOptions,
) -> k8s.Provider:
    """The provider called `name` for the cluster of `region`, which is its `cluster_identifier`.

    So another path, endpoint, context or credential for the same region is an update of the provider, never a
    replacement of every object behind it. `lost`: it leads nowhere, and its objects leave the state without a call.
    """
    return k8s.Provider(
        name,
        kubeconfig=NO_CLUSTER if lost else kubeconfig,
        context=None if lost else context,
        cluster_identifier=region,
        enable_server_side_apply=True,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        delete_unreachable=lost,
        skip_update_unreachable=lost,
        opts=opts,
    )
