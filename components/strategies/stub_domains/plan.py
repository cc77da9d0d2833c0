"""`stub-domains`, pure side.

A node is its pod's name in the region's own namespace, and each cluster's DNS forwards the other regions' zones to
their DNS load balancers, whose addresses are reserved in advance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...plan.balancers import dns_balancer
from ...plan.model import BalancerPlan, Problem, RegionSettings, Settings
from ..base import Port
from ..common import PodNames, extra_stub_domains, first_nodes, nested_zones, other_regions, takes_no_forwards
from ..ports import DNS_PORTS, POD_PORTS


class StubDomainsPlan(PodNames):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "stub-domains"

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """DNS that takes no forwards, and zones of which one is part of another."""
        yield from takes_no_forwards(settings)
        yield from nested_zones(self, settings)

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """The other running regions' zones; nothing for a region that is lost or removed."""
        others = {
            self.dns_zone(other): tuple(map(str, other.dns_addresses)) for other in other_regions(settings, region)
        }
        return {**others, **extra_stub_domains(settings, region)}

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """DNS, for the other regions' forwards."""
        return (dns_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and DNS."""
        return (*POD_PORTS, *DNS_PORTS)


STRATEGY = StubDomainsPlan()
