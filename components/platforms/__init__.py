"""Who runs a region's Kubernetes cluster: one interface, `RegionalCluster`, one module per platform."""

import pulumi
import pulumi_kubernetes as k8s

from .balancing import Balancing


class RegionalCluster(pulumi.ComponentResource):
    """A region's Kubernetes cluster, whoever runs it: what the rest of the program needs to know of one.

    A platform's class sets these and `_kubernetes` before it calls `register_outputs`.
    """

    kubeconfig: pulumi.Output[str]
    """Path of a kubeconfig file, relative to the project's folder, or the text of one. No credential is in the text."""
    context: pulumi.Output[str]
    """The cluster's context in it."""
    balancing: Balancing
    """How Services here get their planned addresses."""
    storage_class: str | None
    """Name of the StorageClass that the platform made for the nodes' volumes; None: the cluster's default."""
    owns_dns_text: bool
    """True: the cluster's whole DNS configuration is the platform's (EKS's coredns add-on), forwards included; nothing
    else may write it."""

    _kubernetes: k8s.Provider

    @property
    def provider(self) -> k8s.Provider:
        """The explicit provider for every object of this region."""
        return self._kubernetes
