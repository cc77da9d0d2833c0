"""What regions call in each other, by the strategy's word, with the ranges that call it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.plan.balancers import API_SERVERS
from components.plan.model import AddressPlan, RegionPlan
from components.strategies import strategy

from ..arguments import LIVE


@dataclass(frozen=True, slots=True)
class OpenPort:
    """One port that other regions call."""

    protocol: str
    """`TCP` or `UDP`."""
    port: int
    sources: tuple[str, ...]
    """IPv4 ranges, of every region whose nodes run."""
    to: str
    """`pods`, `nodes`, or the kind of load balancer that they come by."""


def open_ports(plan: AddressPlan) -> list[OpenPort]:
    """The strategy's ports but for API servers'; their sources are ranges of pods, of hosts, or of both."""
    return [
        OpenPort(str(port.protocol), port.number, _ranges(plan, port.sources), port.to)
        for port in strategy(plan.strategy).ports()
        if port.to != API_SERVERS
    ]


def api_server_cidrs(plan: AddressPlan, name: str) -> list[str]:
    """Who of the other regions whose nodes run calls the API server of the region called `name`."""
    others = [region for region in plan.regions if region.state in LIVE and region.name != name]
    return list(dict.fromkeys(str(_range(each, source)) for each in others for source in plan.callers(API_SERVERS)))


def _ranges(plan: AddressPlan, sources: tuple[str, ...]) -> tuple[str, ...]:
    live = [region for region in plan.regions if region.state in LIVE]
    return tuple(dict.fromkeys(str(_range(region, source)) for region in live for source in sources))


def _range(region: RegionPlan, source: str) -> object:
    return {"pods": region.pod_cidr, "nodes": region.node_cidr}[source]
