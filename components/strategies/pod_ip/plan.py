"""`pod-ip`, pure side.

A node is its pod's own address, which it gossips; nobody knows it beforehand. What is planned is where nodes find the
cluster: an internal load balancer per region, for `--join` alone. Certificates are made at run time too: each pod asks
its region's signer for one that names its address.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...plan.balancers import join_balancer
from ...plan.model import BalancerPlan, Problem, RegionSettings, Settings
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port
from ..common import StrategyDefaults
from ..joining import join_addresses, without_room
from ..ports import JOIN_PORTS, POD_PORTS


class PodIpPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "pod-ip"

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Ranges without a place for the load balancer that nodes join through."""
        for index, region in enumerate(settings.regions):
            if region.state in RUNNING:
                yield from without_room(f"regions[{index}]", region)

    def node_address(self, region: RegionSettings, ordinal: int) -> None:
        """Another one after each restart: never guessed."""
        return

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The load balancers of every running region. Any address of one leads to all of its nodes."""
        return tuple(
            address for region in settings.regions if region.state in RUNNING for address in join_addresses(region)
        )

    def certificate_names(self, region: RegionSettings) -> None:
        """Made for each pod, at run time."""
        return

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """The one that nodes join through."""
        return (join_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and to the load balancers."""
        return (*POD_PORTS, *JOIN_PORTS)

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the address that the pod has now."""
        return PodIdentity(
            advertise_host="$(POD_IP)",
            host_network=False,
            certificate_source=CertificateSource.APPROVED,
        )


STRATEGY = PodIpPlan()
