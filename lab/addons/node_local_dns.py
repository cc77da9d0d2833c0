"""NodeLocal DNSCache as a GKE cluster has it: on every host a CoreDNS that answers in place of the `kube-dns` Service.

It asks stub domains' servers by itself, over whichever of UDP and TCP it was asked, and leaves out those that don't
answer; kube-dns is asked for the cluster's own names, over TCP. `node_cache.py` does what the real image's program does
around its CoreDNS: blocks of stub domains as of kubernetes/dns 1.15.13 and later, which force no TCP.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.addons.common import Manifest, config_map, security, upstream_service
from lab.world import Region

IMAGE = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.4"
NAME = "node-local-dns"
UPSTREAM = "kube-dns-upstream"
LINK_LOCAL = "169.254.20.10"
HEALTH_PORT = 8080

OWN = {"k8s-app": NAME}


def corefile(region: Region) -> str:
    """The text before `node_cache.py` has put addresses into it and added stub domains."""
    bind = f"bind {LINK_LOCAL} {region.cluster_dns}"
    return f"""{region.cluster_domain}:53 in-addr.arpa:53 ip6.arpa:53 {{
    errors
    cache {{
        success 9984 30
        denial 9984 5
    }}
    reload
    loop
    {bind}
    forward . __PILLAR__CLUSTER__DNS__ {{
        force_tcp
    }}
    health {LINK_LOCAL}:{HEALTH_PORT}
}}
.:53 {{
    errors
    cache 30
    reload
    loop
    {bind}
    forward . __PILLAR__UPSTREAM__SERVERS__
}}
"""


def objects(region: Region) -> Sequence[Manifest]:
    """All of it for one region, beside kube-dns."""
    container = {
        "name": "node-cache",
        "image": IMAGE,
        "command": ["/node-cache"],
        "args": [f"-localip={LINK_LOCAL},{region.cluster_dns}", f"-upstreamsvc={UPSTREAM}"],
        "resources": {"requests": {"cpu": "25m", "memory": "5Mi"}},
        "readinessProbe": {
            "httpGet": {"host": LINK_LOCAL, "path": "/health", "port": HEALTH_PORT},
            "periodSeconds": 3,
            "timeoutSeconds": 5,
        },
        "securityContext": security("NET_ADMIN", "NET_BIND_SERVICE"),
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/coredns", "readOnly": True},
            {"name": "kube-dns-config", "mountPath": "/etc/kube-dns", "readOnly": True},
            {"name": "run", "mountPath": "/run"},
        ],
    }
    template = {
        "metadata": {"labels": OWN},
        "spec": {
            "serviceAccountName": NAME,
            "priorityClassName": "system-node-critical",
            "hostNetwork": True,
            "dnsPolicy": "Default",
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 10,
            "containers": [container],
            "volumes": [
                {"name": "config", "configMap": {"name": NAME}},
                {"name": "kube-dns-config", "configMap": {"name": "kube-dns", "optional": True}},
                {"name": "run", "emptyDir": {}},
            ],
        },
    }
    return (
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": NAME, "namespace": "kube-system", "labels": OWN},
        },
        upstream_service(UPSTREAM),
        config_map(NAME, {"Corefile": corefile(region)}),
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": NAME, "namespace": "kube-system", "labels": OWN},
            "spec": {
                "selector": {"matchLabels": OWN},
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
                "template": template,
            },
        },
    )
