"""What the cloud models ask of the machine: control planes, hosts, cluster DNS, a network that follows the clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A control plane that a cloud runs for its customer."""

    key: str
    """The cluster's name in its cloud; no two clusters of a lab have the same."""
    platform: str
    """`gke` or `eks`."""
    location: str
    """The cloud's region."""
    version: str
    """The Kubernetes version that was asked for; empty: whatever the cloud gives."""
    service_cidr: str
    pod_cidr: str
    """GKE: the secondary range of the cluster's pods. EKS: the VPC's range, which hosts share."""
    node_cidr: str
    """GKE: the nodes' subnet. EKS: the VPC's range."""
    control_cidr: str | None
    """GKE: where the control plane has its private address."""
    subnets: tuple[str, ...]
    """Ranges of the subnets that the control plane is attached to."""
    zones: tuple[str, ...]
    network: str
    """The id of the network's record in the cloud's state."""
    public: bool = False
    """Whether the API server answers from outside of the network too."""
    authorized_cidrs: tuple[str, ...] = ()
    """Who may call the API server from outside."""
    node_local_dns: bool = False
    """Whether hosts have NodeLocal DNSCache."""
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One machine of a node pool or node group."""

    name: str
    zone: str
    subnet: str
    """The range that its address comes from."""
    pods: str
    """The range that its pods' range comes from."""
    labels: dict[str, str] = field(default_factory=dict[str, str])
    tags: tuple[str, ...] = ()
    """GCP's network tags, which firewall rules select by; AWS: the ids of its security groups."""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach an API server from the machine."""

    endpoint: str
    """host:port."""
    ca_certificate: str
    """PEM in base64."""


class Substrate(Protocol):
    """Everything here converges: called again with the same arguments, it changes nothing."""

    def start_cluster(self, spec: ClusterSpec) -> ClusterAccess:
        """Bring the control plane up and wait until its API is ready."""
        ...

    def stop_cluster(self, key: str) -> None:
        """End it and forget it; a cluster that isn't there is no error."""
        ...

    def set_hosts(self, key: str, pool: str, hosts: Sequence[HostSpec]) -> None:
        """Exactly these hosts in that pool of the cluster, and all of them ready; none empties the pool."""
        ...

    def set_dns(self, key: str, kind: str, corefile: str | None) -> None:
        """The cluster's DNS: `kube-dns`, `cloud-dns`, `coredns` with this Corefile (None: its own), or none (empty)."""
        ...

    def reshape(self) -> None:
        """Make the data plane follow both clouds' state; returns once it does. Concurrent calls share the work."""
        ...


NOWHERE = ClusterAccess("127.0.0.1:1", "bm9uZQo=")


class Nothing:
    """A substrate without a machine: for durations alone, and for tests of the models."""

    def start_cluster(self, spec: ClusterSpec) -> ClusterAccess:
        return NOWHERE

    def stop_cluster(self, key: str) -> None: ...

    def set_hosts(self, key: str, pool: str, hosts: Sequence[HostSpec]) -> None: ...

    def set_dns(self, key: str, kind: str, corefile: str | None) -> None: ...

    def reshape(self) -> None: ...
