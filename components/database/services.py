"""The Services of a region, rendered from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import names
from .fragments import Manifest

_PORTS: tuple[dict[str, Any], ...] = (
    {"name": "grpc", "port": names.RPC_PORT, "targetPort": "grpc", "protocol": "TCP"},
    {"name": "http", "port": names.HTTP_PORT, "targetPort": "http", "protocol": "TCP"},
)


@dataclass(frozen=True, slots=True)
class Balancer:
    """How an internal load balancer is asked for."""

    address: str
    """Planned address; the cluster's load balancer is asked for this one."""
    client_cidrs: Sequence[str]
    """Who may connect (`loadBalancerSourceRanges`). Empty would mean the whole world, so it is refused."""
    pod: str | None = None
    """The one pod behind it, ready or not. None: all of them."""
    unready: bool = False
    """Pods that aren't ready are behind it too."""
    load_balancer_class: str | None = None
    node_ports: Mapping[str, int] = field(default_factory=dict)
    """Port name -> port of every host: the address is a load balancer's that was made elsewhere and sends there."""
    health_check_node_port: int | None = None
    """Where the load balancer asks hosts whether they have a pod behind it. None: the cluster chooses."""


def with_protocol(spec: Manifest, app_protocol: str | None) -> Manifest:
    """The spec with `appProtocol` at each port, where there is one to say."""
    if app_protocol is None:
        return spec
    return {**spec, "ports": [{**port, "appProtocol": app_protocol} for port in spec["ports"]]}


def headless_spec() -> Manifest:
    """Gives each pod its name.

    Names must answer before pods are ready: nodes join, and `cockroach init` comes, before readiness.
    """
    return {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": names.selector_labels(),
        "ports": [dict(port) for port in _PORTS],
    }


def public_spec() -> Manifest:
    """For clients inside the cluster: any ready node of the region."""
    return {"type": "ClusterIP", "selector": names.selector_labels(), "ports": [dict(port) for port in _PORTS]}


def own_spec(pod: str) -> Manifest:
    """One pod's, at a cluster address. Ready or not: others join it before it is ready."""
    return {
        "type": "ClusterIP",
        "publishNotReadyAddresses": True,
        "selector": {**names.selector_labels(), names.POD_NAME_LABEL: pod},
        "ports": [dict(port) for port in _PORTS],
    }


def balancer_spec(balancer: Balancer) -> Manifest:
    """For clients in the same networks but outside the cluster.

    Raises ValueError where nothing narrows who may connect.
    """
    if not balancer.client_cidrs:
        raise ValueError("a load balancer needs at least one client CIDR: without one it would answer everybody")
    behind: Manifest = {"selector": names.selector_labels()}
    if balancer.pod is not None:
        behind["selector"] |= {names.POD_NAME_LABEL: balancer.pod}
    if balancer.pod is not None or balancer.unready:
        behind["publishNotReadyAddresses"] = True
    if balancer.node_ports:
        return {
            "type": "NodePort",
            "externalTrafficPolicy": "Cluster",
            **behind,
            "ports": [{**port, "nodePort": balancer.node_ports[port["name"]]} for port in _PORTS],
        }
    spec: Manifest = {
        "type": "LoadBalancer",
        "loadBalancerIP": balancer.address,
        "loadBalancerSourceRanges": list(balancer.client_cidrs),
        # Only to hosts that have a pod behind it, whom the client's own address reaches: a host's in its place would be
        # unknown to NetworkPolicies under Cilium, and to CockroachDB's logs and host-based authentication anywhere.
        "externalTrafficPolicy": "Local",
        **behind,
        "ports": [dict(port) for port in _PORTS],
    }
    if balancer.health_check_node_port is not None:
        spec["healthCheckNodePort"] = balancer.health_check_node_port
    if balancer.load_balancer_class is not None:
        spec["loadBalancerClass"] = balancer.load_balancer_class
    return spec
