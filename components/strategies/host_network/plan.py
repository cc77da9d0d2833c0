"""`host-network`, pure side.

Nodes are in their hosts' networks, and a node is its host's address. Where the config lists a region's hosts, that is
all that the others need; where it does not, a node's address is known at run time only, and finding the cluster and
trusting a node work as they do with `pod-ip`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...plan.balancers import NODES, PODS, join_balancer
from ...plan.defaults import HTTP_PORT, JOIN_NODES_PER_REGION, SQL_PORT
from ...plan.model import BalancerPlan, Problem, RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols
from ..common import StrategyDefaults
from ..joining import join_addresses
from ..ports import JOIN_PORTS
from ..services import service_names
from .options import HostOptions, options, problems, read


class HostNetworkPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "host-network"

    def region_options(self, reader: Reader) -> HostOptions:
        """Which hosts."""
        return read(reader)

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Hosts that can't be what the config says of them."""
        return problems(settings)

    def node_address(self, region: RegionSettings, ordinal: int) -> None:
        """The scheduler chooses each pod's host."""
        return

    def hosts(self, region: RegionSettings) -> Mapping[str, str]:
        """The first of those listed: the others are spare."""
        return dict(list(options(region).hosts.items())[: region.nodes])

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first hosts of every running region; else its load balancer."""
        return tuple(
            address for region in settings.regions if region.state in RUNNING for address in self._joined_at(region)
        )

    def _joined_at(self, region: RegionSettings) -> tuple[str, ...]:
        first = list(self.hosts(region).values())[:JOIN_NODES_PER_REGION]
        return tuple(f"{host}:{SQL_PORT}" for host in first) or join_addresses(region)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...] | None:
        """The Services', and every host listed: one that comes into use brings no new certificate."""
        hosts = options(region).hosts
        return (*service_names(region), *hosts.values()) if hosts else None

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """One that nodes join through, where no host is known."""
        return () if options(region).hosts else (join_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """To hosts: from nodes, which are hosts, and from Jobs and probes, which are pods."""
        return (
            Port("sql", Protocols.TCP, SQL_PORT, (PODS, NODES), NODES),
            Port("http", Protocols.TCP, HTTP_PORT, (PODS, NODES), NODES),
            *JOIN_PORTS,
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises its host's address: the one listed, or the one that the host has."""
        listed = bool(options(region).hosts)
        return PodIdentity(
            advertise_host=None if listed else "$(POD_IP)",
            host_network=True,
            certificate_source=CertificateSource.PLANNED if listed else CertificateSource.APPROVED,
        )


STRATEGY = HostNetworkPlan()
