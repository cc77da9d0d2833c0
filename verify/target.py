"""What is to be verified, as plain values: the plan's regions that should work, and how to reach their API servers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from components.plan.amounts import milliseconds
from components.plan.defaults import HTTP_PORT, SQL_PORT
from components.plan.layout import hosts_per_zone
from components.plan.model import AddressPlan, NodePlan, Platform, RegionPlan, RegionSettings, RegionState, Settings
from components.strategies import strategy
from components.strategies.services import SERVICE

from .measurements import PodState

EXPECTED = (RegionState.ACTIVE, RegionState.DRAINING)
"""States of regions that have nodes to verify."""


@dataclass(frozen=True, slots=True)
class Node:
    """One CockroachDB node: its pod's name and the name (or address) other nodes reach it by."""

    pod: str
    name: str
    address: str | None
    """A literal IPv4 address where the strategy fixes one; None where `name` is to be resolved."""
    port: int = SQL_PORT
    """Where other nodes reach it at that name, for SQL and RPC."""
    http_port: int = HTTP_PORT
    unlocated: bool = False
    """Only run time knows its address, and nobody has asked yet (or its pod has none): `name` is the pod's alone."""

    @property
    def advertised(self) -> str:
        """`host:port`, as its fellow members know it."""
        return f"{self.name}:{self.port}"

    @property
    def ordinal(self) -> int:
        return int(self.pod.rsplit("-", 1)[1])


@dataclass(frozen=True, slots=True)
class Balancer:
    """One address of a load balancer that leads to any of a region's nodes."""

    kind: str
    """As in the plan: `sql`, or a word of the strategy's."""
    address: str


