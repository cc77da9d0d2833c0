"""CoreDNS as kubeadm installs it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.addons.common import Manifest, account, config_map, deployment, security, service
from lab.world import Region

IMAGE = "registry.k8s.io/coredns/coredns:v1.15.0"


def corefile(domain: str) -> str:
    """The text that kubeadm writes for cluster domain `domain`."""
    return f""".:53 {{
    errors
    health {{
       lameduck 5s
    }}
    ready
    kubernetes {domain} in-addr.arpa ip6.arpa {{
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }}
    prometheus :9153
    forward . /etc/resolv.conf {{
       max_concurrent 1000
    }}
    cache 30 {{
       disable success {domain}
       disable denial {domain}
    }}
    loop
    reload
    loadbalance
}}
"""


def objects(region: Region, text: str | None = None) -> Sequence[Manifest]:
    """All of CoreDNS for one region, in the order to make it; `text` is its Corefile, unless kubeadm's will do."""
    container = {
        "name": "coredns",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/coredns"],
        "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}},
        "ports": [
            {"containerPort": 53, "name": "dns", "protocol": "UDP"},
            {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
            {"containerPort": 9153, "name": "metrics", "protocol": "TCP"},
        ],
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": 8080, "scheme": "HTTP"},
            "initialDelaySeconds": 60,
            "timeoutSeconds": 5,
            "failureThreshold": 5,
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181, "scheme": "HTTP"}, "periodSeconds": 3},
        "securityContext": security("NET_BIND_SERVICE"),
        "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    volume = {
        "name": "config-volume",
        "configMap": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]},
    }
    return (
        *account("coredns"),
        config_map("coredns", {"Corefile": text or corefile(region.cluster_domain)}),
        service(region),
        deployment("coredns", [container], [volume]),
    )
