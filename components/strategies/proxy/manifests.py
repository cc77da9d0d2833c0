"""The proxies' Kubernetes objects, rendered from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...plan.defaults import HTTP_PORT, SQL_PORT
from ...plan.model import BalancerPort
from .haproxy import FOLDER, HEALTH_PORT, command

Manifest = Any
"""Part of a Kubernetes object: JSON types, keys as Kubernetes writes them."""

NAME = "cockroachdb-proxy"
"""Of every object, and of the pods' label."""
REPLICAS = 2
"""On different hosts: one goes on while the other's host is lost or HAProxy is updated."""
USER_ID = 99
"""`haproxy` in the official image."""
DEREGISTER_SECONDS = 15
"""A proxy that is to stop goes on for so long: until load balancers and kube-proxies send nobody to it any more."""

LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "cockroachdb-multiregion"}
SELECTOR = {"app.kubernetes.io/name": NAME}
_EVERY_POD: Manifest = {"namespaceSelector": {}}
"""Of this cluster."""


def deployment_spec(image: str, node_selector: Mapping[str, str]) -> Manifest:
    """`spec` of the Deployment. HAProxy's file isn't in it: a new one is read without a restart."""
    return {
        "replicas": REPLICAS,
        # No third one beside them: there may be no third host.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "selector": {"matchLabels": SELECTOR},
        "template": {"metadata": {"labels": LABELS}, "spec": _pod(image, node_selector)},
    }


def _pod(image: str, node_selector: Mapping[str, str]) -> Manifest:
    pod: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2 * DEREGISTER_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"labelSelector": {"matchLabels": SELECTOR}, "topologyKey": "kubernetes.io/hostname"}
                ]
            }
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": SELECTOR},
            }
        ],
        "containers": [_container(image)],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }
    if node_selector:
        pod["nodeSelector"] = dict(node_selector)
    return pod


def _container(image: str) -> Manifest:
    healthy = {"httpGet": {"path": "/healthz", "port": "health"}}
    return {
        "name": "haproxy",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command(),
        "ports": [{"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
        "readinessProbe": {**healthy, "periodSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {**healthy, "periodSeconds": 10, "failureThreshold": 3},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(DEREGISTER_SECONDS)]}}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "config", "mountPath": FOLDER, "readOnly": True}],
    }


def service_spec(
    address: str, ports: Sequence[BalancerPort], client_cidrs: Sequence[str], load_balancer_class: str | None
) -> Manifest:
    """The load balancer in front of both proxies. `client_cidrs`: who may connect.

    Raises ValueError where nothing narrows who may connect.
    """
    if not client_cidrs:
        raise ValueError("the proxies need at least one client CIDR: without one they would answer everybody")
    spec: Manifest = {
        "type": "LoadBalancer",
        "loadBalancerIP": address,
        "loadBalancerSourceRanges": list(client_cidrs),
        # Only to hosts that have a proxy, whose policies the client's own address reaches.
        "externalTrafficPolicy": "Local",
        "selector": SELECTOR,
        "ports": [
            {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
            for port in ports
        ],
    }
    if load_balancer_class is not None:
        spec["loadBalancerClass"] = load_balancer_class
    return spec


def default_deny_spec() -> Manifest:
    """Every pod of the namespace: nothing in, nothing out, but for what the other policy lets through."""
    return {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def policy_spec(
    database: str, database_labels: Mapping[str, str], client_cidrs: Sequence[str], ranges: Sequence[tuple[int, int]]
) -> Manifest:
    """In: this cluster's pods and other regions', at the nodes' ports. Out: names, and the database's pods.

    `database`: their namespace. `ranges`: first and last of the nodes' ports.
    """
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    nodes = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": database}},
        "podSelector": {"matchLabels": dict(database_labels)},
    }
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in sorted(set(client_cidrs))]
    taken = [{"protocol": "TCP", "port": first, "endPort": last} for first, last in ranges]
    return {
        "podSelector": {"matchLabels": SELECTOR},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [_EVERY_POD, *blocks], "ports": taken},
            {"from": [_EVERY_POD], "ports": [{"protocol": "TCP", "port": HEALTH_PORT}]},
        ],
        "egress": [
            {"ports": dns},
            {"to": [nodes], "ports": [{"protocol": "TCP", "port": port} for port in (SQL_PORT, HTTP_PORT)]},
        ],
    }


def budget_spec() -> Manifest:
    """Never both at once."""
    return {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": SELECTOR},
    }
