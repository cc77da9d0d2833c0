"""Who runs a region's Kubernetes cluster: one interface, `RegionalCluster`, one module per platform."""

import pulumi
import pulumi_kubernetes as k8s


class RegionalCluster(pulumi.ComponentResource):
    """A region's Kubernetes cluster, whoever runs it: what the rest of the program needs to know of one.

    A platform's class sets these and `_kubernetes` before it calls `register_outputs`.
    """

    kubeconfig: pulumi.Output[str]
    """Path of a kubeconfig file, relative to the project's folder; no credential."""
    context: pulumi.Output[str]
    """The cluster's context in it."""

    _kubernetes: k8s.Provider

    @property
    def provider(self) -> k8s.Provider:
        """The explicit provider for every object of this region."""
        return self._kubernetes
