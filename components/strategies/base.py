"""The one interface between a strategy (how nodes of different regions find and trust each other) and everything else.

A strategy states what it refuses, which zone each cluster's DNS answers for, what a node's address is and where that
is fixed, what certificates must say, what each cluster's DNS forwards, what the network must let through, and who a pod
is.
Its `plan` module is pure; its `resources` module is imported only when the strategy is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ..plan.balancers import PODS, balanced
from ..plan.model import BalancerPlan, DnsKind, Platform, Problem, RegionSettings, Settings
from ..plan.reader import Reader


class Protocols(StrEnum):
    """Transport of a port, in the words of Kubernetes."""

    TCP = "TCP"
    UDP = "UDP"


@dataclass(frozen=True, slots=True)
class Port:
    """One port that must be open from every region's `sources` to every other region's `to`."""

    name: str
    protocol: Protocols
    number: int
    """To API servers: that of the clusters which the program makes; others' addresses name their own."""
    sources: tuple[str, ...]
    """`pods`, `nodes` or both: NodeLocal DNSCache asks from the node's address."""
    to: str = PODS
    """`pods`, `nodes`, `api-servers`, or a kind of `BalancerPlan`."""
    last: int | None = None
    """Last number of a range that begins with `number`; None: that one port. Rules of clouds know single ports only."""

    @property
    def balanced(self) -> bool:
        """Whether callers come by a load balancer."""
        return balanced(self.to)


class CertificateSource(StrEnum):
    """Who signs a node's certificate."""

    PLANNED = "planned"
    """Names are known from the plan: signed once per region, before any pod, and mounted from a Secret."""
    APPROVED = "approved"
    """The address is known at run time only: a signer in the cluster approves each pod's own request."""


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """Who a pod is. `$(POD_NAME)` and `$(POD_IP)` in texts are the container's environment, expanded by Kubernetes."""

    advertise_host: str | None
    """Host part of `--advertise-addr`: the address other nodes dial, with which `certificate_names` must agree.

    None: each pod's own `node_address`, which no text that all pods share can say.
    """
    host_network: bool
    certificate_source: CertificateSource
    own_service: bool = False
    """Each pod has a Service of its own, with a cluster address and the pod's name, ready or not."""
    app_protocol: str | None = None
    """`appProtocol` of every Service's ports, for who would guess it of their names."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the region's namespace, beside the program's own."""


class Strategy(Protocol):
    """What every strategy's `plan` module offers as `STRATEGY`."""

    @property
    def name(self) -> str:
        """The config word."""
        ...

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Who may run its regions' clusters; regions on others are refused."""
        ...

    @property
    def pods_meet(self) -> bool:
        """Whether pods of different regions call each other at their own addresses, with nothing in between.

        Then pods have to be routed between regions, and a pod sees its caller's own address.
        """
        ...

    def stack_options(self, reader: Reader) -> object:
        """What this strategy reads of the config's `strategyOptions`: becomes `Settings.strategy_options`."""
        ...

    def region_options(self, reader: Reader) -> object:
        """What it reads of a region's `strategyOptions`: becomes `RegionSettings.strategy_options`."""
        ...

    @property
    def secret_options(self) -> tuple[str, ...]:
        """Paths under the config's `strategyOptions` whose values are secrets, such as `server.password`.

        They must be encrypted there, are never part of any options, and reach the resources as `Site.secrets`.
        """
        ...

    def settled_options(self, stack: object, region: object) -> object:
        """A region's options once the stack's are read too: what the methods below find in `strategy_options`."""
        ...

    def refuses(self, settings: Settings) -> Iterable[Problem]:
        """What of these settings the strategy cannot work with."""
        ...

    def cluster_dns(self, platform: Platform) -> DnsKind | None:
        """What is to answer DNS in clusters that the program makes; None: whatever the platform has by default."""
        ...

    def network_domain(self, region: RegionSettings) -> str | None:
        """The domain under which the cloud's own DNS is to show the region's pods to the whole network; None: nowhere.

        `<pod>.<headless Service>.<namespace>.svc.<domain>`, in every region of that network.
        """
        ...

    @property
    def network_names(self) -> bool:
        """Whether every region has such a domain, and is found by it."""
        ...

    def private_zone(self, settings: Settings, region: RegionSettings) -> str | None:
        """The zone with the region's names that a cloud's own DNS is to show to all of the stack's networks in it.

        None: there is none. What is in the zone is the strategy's to write.
        """
        ...

    @property
    def zone_key(self) -> str:
        """The region's config key that decides `dns_zone`, for messages."""
        ...

    def dns_zone(self, region: RegionSettings) -> str:
        """The zone whose names this region's DNS answers to other regions."""
        ...

    def node_address(self, region: RegionSettings, ordinal: int) -> str | None:
        """The host that other nodes dial to reach node `ordinal`; None where only run time knows."""
        ...

    def hosts(self, region: RegionSettings) -> Mapping[str, str]:
        """Kubernetes nodes that carry the region's nodes, one each, and the host that others dial to reach the one
        there, which then has no other address; empty where a pod may be anywhere.
        """
        ...

    def advertised_ports(self, region: RegionSettings, ordinal: int) -> tuple[int, int]:
        """Where, at its `node_address`, others reach node `ordinal`: for SQL and RPC, and for HTTP."""
        ...

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """`host:port` of a few nodes per region, the same list for every node and unchanged by scaling up."""
        ...

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...] | None:
        """Every name and address a node certificate of this region must hold; None where run time decides."""
        ...

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """Zone -> DNS servers that this region's DNS must ask; never its own zone.

        Where the platform leaves the whole text to the program (EKS), other people's stub domains are among them.
        """
        ...

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """The internal load balancers that other regions call; SQL's, which every region has, is not among them."""
        ...

    def service_annotations(self, region: RegionSettings) -> Mapping[str, str]:
        """Annotations of the headless Service, for what publishes the nodes' names outside of their cluster."""
        ...

    def ports(self) -> tuple[Port, ...]:
        """What the network must let through between regions."""
        ...

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Who this region's pods are."""
        ...

    @property
    def owns_dns_text(self) -> bool:
        """True: the clusters' whole DNS configuration is the strategy's, so other people's entries come from `dns`."""
        ...

    def gateway_namespaces(self, region: RegionSettings) -> tuple[str, ...]:
        """Namespaces of the region's own cluster, beside the database's, whose pods its nodes may dial for others.

        Policies have to name them: under Cilium no range of addresses stands for pods of the same cluster.
        """
        ...
