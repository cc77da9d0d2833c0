"""Settings -> `AddressPlan`: everything about addresses that is fixed before any resource exists."""

from __future__ import annotations

from ..strategies import strategy
from ..strategies.base import Strategy
from .balancers import sql_balancer
from .model import AddressPlan, NodePlan, PortPlan, RegionPlan, RegionSettings, Settings
from .networks import links, networks
from .rules import RUNNING


def address_plan(settings: Settings) -> AddressPlan:
    """The plan of validated settings. Regions that are lost or removed keep their place, without nodes or forwards."""
    chosen = strategy(settings.strategy)
    return AddressPlan(
        strategy=settings.strategy,
        regions=tuple(_region_plan(chosen, settings, region) for region in settings.regions),
        join_addresses=chosen.join_addresses(settings),
        ports=tuple(
            PortPlan(port.name, str(port.protocol), port.number, port.last or port.number, port.sources, port.to)
            for port in chosen.ports()
        ),
        networks=networks(settings),
        links=links(settings),
    )


def _region_plan(chosen: Strategy, settings: Settings, region: RegionSettings) -> RegionPlan:
    count = region.nodes if region.state in RUNNING else 0
    return RegionPlan(
        name=region.name,
        namespace=region.name,
        platform=region.platform,
        state=region.state,
        cidr=region.cidr,
        node_cidr=region.node_cidr,
        pod_cidr=region.pod_cidr,
        service_cidr=region.service_cidr,
        dns_zone=chosen.dns_zone(region),
        balancers=(*chosen.balancers(region), sql_balancer(region)),
        zones=region.zones,
        nodes=tuple(
            NodePlan(
                f"cockroachdb-{n}",
                chosen.node_address(region, n),
                *chosen.advertised_ports(region, n),
                draining=n >= region.kept_nodes,
            )
            for n in range(count)
        ),
        forwards=chosen.forwards(settings, region),
        private_zone=chosen.private_zone(settings, region),
        certificate_names=chosen.certificate_names(region),
        hosts=chosen.hosts(region) if count else {},
    )
