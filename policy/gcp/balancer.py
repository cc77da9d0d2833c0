"""A Service's internal load balancer on GKE: whether it answers a region, and at the planned address."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from .. import kubernetes
from ..findings import Failure, Flow
from ..graph import UNKNOWN, Graph, Resource
from ..ranges import covered, host, listing, networks, uncovered
from . import kinds
from .firewall import health_checked
from .site import Site, ranges

PROXY_HEALTH_PORT = 10256
"""Where hosts answer for a Service that any of them may take."""
PREFIX = "networking.gke.io/"
SHARED = "SHARED_LOADBALANCER_VIP"


def answers(graph: Graph, site: Site, flow: Flow, address: IPv4Address, *, same_location: bool) -> Iterator[Failure]:
    """What keeps `address` from answering the flow. `same_location`: the packets enter the network beside it."""
    services = kubernetes.at(graph, address)
    taking = [service for service in services if kubernetes.offers(service, flow.protocol, flow.port)]
    if not taking:
        yield Failure(
            "load balancer",
            f"no Service asks for {address} with {flow.protocol}/{flow.port}; declare one of type LoadBalancer",
        )
        return
    service = taking[0]
    yield from _asked_for(service, same_location=same_location)
    yield from _source_ranges(service, flow)
    yield from _subnet(graph, site, service, address)
    if len(services) > 1:
        yield from _shared(graph, address, services)
    yield from health_checked(graph, site, _health_check_port(service))


def _health_check_port(service: Resource) -> int:
    """Where hosts are asked for their health; 0, for any, where the cluster chooses the port."""
    if service.get("spec.externalTrafficPolicy") != "Local":
        return PROXY_HEALTH_PORT
    port = service.get("spec.healthCheckNodePort")
    return int(port) if isinstance(port, int | float) else 0


def _asked_for(service: Resource, *, same_location: bool) -> Iterator[Failure]:
    if service.get("spec.type") != "LoadBalancer":
        yield Failure("load balancer", f"{service.label} is not of type LoadBalancer", service.urn)
    notes = service.get("metadata.annotations") or {}
    if notes is UNKNOWN:
        return
    kind = notes.get(f"{PREFIX}load-balancer-type", notes.get("cloud.google.com/load-balancer-type"))
    if kind != "Internal":
        yield Failure(
            "load balancer",
            f'{service.label} lacks the annotation {PREFIX}load-balancer-type: "Internal" and would be public',
            service.urn,
        )
    if not same_location and notes.get(f"{PREFIX}internal-load-balancer-allow-global-access") != "true":
        yield Failure(
            "global access",
            f"{service.label} answers its own region only; annotate it with "
            f'{PREFIX}internal-load-balancer-allow-global-access: "true"',
            service.urn,
        )


def _source_ranges(service: Resource, flow: Flow) -> Iterator[Failure]:
    let_in = networks(service.texts("spec.loadBalancerSourceRanges"))
    left = uncovered(flow.sources, let_in) if let_in else ()
    if left:
        yield Failure(
            "source ranges",
            f"{service.label} is not open to {listing(left)}; add it to loadBalancerSourceRanges",
            service.urn,
        )


def _subnet(graph: Graph, site: Site, service: Resource, address: IPv4Address) -> Iterator[Failure]:
    holding = [subnet for subnet in site.subnets if covered(host(address), ranges((subnet,)))]
    if not holding:
        yield Failure(
            "subnet",
            f"no subnetwork of {site.network.label} there holds {address}; declare the load balancers' one",
            site.network.urn,
        )
        return
    notes = service.get("metadata.annotations")
    asked = notes.get(f"{PREFIX}internal-load-balancer-subnet") if isinstance(notes, dict) else None
    names = {name for subnet in holding for name in subnet.texts("name")}
    if isinstance(asked, str) and names and asked not in names:
        yield Failure(
            "subnet",
            f"{service.label} takes its address from subnetwork {asked}, but {address} is in {listing(sorted(names))}",
            service.urn,
        )


def _shared(graph: Graph, address: IPv4Address, services: list[Resource]) -> Iterator[Failure]:
    """Two Services get one address only where it is reserved for that."""
    reserved = graph.holding(kinds.ADDRESS, "address", str(address))
    if not reserved:
        yield Failure(
            "reserved address",
            f"{listing(service.name for service in services)} share {address}, which nothing reserves; declare an "
            f"Address with it and purpose {SHARED}",
        )
    elif reserved[0].get("purpose") != SHARED:
        yield Failure(
            "reserved address",
            f"{reserved[0].label} has purpose {reserved[0].get('purpose')!r}; Services share one only with {SHARED}",
            reserved[0].urn,
        )