@dataclass(frozen=True, slots=True)
class Region:
    """One region that should be up (`active`) or may still be (`draining`)."""

    name: str
    namespace: str
    platform: str
    draining: bool
    dns_kind: str
    dns_zone: str
    dns_addresses: tuple[str, ...]
    balancers: tuple[Balancer, ...]
    """Where clients, and nodes that look for the cluster, are sent."""
    forwards: dict[str, tuple[str, ...]]
    zones: tuple[str, ...]
    """Empty: whatever zones the cluster's hosts are labelled with."""
    nodes: tuple[Node, ...]
    kubeconfig: Path | None
    context: str | None
    pods_routed: bool = True
    """Whether pods of other regions reach its own at the pods' addresses, and the strategy needs them to."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Kubernetes nodes that carry its nodes, and the name or address of the one there; empty: any, at pods' own."""

    def place(self, pod: PodState) -> str | None:
        """Where the node is that runs in a pod."""
        return self.hosts.get(pod.host or "") if self.hosts else pod.address

    @property
    def name_in_zone(self) -> str:
        """A name that who answers for its zone must know: its first node's, or that node's pod's, where a strategy on
        its way to another has nodes at addresses already.
        """
        node = self.nodes[0]
        return node.name if node.name.endswith(f".{self.dns_zone}") else f"{node.pod}.{SERVICE}.{self.dns_zone}"

    def servers_of(self, other: "Region") -> tuple[str, ...]:
        """Where this region's DNS asks for the other's names: by its own zone, or one that several regions are in."""
        return tuple(
            address
            for zone, addresses in self.forwards.items()
            if f".{other.dns_zone}".endswith(f".{zone}")
            for address in addresses
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A stack, as far as verification needs it."""

    strategy: str
    regions: tuple[Region, ...]
    left_out: dict[str, str]
    """Regions that are listed but not expected to work: name → state."""
    tools_image: str
    max_offset_ms: float
    unasked: frozenset[str] = frozenset()
    """`host:port` of nodes that are planned and live in regions that this run does not look at."""
    unasked_pods: tuple[IPv4Network, ...] = ()
    """Ranges of those regions' pods (or hosts, in whose networks they are), where only run time knows their nodes'
    addresses."""

    def region(self, name: str) -> Region:
        """The region called `name`. Raises KeyError."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)

    def pods_meet(self, source: Region, target: Region) -> bool:
        """Whether a pod of one may reach a pod of the other at its own address."""
        return source.name == target.name or (source.pods_routed and target.pods_routed)

    @property
    def unlocated(self) -> bool:
        """Whether the regions' API servers have to be asked where their nodes are."""
        return any(node.unlocated for region in self.regions for node in region.nodes)

    @property
    def expected_nodes(self) -> int:
        """Nodes that must be members: those of draining regions may have left."""
        return sum(len(region.nodes) for region in self.regions if not region.draining)


def from_stack(
    settings: Settings, plan: AddressPlan, base: Path, kubeconfig: Path | None = None, only: tuple[str, ...] = ()
) -> Target:
    """A target from a stack's settings and plan.

    Kubeconfig paths are relative to `base`; `kubeconfig` is for regions that name none, whose context is then the
    region's name. `only` limits the target to some regions. Raises KeyError for one of them that is not in the plan.
    """
    for name in only:
        plan.region(name)
    chosen = [region for region in plan.regions if not only or region.name in only]
    unasked = [region for region in plan.regions if region not in chosen and region.state in EXPECTED]
    by_name = {region.name: region for region in settings.regions}
    return Target(
        strategy=settings.strategy,
        regions=tuple(
            _region(settings.strategy, by_name[region.name], region, base, kubeconfig)
            for region in chosen
            if region.state in EXPECTED
        ),
        left_out={region.name: str(region.state) for region in chosen if region.state not in EXPECTED},
        tools_image=settings.cockroachdb.tools_image,
        max_offset_ms=milliseconds(settings.cockroachdb.max_offset),
        unasked=frozenset(
            advertised
            for region in unasked
            for advertised in (
                *(f"{host}:{SQL_PORT}" for host in region.hosts.values()),
                *(node.advertised for node in region.nodes),
            )
            if advertised is not None
        ),
        unasked_pods=tuple(
            _pods(settings.strategy, by_name[region.name])
            for region in unasked
            if not region.hosts and any(node.address is None for node in region.nodes)
        ),
    )


def located(target: Target, addresses: Mapping[str, Mapping[int, str | None]]) -> Target:
    """The target with what its regions' API servers say of their pods: region -> ordinal -> address, or a host's name.

    A node advertises that then, and it is the name its certificate has to hold. Nodes without a pod, and those that the
    plan knows by name, stay as they are.
    """

    def found(region: Region, node: Node) -> Node:
        address = addresses.get(region.name, {}).get(node.ordinal)
        if not node.unlocated or address is None:
            return node
        return replace(node, name=address, address=_literal(address), unlocated=False)

    return replace(
        target,
        regions=tuple(
            replace(region, nodes=tuple(found(region, node) for node in region.nodes)) for region in target.regions
        ),
    )


def _region(chosen: str, settings: RegionSettings, plan: RegionPlan, base: Path, kubeconfig: Path | None) -> Region:
    own = settings.kubeconfig is not None
    return Region(
        name=plan.name,
        namespace=plan.namespace,
        platform=str(plan.platform),
        draining=plan.state is RegionState.DRAINING,
        dns_kind=str(settings.dns_kind),
        dns_zone=plan.dns_zone,
        dns_addresses=plan.dns_addresses,
        balancers=tuple(
            Balancer(balancer.kind, address)
            for balancer in plan.balancers
            if balancer.pod is None and any(port.number == SQL_PORT for port in balancer.ports)
            for address in balancer.addresses
        ),
        forwards=dict(plan.forwards),
        zones=_zones(plan),
        nodes=tuple(_node(node) for node in plan.nodes if not node.draining),
        kubeconfig=base / settings.kubeconfig if settings.kubeconfig is not None else kubeconfig,
        context=settings.context if own else plan.name,
        # What the strategy has nobody call, the network need not let through.
        pods_routed=settings.pods_routed and strategy(chosen).pods_meet,
        hosts=dict(plan.hosts),
    )


def _zones(plan: RegionPlan) -> tuple[str, ...]:
    """Zones that have hosts. On EKS a zone in which no node was planned has none; its addresses lead to the others'."""
    if plan.platform is not Platform.EKS:
        return plan.zones
    hosts = hosts_per_zone(len(plan.nodes), len(plan.zones))
    return tuple(zone for zone, count in zip(plan.zones, hosts, strict=True) if count)


def _pods(chosen: str, settings: RegionSettings) -> IPv4Network:
    """Where pods of the database have their addresses."""
    return settings.node_cidr if strategy(chosen).pod_identity(settings).host_network else settings.pod_cidr


def _node(node: NodePlan) -> Node:
    return Node(
        pod=node.name.split(".", 1)[0],
        name=node.address or node.name,
        address=None if node.address is None else _literal(node.address),
        port=node.port,
        http_port=node.http_port,
        unlocated=node.address is None,
    )


def _literal(name: str) -> str | None:
    """The address that a name is, if it is one."""
    try:
        return str(IPv4Address(name))
    except ValueError:
        return None
