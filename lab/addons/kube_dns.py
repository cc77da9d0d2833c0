"""kube-dns in the shape that GKE runs it: a watcher of the API on :10053 and dnsmasq before it under a nanny.

The watcher is CoreDNS, dnsmasq is Debian's, the nanny is `dnsmasq_nanny.py`; names, files and ConfigMap are kube-dns's.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.addons.common import Manifest, account, config_map, deployment, security, service
from lab.world import Region

WATCHER_IMAGE = "registry.k8s.io/dns/k8s-dns-kube-dns:1.26.4"
NANNY_IMAGE = "registry.k8s.io/dns/k8s-dns-dnsmasq-nanny:1.26.4"

PROBE = {"timeoutSeconds": 5, "failureThreshold": 5}


def watcher_config(domain: str) -> str:
    """What the watcher answers: the cluster's own names, and no others."""
    return f""".:10053 {{
    errors
    health :10054
    ready :8081
    kubernetes {domain} in-addr.arpa ip6.arpa {{
       pods insecure
       ttl 30
    }}
}}
"""


def objects(region: Region) -> Sequence[Manifest]:
    """All of kube-dns for one region. Its ConfigMap `kube-dns` is there and empty, as on a new GKE cluster."""
    watcher = {
        "name": "kubedns",
        "image": WATCHER_IMAGE,
        "command": ["/kube-dns"],
        "args": ["-conf", "/etc/kube-dns/Corefile"],
        "resources": {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "210Mi"}},
        "ports": [
            {"containerPort": 10053, "name": "dns-local", "protocol": "UDP"},
            {"containerPort": 10053, "name": "dns-tcp-local", "protocol": "TCP"},
        ],
        "livenessProbe": {"httpGet": {"path": "/health", "port": 10054}, "initialDelaySeconds": 60, **PROBE},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8081}, "periodSeconds": 3},
        "securityContext": security(),
        "volumeMounts": [{"name": "watcher-config", "mountPath": "/etc/kube-dns", "readOnly": True}],
    }
    local = "127.0.0.1#10053"
    nanny = {
        "name": "dnsmasq",
        "image": NANNY_IMAGE,
        "command": ["/dnsmasq-nanny"],
        "args": [
            "-configDir=/etc/k8s/dns/dnsmasq-nanny",
            "-restartDnsmasq=true",
            "--",
            "-k",
            "--cache-size=1000",
            "--no-negcache",
            "--dns-loop-detect",
            # Each keeps a process; hosts' DNS caches hold connections open, and dnsmasq's own limit is 20.
            "--max-tcp-connections=200",
            "--log-facility=-",
            f"--server=/{region.cluster_domain}/{local}",
            f"--server=/in-addr.arpa/{local}",
            f"--server=/ip6.arpa/{local}",
        ],
        "resources": {"requests": {"cpu": "150m", "memory": "20Mi"}},
        "ports": [
            {"containerPort": 53, "name": "dns", "protocol": "UDP"},
            {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
        ],
        "readinessProbe": {"tcpSocket": {"port": 53}, "periodSeconds": 3},
        "securityContext": security("NET_BIND_SERVICE", "SETGID", "SETUID", "CHOWN"),
        "volumeMounts": [
            {"name": "kube-dns-config", "mountPath": "/etc/k8s/dns/dnsmasq-nanny", "readOnly": True},
            {"name": "run", "mountPath": "/run"},
        ],
    }
    volumes = [
        {"name": "kube-dns-config", "configMap": {"name": "kube-dns", "optional": True}},
        {"name": "watcher-config", "configMap": {"name": "lab-kube-dns-watcher"}},
        {"name": "run", "emptyDir": {}},
    ]
    return (
        *account("kube-dns"),
        config_map("kube-dns", {}),
        config_map("lab-kube-dns-watcher", {"Corefile": watcher_config(region.cluster_domain)}),
        service(region),
        deployment("kube-dns", [watcher, nanny], volumes),
    )
