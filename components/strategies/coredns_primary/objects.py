"""The program's own DNS servers, rendered from plain values: two Deployments alike, and what asks them first.

`gateway` answers the other regions; nobody else depends on it, so that it is also where every new image and every new
configuration is tried. `primary` answers the cluster itself: its pods have the label by which the Service `kube-dns`
selects, whose address all pods and hosts know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...database import jobs
from ...database.fragments import READ_ONLY, Manifest
from ...network.cluster_dns import NAMESPACE, OURS
from ...network.dns_load_balancer import SELECTOR

NAME = "cockroachdb-coredns"
GATEWAY = f"{NAME}-gateway"
PRIMARY = f"{NAME}-primary"
CANARY = f"{NAME}-canary"
DEADLINE_SECONDS = 1800
"""For the other regions' servers to answer: their clusters may be being made."""

COREFILE = "Corefile"
_SCRIPTS = "/etc/canary"

RULES: list[Manifest] = [
    {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]
"""What CoreDNS's `kubernetes` plugin watches, with `pods insecure`."""


def labels(component: str) -> dict[str, str]:
    """Of an object of ours; its pods are selected by the first two."""
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": component, **OURS}


def selector(component: str) -> dict[str, str]:
    """Selects one Deployment's pods. Immutable: no setting reaches it."""
    return {key: value for key, value in labels(component).items() if key not in OURS}


def meta(name: str, component: str, annotations: Mapping[str, str] | None = None) -> Manifest:
    """Metadata of an object in kube-system."""
    return {"name": name, "namespace": NAMESPACE, "labels": labels(component), "annotations": dict(annotations or {})}


def deployment_meta(name: str, component: str) -> Manifest:
    """The same with the label by which a cluster's DNS Deployments are found."""
    return {**meta(name, component), "labels": {**labels(component), **SELECTOR}}


def service_spec() -> Manifest:
    """Where the canary asks the gateway's servers."""
    return {
        "type": "ClusterIP",
        "selector": selector("gateway"),
        "ports": [
            {"name": name, "port": 53, "protocol": protocol, "targetPort": 53}
            for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
        ],
    }


def budget_spec(component: str) -> Manifest:
    """One at a time may be evicted."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": selector(component)}}


def deployment_spec(component: str, config_map: str, corefile: str, image: str, replicas: int) -> Manifest:
    """`spec` of one of the two Deployments, with the configuration `corefile` in ConfigMap `config_map`.

    Another configuration makes other pods, one after the other: one that CoreDNS does not start with stops there.
    """
    pods = {**labels(component), **(SELECTOR if component == "primary" else {})}
    return {
        "replicas": replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": selector(component)},
        "template": {
            "metadata": {
                "labels": pods,
                "annotations": {"cockroachdb-multiregion/corefile": jobs.content_hash(corefile)},
            },
            "spec": {
                "priorityClassName": "system-cluster-critical",
                "serviceAccountName": NAME,
                # The host's resolv.conf, for all other names: the cluster's would lead back here.
                "dnsPolicy": "Default",
                "enableServiceLinks": False,
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "tolerations": [
                    {"key": "CriticalAddonsOnly", "operator": "Exists"},
                    {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
                ],
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": key,
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchLabels": selector(component)},
                    }
                    for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
                ],
                "containers": [_container(image)],
                "volumes": [{"name": "config", "configMap": {"name": config_map, "defaultMode": 0o444}}],
            },
        },
    }


def _container(image: str) -> Manifest:
    """As kubeadm has it; the image's own user, and the one capability that port 53 needs."""
    return {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", f"/etc/coredns/{COREFILE}"],
        "command": ["/coredns"],
        "resources": {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "256Mi"}},
        "ports": [
            {"containerPort": 53, "name": "dns", "protocol": "UDP"},
            {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
            {"containerPort": 9153, "name": "metrics", "protocol": "TCP"},
        ],
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": 8080},
            "initialDelaySeconds": 60,
            "timeoutSeconds": 5,
            "failureThreshold": 5,
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 3, "timeoutSeconds": 3},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }


def canary_job(scripts: str, image: str, inside: Sequence[str], outside: Sequence[str]) -> Manifest:
    """`spec` of the Job that asks the gateway's servers; `scripts`: the ConfigMap with its script.

    It finds their address in its environment, where Kubernetes puts every Service's: by name it would need some DNS.
    """
    address = f"{GATEWAY.upper().replace('-', '_')}_SERVICE_HOST"
    environment: Mapping[str, str] = {
        "SERVER": f"$({address})",
        "INSIDE": ",".join(inside),
        "OUTSIDE": ",".join(outside),
        "DEADLINE_SECONDS": str(DEADLINE_SECONDS - 300),
    }
    pod = jobs.JobPod(
        component="dns-canary",
        service_account=CANARY,
        deadline_seconds=DEADLINE_SECONDS,
        containers=[
            jobs.container(
                "canary",
                image,
                ["python3", f"{_SCRIPTS}/canary.py"],
                environment,
                [{"name": "scripts", "mountPath": _SCRIPTS, "readOnly": True}],
            )
        ],
        volumes=[{"name": "scripts", "configMap": {"name": scripts, "defaultMode": READ_ONLY}}],
    )
    spec = jobs.job_spec(pod)
    spec["template"]["spec"]["enableServiceLinks"] = True
    return spec
