"""Where in its cloud a cluster is: plain values that a platform states, for what has to be made beside the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True, slots=True)
class Place:
    """Resources of the cloud that are not the network's, and no part of the cluster, are made with this."""

    provider: pulumi.ProviderResource | None
    """The cloud's explicit provider; None: the default one, where another program made the cluster without."""
    location: str
    """The cloud's region."""
    network: pulumi.Input[str]
    """Id of the VPC that the cluster is in. Waits for no cluster."""
    cluster: pulumi.Output[str]
    """The cluster's name in the cloud; known once it is there."""
    project: pulumi.Input[str] | None = None
    """On Google Cloud: its project."""
    workload_pool: pulumi.Output[str] | None = None
    """On Google Cloud: the pool that identities of its pods are of, which is there once a cluster is."""
