"""`istio`, pure side.

A node is a Service of its own, which every region's control plane knows and every region's sidecars resolve: through
the pod network where regions share one, else through the other region's east-west gateway, whose address is planned.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...plan.balancers import NODES, PODS
from ...plan.layout import REGION_PREFIX, cut
from ...plan.model import BalancerPlan, BalancerPort, Platform, Problem, RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import RUNNING
from ..base import CertificateSource, PodIdentity, Port, Protocols
from ..common import StrategyDefaults, first_nodes
from ..ports import API_PORT, POD_PORTS
from ..services import SERVICE, namespace_zone, service_names
from .options import of_region, read_region, read_stack

GATEWAY = "gateway"
"""The kind of load balancer in front of a region's east-west gateway."""
GATEWAY_HOST = 28
"""Its place in the balancer range: .16.28."""
GATEWAY_PORT = 15443
"""Where Istio's gateways take other networks' mutual TLS, by convention."""

NAMESPACE = "istio-system"
MEMBER_LABEL = "cockroachdb-multiregion.io/mesh"
"""Of namespaces that are the mesh's. Control planes look at no other, in no region."""
MEMBER = {MEMBER_LABEL: "member"}


class IstioPlan(StrategyDefaults):
    """See `components.strategies.base.Strategy` for what each method promises."""

    name = "istio"
    platforms = (Platform.EXISTING,)

    @property
    def pods_meet(self) -> bool:
        """No: a sidecar on either side carries what they say."""
        return False

    def stack_options(self, reader: Reader) -> object:
        """`version`, `repository`, `meshId`, `retain`."""
        return read_stack(reader)

    def region_options(self, reader: Reader) -> object:
        """`network`, `apiServer`, `credential`, `platform`, `cniBinDir`, `cniConfDir`."""
        return read_region(reader)

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """Networks that don't add up, cluster domains that differ, and a namespace that is the mesh's."""
        running = [(f"regions[{n}]", region) for n, region in enumerate(settings.regions) if region.state in RUNNING]
        yield from _networks(running)
        yield from _services(running)
        for path, region in running:
            if region.name == NAMESPACE:
                yield Problem(
                    f"{path}.name",
                    f"{NAMESPACE} is the namespace of the mesh's own; choose another name for the region",
                )
            if region.cluster_domain != running[0][1].cluster_domain:
                yield Problem(
                    f"{path}.dns.clusterDomain",
                    f"{region.cluster_domain}, but {running[0][0]} has {running[0][1].cluster_domain}: a control plane "
                    "takes every cluster's names for its own domain's; use one domain in all regions",
                )
            if of_region(region).network is not None and region.cidr.prefixlen > REGION_PREFIX:
                yield Problem(
                    f"{path}.cidr",
                    f"{region.cidr} has no place for the east-west gateway's load balancer, which takes "
                    f".16.{GATEWAY_HOST} of a range; give a /{REGION_PREFIX}, or leave strategyOptions.network out",
                )

    def node_address(self, region: RegionSettings, ordinal: int) -> str:
        """The node's own Service."""
        return f"{SERVICE}-{ordinal}.{namespace_zone(region)}"

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The first nodes of every running region."""
        return first_nodes(self, settings)

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...]:
        """The Services', and a wildcard for the nodes' own: one more node is no more names."""
        return (*service_names(region), f"*.{namespace_zone(region)}")

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """The east-west gateway's, in a region that names its network."""
        return () if of_region(region).network is None else (gateway_balancer(region),)

    def ports(self) -> tuple[Port, ...]:
        """Between pods of one network, sidecar to sidecar at the database's own ports; else to gateways.

        Control planes to API servers.
        """
        return (
            *POD_PORTS,
            Port("mesh", Protocols.TCP, GATEWAY_PORT, (PODS, NODES), GATEWAY),
            API_PORT,
        )

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """Advertises its Service; a sidecar, which injection adds by the namespace's label, carries what it says.

        `tcp`: by the ports' names a sidecar would read gRPC and HTTP, where there is TLS of the database's own.
        """
        return PodIdentity(
            advertise_host=f"$(POD_NAME).{namespace_zone(region)}",
            host_network=False,
            certificate_source=CertificateSource.PLANNED,
            own_service=True,
            app_protocol="tcp",
            namespace_labels={**MEMBER, "istio-injection": "enabled"},
        )


def gateway_balancer(region: RegionSettings) -> BalancerPlan:
    """In front of the region's east-west gateway."""
    address = str(cut(region.cidr).balancers[GATEWAY_HOST])
    return BalancerPlan(GATEWAY, GATEWAY, (address,), (BalancerPort("tls", "TCP", GATEWAY_PORT, 30443),))


def _services(running: list[tuple[str, RegionSettings]]) -> Iterator[Problem]:
    """A sidecar dials another region's Service by its address there: two of one address and port are one to it."""
    for place, (path, region) in enumerate(running):
        for earlier, other in running[:place]:
            if region.service_cidr.overlaps(other.service_cidr):
                yield Problem(
                    f"{path}.serviceCidr",
                    f"{region.service_cidr} overlaps {earlier}.serviceCidr ({other.service_cidr}): sidecars would take "
                    "Services of both for one; use clusters with ranges of their own, or another strategy",
                )


def _networks(running: list[tuple[str, RegionSettings]]) -> Iterator[Problem]:
    """A network is named everywhere or nowhere, and pods of one network reach each other."""
    named = [path for path, region in running if of_region(region).network is not None]
    for path, region in running:
        network = of_region(region).network
        if named and network is None:
            yield Problem(
                f"{path}.strategyOptions.network",
                f"missing, but {named[0]} names its network; name every region's, the same where pods reach each other",
            )
        sharing = [other for at, other in running if at != path and of_region(other).network == network]
        if not region.pods_routed and sharing:
            shared = f"{sharing[0].name} is on the same network" if network else "no region names its network"
            yield Problem(
                f"{path}.podsRouted",
                f"false, but {shared}: sidecars would dial its pods at their own addresses; "
                "give strategyOptions.network of its own to every region whose pods the others don't reach",
            )


STRATEGY = IstioPlan()
