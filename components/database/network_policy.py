"""Who may talk to and from a region's namespace, rendered from plain values.

Addresses say who is elsewhere: another region's pods are no pods of this cluster. Selectors say who is here, for Cilium
(GKE's Dataplane V2) takes no address of a block for one of its own cluster's pods or nodes.
"""

from collections.abc import Sequence

from . import names
from .fragments import Manifest

API_PORTS = (443, 6443)
"""HTTPS: the API server by its Service and directly, and the object stores that backups go to."""
LINK_LOCAL = "169.254.0.0/16"
"""Node-local DNS caches and clouds' metadata servers."""
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Every namespace has it, with its own name; the API server sees to that."""

_NEIGHBOURS: Manifest = {"podSelector": {}}
"""Pods of the same namespace: the region's nodes, Jobs and probes."""
_CLUSTER: Manifest = {"namespaceSelector": {}}
"""Every pod of this cluster."""


def _tcp(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def port_ranges(ranges: Sequence[Sequence[int]]) -> list[Manifest]:
    """TCP, from the first to the last port of each."""
    return [{"protocol": "TCP", "port": first, **({"endPort": last} if last > first else {})} for first, last in ranges]


def _blocks(cidrs: Sequence[str]) -> list[Manifest]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in sorted(set(cidrs))]


def default_deny_spec() -> Manifest:
    """Every pod of the namespace: nothing in, nothing out, but for what another policy lets through."""
    return {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def database_spec(peer_cidrs: Sequence[str], client_cidrs: Sequence[str]) -> Manifest:
    """In: SQL and HTTP from every region's pods and nodes, and from clients.

    Kubelets' probes come from the pod's own node, which every network lets through.
    """
    return {
        "podSelector": {"matchLabels": names.selector_labels()},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [_CLUSTER, *_blocks([*peer_cidrs, *client_cidrs])],
                "ports": _tcp(names.RPC_PORT, names.HTTP_PORT),
            },
        ],
    }


def probe_spec(peer_cidrs: Sequence[str], balancer_cidrs: Sequence[str] = ()) -> Manifest:
    """For verification's probe pods: their exchanges with the other regions' probes, and the SQL load balancers."""
    spec: Manifest = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": names.VERIFY}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [_NEIGHBOURS, *_blocks(peer_cidrs)], "ports": _tcp(names.HTTP_PORT)}],
    }
    if balancer_cidrs:
        spec["policyTypes"].append("Egress")
        spec["egress"] = [{"to": _blocks(balancer_cidrs), "ports": _tcp(names.RPC_PORT)}]
    return spec


def egress_spec(
    peer_cidrs: Sequence[str],
    peer_ports: Sequence[Sequence[int]] = (),
    gateway_namespaces: Sequence[str] = (),
    *,
    to_hosts: bool = False,
) -> Manifest:
    """Out, for nodes and Jobs alike: names, other nodes, the API server and object stores, link-local services.

    `peer_ports`: [first, last] of further ranges in which nodes are dialled. `gateway_namespaces`: whose pods stand for
    nodes there. `to_hosts`: nodes are in their hosts' networks. Neither a selector nor, to Cilium, a block means a host
    of the own cluster: these ports are open to anywhere then. Such nodes themselves no policy holds.
    """
    gateways = [{"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: each}}} for each in gateway_namespaces]
    ports = [*_tcp(names.RPC_PORT, names.HTTP_PORT), *port_ranges(peer_ports)]
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {"ports": dns},
            {"ports": _tcp(*API_PORTS)},
            {
                **({} if to_hosts else {"to": [_NEIGHBOURS, *gateways, *_blocks(peer_cidrs)]}),
                "ports": ports,
            },
            {"to": _blocks([LINK_LOCAL])},
        ],
    }
