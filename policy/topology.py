"""What has to be connected: the regions and ranges of the plan that the stack's address lock holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from components.plan.layout import hosts_per_zone
from components.plan.model import Platform
from components.plan.rules import RUNNING
from components.strategies import strategy
from components.strategies.base import Port

from .graph import Graph

LOCK = "pulumi-python:dynamic/multiregion:AddressLock"


@dataclass(frozen=True, slots=True)
class Balancer:
    """A region's internal load balancer: any of its addresses will do."""

    kind: str
    name: str
    addresses: tuple[IPv4Address, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """One region whose nodes run, on a cloud that the program made the network in."""

    name: str
    platform: Platform
    node_cidr: IPv4Network
    pod_cidr: IPv4Network
    balancers: tuple[Balancer, ...]
    zones: tuple[str, ...]
    nodes: int
    network_zone: str | None = None
    """`<namespace>.svc.<domain>`, where the region's nodes have names for the whole network; None: they need none."""
    private_zone: str | None = None
    """The zone of its cloud's own DNS that its nodes' names are in; None: they are in none."""

    def balancers_of(self, kind: str) -> tuple[Balancer, ...]:
        """Those of one kind."""
        return tuple(balancer for balancer in self.balancers if balancer.kind == kind)

    @property
    def hosts(self) -> Mapping[str, int]:
        """Zone -> machines planned in it."""
        return dict(zip(self.zones, hosts_per_zone(self.nodes, len(self.zones)), strict=True)) if self.zones else {}


@dataclass(frozen=True, slots=True)
class Topology:
    """All that the proof takes from the plan."""

    regions: tuple[Region, ...]
    unproved: tuple[str, ...]
    """Running regions on clusters that were there before: the program makes no network for them."""
    ports: tuple[Port, ...]
    allow_data_loss: bool


def topology(graph: Graph) -> Topology | None:
    """The plan in the graph; None where it holds no address lock, or one that is not known yet."""
    record = lock_record(graph)
    return None if record is None else from_record(record)


def lock_record(graph: Graph) -> Mapping[str, Any] | None:
    """What the address lock holds: `components.plan.lock.record`. None where there is no lock, or an unknown one."""
    for lock in graph.of(LOCK):
        text = lock.get("record")
        if isinstance(text, str):
            return json.loads(text)
    return None


def from_record(record: Mapping[str, Any]) -> Topology:
    """From `components.plan.lock.record`."""
    plan = record["topology"]
    chosen = strategy(plan["strategy"])
    running = [region for region in plan["regions"] if region["state"] in RUNNING]
    return Topology(
        regions=tuple(
            _region(region, chosen.network_names) for region in running if region["platform"] != Platform.EXISTING
        ),
        unproved=tuple(region["name"] for region in running if region["platform"] == Platform.EXISTING),
        ports=chosen.ports(),
        allow_data_loss=bool(record.get("allowDataLoss")),
    )


def _region(region: Mapping[str, Any], network_names: bool) -> Region:
    return Region(
        name=region["name"],
        platform=Platform(region["platform"]),
        node_cidr=IPv4Network(region["nodeCidr"]),
        pod_cidr=IPv4Network(region["podCidr"]),
        balancers=tuple(
            Balancer(each["kind"], each["name"], tuple(map(IPv4Address, each["addresses"])))
            for each in region["balancers"]
        ),
        zones=tuple(region["zones"]),
        nodes=len(region["nodes"]),
        network_zone=region["dnsZone"] if network_names else None,
        private_zone=region.get("privateZone"),
    )
