"""The federated DNS servers as Kubernetes objects' specs, rendered from plain values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import names

Manifest = Any
"""Part of a Kubernetes object: JSON types, keys as Kubernetes writes them."""

USER_ID = 65532
REPLICAS = 2
READER_RULES: Sequence[Manifest] = (
    {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
)
"""What the `kubernetes` plugin asks for, in the whole cluster: it shows one namespace, but watches all."""


def pod_template(image: str, stamp: str) -> Manifest:
    """A server. `stamp`: another one makes other pods, since neither file is read a second time."""
    return {
        "metadata": {"labels": names.labels(), "annotations": {"cockroachdb-multiregion/config": stamp}},
        "spec": {
            "serviceAccountName": names.SERVERS,
            "automountServiceAccountToken": False,
            # The host's resolver, for API servers with names: the cluster's own may come to ask here.
            "dnsPolicy": "Default",
            "enableServiceLinks": False,
            "topologySpreadConstraints": [_spread("kubernetes.io/hostname"), _spread("topology.kubernetes.io/zone")],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER_ID,
                "runAsGroup": USER_ID,
                "fsGroup": USER_ID,
                "seccompProfile": {"type": "RuntimeDefault"},
                "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
            },
            "containers": [_container(image)],
            "volumes": [
                {"name": "corefile", "configMap": {"name": names.SERVERS}},
                {"name": "clusters", "secret": {"secretName": names.CREDENTIALS, "defaultMode": 0o440}},
            ],
        },
    }


def deployment_spec(image: str, stamp: str) -> Manifest:
    """A new server comes before an old one goes, and the old one goes only once the new one knows every region."""
    return {
        "replicas": REPLICAS,
        "selector": {"matchLabels": names.labels()},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": pod_template(image, stamp),
    }


def service_spec(address: str, *, any_server: bool) -> Manifest:
    """`any_server`: also those that lack a region, whose other zones they answer all the same."""
    return {
        "type": "ClusterIP",
        "clusterIP": address,
        "selector": names.labels(),
        "publishNotReadyAddresses": any_server,
        "ports": [
            {"name": "dns", "protocol": "UDP", "port": names.DNS_PORT, "targetPort": names.DNS_PORT},
            {"name": "dns-tcp", "protocol": "TCP", "port": names.DNS_PORT, "targetPort": names.DNS_PORT},
        ],
    }


def network_policy_spec(api_ports: Sequence[int]) -> Manifest:
    """In: questions, and reads of the metrics from this cluster. Out: API servers, and names of theirs."""
    dns = [{"protocol": protocol, "port": names.DNS_PORT} for protocol in ("UDP", "TCP")]
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"ports": dns},
            {
                "from": [{"namespaceSelector": {}}],
                "ports": [{"protocol": "TCP", "port": names.METRICS_PORT}],
            },
        ],
        "egress": [
            {"ports": dns},
            {"ports": [{"protocol": "TCP", "port": port} for port in sorted(set(api_ports))]},
        ],
    }


def _container(image: str) -> Manifest:
    return {
        "name": "coredns",
        "image": image,
        "command": ["/coredns"],
        "args": ["-conf", f"{names.COREFILE_DIR}/Corefile"],
        "ports": [
            {"name": "dns", "containerPort": names.DNS_PORT, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": names.DNS_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": names.METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            # The program file asks for it: without it in the bounding set it can't be started.
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            "readOnlyRootFilesystem": True,
        },
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": names.HEALTH_PORT},
            "initialDelaySeconds": 60,
            "timeoutSeconds": 5,
            "failureThreshold": 5,
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": names.READY_PORT}, "periodSeconds": 3},
        "volumeMounts": [
            {"name": "corefile", "mountPath": names.COREFILE_DIR, "readOnly": True},
            {"name": "clusters", "mountPath": names.CREDENTIALS_DIR, "readOnly": True},
        ],
    }


def _spread(key: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": names.labels()},
        "matchLabelKeys": ["pod-template-hash"],
    }
