"""Services in the graph, and which cluster each is in."""

from __future__ import annotations

from ipaddress import IPv4Address

from .graph import Graph, Resource

SERVICE = "kubernetes:core/v1:Service"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
PROVIDER = "pulumi:providers:kubernetes"


def in_region(graph: Graph, region: str, cluster: Resource) -> list[Resource]:
    """The Services of that cluster: its provider names the region, or has a kubeconfig made from the cluster."""
    return [service for service in graph.of(SERVICE) if _is_of(graph, service, region, cluster)]


def _is_of(graph: Graph, service: Resource, region: str, cluster: Resource) -> bool:
    if service.provider not in graph:
        return False
    provider = graph[service.provider]
    identifier = provider.get("clusterIdentifier")
    if isinstance(identifier, str) and identifier:
        return identifier == region
    return cluster.urn in provider.depends.get("kubeconfig", ())


def at(graph: Graph, address: IPv4Address) -> list[Resource]:
    """The Services that ask for that address."""
    return graph.holding(SERVICE, "spec.loadBalancerIP", str(address))


def offers(service: Resource, protocol: str, port: int) -> bool:
    """Whether the Service takes that."""
    return any(
        entry.get("port") == port and str(entry.get("protocol", "TCP")).lower() == protocol
        for entry in service.values("spec.ports.*")
        if isinstance(entry, dict)
    )
