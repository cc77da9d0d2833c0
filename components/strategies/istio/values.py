"""Values of Istio's charts, and the objects beside them, rendered from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...plan.model import RegionSettings, Settings
from ...plan.rules import RUNNING
from .options import of_region, of_stack
from .plan import GATEWAY_PORT, MEMBER, gateway_balancer

Values = dict[str, Any]
"""Of a chart."""
Manifest = Any
"""Part of a Kubernetes object: JSON types, keys as Kubernetes writes them."""

GATEWAY = "istio-eastwestgateway"
"""Release, Deployment and Service of the east-west gateway."""
GATEWAY_LABELS = {"app": GATEWAY, "istio": "eastwestgateway"}
"""What selects its pods, as the chart makes it of the release's name."""
ISTIOD_PORT = 15012
"""Where sidecars ask their region's control plane for certificates and configuration."""


def base_values() -> Values:
    """`base`: the CRDs. The chart's own reader may read every Secret: the program has a smaller one."""
    return {"global": {"enableReaderRBAC": False}}


def cni_values(region: RegionSettings) -> Values:
    """`cni`: sets pods' redirection up on the host, so that pods may be as restricted as the database's are."""
    options = of_region(region)
    return {
        "global": _platform(region),
        "cniBinDir": options.cni_bin_dir,
        "cniConfDir": options.cni_conf_dir,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def istiod_values(settings: Settings, region: RegionSettings) -> Values:
    """`istiod`: the region's control plane."""
    options = of_region(region)
    return {
        "global": {
            **_platform(region),
            "meshID": of_stack(settings).mesh_id,
            "multiCluster": {"clusterName": region.name},
            "network": options.network or "",
            "meshNetworks": mesh_networks(settings),
            "enableReaderRBAC": False,
            "proxy": {"clusterDomain": region.cluster_domain},
        },
        "meshConfig": {
            # Without it, namespaces of one name would be one over all clusters, other people's too.
            "discoverySelectors": [{"matchLabels": dict(MEMBER)}],
            # Sidecars answer the names of every region's Services, which no cluster's DNS knows.
            "defaultConfig": {"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}},
        },
        "cni": {"enabled": True},
        "seccompProfile": {"type": "RuntimeDefault"},
        "autoscaleMin": 2,
        "env": {
            # Sidecars start before init containers, and end after the database and by themselves after Jobs.
            "ENABLE_NATIVE_SIDECARS": "true",
            # Other regions' Secrets are none of its business.
            "PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER": "false",
        },
    }


def gateway_values(network: str) -> Values:
    """`gateway`: the east-west gateway. Its Service is the program's own: the chart's has the control plane's ports."""
    return {
        "networkGateway": network,
        "service": {"type": "None"},
        "autoscaling": {"enabled": True, "minReplicas": 2},
        "podDisruptionBudget": {"minAvailable": 1},
        "labels": {**GATEWAY_LABELS, "istio.io/dataplane-mode": "none"},
    }


def mesh_networks(settings: Settings) -> Values:
    """Network -> the regions in it and the planned addresses of their gateways; empty where all regions share one."""
    networks: Values = {}
    for region in settings.regions:
        name = of_region(region).network
        if name is None or region.state not in RUNNING:
            continue
        network = networks.setdefault(name, {"endpoints": [], "gateways": []})
        network["endpoints"].append({"fromRegistry": region.name})
        network["gateways"] += [
            {"address": address, "port": GATEWAY_PORT} for address in gateway_balancer(region).addresses
        ]
    return networks


def gateway_service(address: str, client_cidrs: Sequence[str], load_balancer_class: str | None) -> Manifest:
    """`spec` of the gateway's Service: the one port that other networks' sidecars dial.

    Raises ValueError where nothing narrows who may connect.
    """
    if not client_cidrs:
        raise ValueError("a gateway needs at least one client CIDR: without one it would answer everybody")
    spec: Manifest = {
        "type": "LoadBalancer",
        "loadBalancerIP": address,
        "loadBalancerSourceRanges": list(client_cidrs),
        # To hosts that have a gateway only, which see the caller's own address.
        "externalTrafficPolicy": "Local",
        "selector": dict(GATEWAY_LABELS),
        "ports": [{"name": "tls", "port": GATEWAY_PORT, "targetPort": GATEWAY_PORT, "protocol": "TCP"}],
    }
    if load_balancer_class is not None:
        spec["loadBalancerClass"] = load_balancer_class
    return spec


def gateway_spec(zone: str) -> Manifest:
    """`spec` of the Gateway: who proves by TLS to be of the mesh reaches the database's Services, and no others."""
    server = {
        "port": {"number": GATEWAY_PORT, "name": "tls", "protocol": "TLS"},
        "tls": {"mode": "AUTO_PASSTHROUGH"},
        "hosts": [f"*.{zone}"],
    }
    return {"selector": {"istio": GATEWAY_LABELS["istio"]}, "servers": [server]}


def strict_spec() -> Manifest:
    """`spec` of the namespace's PeerAuthentication: sidecars take the mesh's mutual TLS only."""
    return {"mtls": {"mode": "STRICT"}}


def database_spec(labels: Mapping[str, str], ports: Sequence[int]) -> Manifest:
    """`spec` of the database's own PeerAuthentication.

    SQL's load balancer and its clients are outside the mesh. What they say is TLS of the database's own, which takes
    nothing else; between nodes both are worn, one in the other, for a sidecar wears the mesh's wherever it can.
    """
    return {
        "selector": {"matchLabels": dict(labels)},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {str(port): {"mode": "PERMISSIVE"} for port in ports},
    }


def sidecar_egress_spec(namespace: str, gateways: Sequence[str]) -> Manifest:
    """`spec` of a NetworkPolicy beside the database's: out to the region's control plane, and to other networks'
    gateways."""
    control_plane = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    rules: list[Manifest] = [{"to": [control_plane], "ports": [{"protocol": "TCP", "port": ISTIOD_PORT}]}]
    if gateways:
        blocks = [{"ipBlock": {"cidr": f"{address}/32"}} for address in gateways]
        rules.append({"to": blocks, "ports": [{"protocol": "TCP", "port": GATEWAY_PORT}]})
    return {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}


def _platform(region: RegionSettings) -> Values:
    platform = of_region(region).platform
    return {} if platform is None else {"platform": platform}
