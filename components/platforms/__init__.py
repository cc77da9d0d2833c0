"""Who runs a region's Kubernetes cluster: one interface, `RegionalCluster`, one module per platform."""

import pulumi
import pulumi_kubernetes as k8s

from .balancing import Balancing
from .kubeconfig import server
from .place import Place


class RegionalCluster(pulumi.ComponentResource):
    """A region's Kubernetes cluster, whoever runs it: what the rest of the program needs to know of one.

    A platform's class sets these, `_kubernetes` and `_balancing`, and the others where they differ, before it calls
    `register_outputs`. What is no output for programs in other languages is a property.
    """

    kubeconfig: pulumi.Output[str]
    """Path of a kubeconfig file, relative to the project's folder, or the text of one. No credential is in the text."""
    context: pulumi.Output[str]
    """The cluster's context in it."""

    _kubernetes: k8s.Provider
    _balancing: Balancing
    _api_server: pulumi.Output[str] | None = None
    _storage_class: str | None = None
    _owns_dns_text: bool = False
    _place: Place | None = None

    @property
    def provider(self) -> k8s.Provider:
        """The explicit provider for every object of this region."""
        return self._kubernetes

    @property
    def balancing(self) -> Balancing:
        """How Services here get their planned addresses."""
        return self._balancing

    @property
    def storage_class(self) -> str | None:
        """Name of the StorageClass that the platform made for the nodes' volumes; None: the cluster's default."""
        return self._storage_class

    @property
    def api_server(self) -> pulumi.Output[str]:
        """URL of the API server, as pods of the other regions reach it. Default: as the kubeconfig says."""
        if self._api_server is not None:
            return self._api_server
        return pulumi.Output.all(self.kubeconfig, self.context).apply(_server)

    @property
    def place(self) -> Place | None:
        """Where in its cloud it is; None: nothing is known of where it runs (`existing`)."""
        return self._place

    @property
    def owns_dns_text(self) -> bool:
        """True: the cluster's whole DNS configuration is the platform's (EKS's coredns add-on), forwards included.

        Nothing else may write it.
        """
        return self._owns_dns_text


def _server(given: list[str]) -> str:
    """Of a kubeconfig and its context. The file may be missing at a first preview: nothing is known then."""
    try:
        return server(*given)
    except ValueError:
        if pulumi.runtime.is_dry_run():
            return ""
        raise
