"""What both DNS servers have in common: the Service, the account, the shape of the Deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.world import Region

LABELS = {"k8s-app": "kube-dns"}
"""Clients and load balancers find any cluster's DNS by this label, CoreDNS too."""

Manifest = Mapping[str, Any]


def service(region: Region) -> Manifest:
    """The `kube-dns` Service at the cluster's DNS address."""
    return _service("kube-dns", {"clusterIP": region.cluster_dns})


def upstream_service(name: str) -> Manifest:
    """Another Service of the same pods, at any address."""
    return _service(name, {})


def _service(name: str, spec: Manifest) -> Manifest:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "kube-system", "labels": LABELS},
        "spec": {"selector": LABELS, **spec, "ports": ports},
    }


def account(name: str) -> Sequence[Manifest]:
    """A service account that may watch what DNS is made of."""
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "kube-system"}}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
    return (account, *grant(f"lab:{name}", rules, subject))


def grant(role: str, rules: Sequence[Manifest], subject: Manifest) -> Sequence[Manifest]:
    """A cluster role of these rules, and its binding to one subject."""
    group = "rbac.authorization.k8s.io"
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": role}
    return (
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": list(rules)},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role},
            "roleRef": reference,
            "subjects": [subject],
        },
    )


def deployment(name: str, containers: Sequence[Manifest], volumes: Sequence[Manifest]) -> Manifest:
    """Two replicas, on hosts of their own where there are several, replaced one at a time."""
    spread = {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 100,
                    "podAffinityTerm": {
                        "labelSelector": {"matchLabels": LABELS},
                        "topologyKey": "kubernetes.io/hostname",
                    },
                }
            ]
        }
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "kube-system", "labels": LABELS},
        "spec": {
            "replicas": 2,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "priorityClassName": "system-cluster-critical",
                    "serviceAccountName": name,
                    "dnsPolicy": "Default",
                    "affinity": spread,
                    "containers": list(containers),
                    "volumes": list(volumes),
                },
            },
        },
    }


def config_map(name: str, data: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kube-system"},
        "data": dict(data),
    }


def security(*capabilities: str) -> Manifest:
    """A container that may do nothing but what is named."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": list(capabilities)},
    }
