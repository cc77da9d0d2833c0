"""`pod-ip`, pure side.

A node is its pod's own address, which it gossips; nobody knows it beforehand. What is planned is where nodes find the
cluster: an internal load balancer per region, for `--join` alone. Certificates are made at run time too: each pod asks
its region's signer for one that names its address.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...plan.balancers import JOIN, NODES, PODS, join_balancer
from ...plan.defaults import HTTP_PORT, SQL_PORT
from ...plan.layout import JOIN_HOST, REGION_PREFIX
from ...plan.model import BalancerPlan, Problem, RegionSettings, Settings
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols
from ..common import StrategyDefaults


class PodIpPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "pod-ip"

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Ranges without a place for the load balancer that nodes join through."""
        for index, region in enumerate(settings.regions):
            if region.state in RUNNING and region.cidr.prefixlen > REGION_PREFIX:
                yield Problem(
                    f"regions[{index}].cidr",
                    f"{region.cidr} has no place for the load balancer that nodes join through, which takes "
                    f".16.{JOIN_HOST} of a range; give a /{REGION_PREFIX}, or take another strategy",
                )

    def node_address(self, region: RegionSettings, ordinal: int) -> None:
        """Another one after each restart: never guessed."""
        return

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The load balancers of every running region. Any address of one leads to all of its nodes."""
        return tuple(
            f"{address}:{SQL_PORT}"
            for region in settings.regions
            if region.state in RUNNING
            for address in join_balancer(region).addresses
        )

    def certificate_names(self, region: RegionSettings) -> None:
        """Made for each pod, at run time."""
        return

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """The one that nodes join through."""
        return (join_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """Nodes to nodes, and to the load balancers; these from hosts too, which may stand in for their pods."""
        return (
            Port("sql", Protocols.TCP, SQL_PORT, (PODS,)),
            Port("http", Protocols.TCP, HTTP_PORT, (PODS,)),
            Port("join-sql", Protocols.TCP, SQL_PORT, (PODS, NODES), JOIN),
            Port("join-http", Protocols.TCP, HTTP_PORT, (PODS, NODES), JOIN),
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises the address that the pod has now."""
        return PodIdentity(
            advertise_host="$(POD_IP)",
            host_network=False,
            flags=(),
            certificate_source=CertificateSource.APPROVED,
        )


STRATEGY = PodIpPlan()
