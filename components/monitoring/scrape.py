"""How Prometheus finds a region's nodes and trusts them, with its operator and without. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .alerts import JOB

PATH = "/_status/vars"
"""Needs no login. Everything else that a node has to say does, so Prometheus gets no certificate of its own."""
INTERVAL = "30s"
HTTP_PORT_NAME = "http"
DNS_METRICS_PORT = 9153
AUTHORITY_FILE = "cockroachdb-ca.crt"
"""Beside the plain scrape config: whom Prometheus trusts."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """A region's nodes, as targets."""

    cluster: str
    region: str
    namespace: str
    server_name: str
    """A name in every node's certificate: targets are addresses, which no certificate names."""


def service_monitor_spec(scraped: Scraped, authority: str) -> dict[str, Any]:
    """`spec` of a ServiceMonitor. `authority`: the ConfigMap with `ca.crt`, in the same namespace."""
    return {
        "selector": {"matchLabels": {"app.kubernetes.io/name": JOB}},
        "namespaceSelector": {"matchNames": [scraped.namespace]},
        "endpoints": [
            {
                "port": HTTP_PORT_NAME,
                "scheme": "https",
                "path": PATH,
                "interval": INTERVAL,
                "tlsConfig": {
                    "ca": {"configMap": {"name": authority, "key": "ca.crt"}},
                    "serverName": scraped.server_name,
                },
                "relabelings": [
                    # The region's Services share their labels, and all of them lead to the same pods.
                    {"action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": JOB},
                    *({"targetLabel": label, "replacement": value} for label, value in _labels(scraped).items()),
                    {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"},
                ],
            }
        ],
    }


def scrape_configs(scraped: Scraped, folder: str) -> list[dict[str, Any]]:
    """`scrape_configs` of a Prometheus in the region's own cluster: the nodes, and the cluster's DNS.

    `folder`: where it finds `AUTHORITY_FILE`. Its ServiceAccount may list and watch the pods of the two namespaces,
    no more.
    """
    labels = [{"target_label": label, "replacement": value} for label, value in _labels(scraped).items()]
    instance = {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "instance"}
    return [
        {
            "job_name": JOB,
            "scheme": "https",
            "metrics_path": PATH,
            "scrape_interval": INTERVAL,
            "tls_config": {"ca_file": f"{folder.rstrip('/')}/{AUTHORITY_FILE}", "server_name": scraped.server_name},
            "kubernetes_sd_configs": [_pods(scraped.namespace, f"app.kubernetes.io/name={JOB}")],
            "relabel_configs": [
                {
                    "action": "keep",
                    "source_labels": ["__meta_kubernetes_pod_label_app_kubernetes_io_component"],
                    "regex": "database",
                },
                _port_is(HTTP_PORT_NAME, by_name=True),
                *labels,
                instance,
            ],
        },
        {
            "job_name": "coredns",
            "scrape_interval": INTERVAL,
            "kubernetes_sd_configs": [_pods("kube-system", "k8s-app=kube-dns")],
            "relabel_configs": [_port_is(str(DNS_METRICS_PORT), by_name=False), *labels, instance],
        },
    ]


def static_scrape_config(scraped: Scraped, targets: Sequence[str], authority_file: str) -> dict[str, Any]:
    """The nodes by address, for a Prometheus that is in no cluster."""
    return {
        "job_name": JOB,
        "scheme": "https",
        "metrics_path": PATH,
        "scrape_interval": INTERVAL,
        "tls_config": {"ca_file": authority_file, "server_name": scraped.server_name},
        "static_configs": [{"targets": list(targets), "labels": _labels(scraped)}],
    }


def _labels(scraped: Scraped) -> dict[str, str]:
    return {"cluster": scraped.cluster, "region": scraped.region}


def _pods(namespace: str, selector: str) -> dict[str, Any]:
    return {
        "role": "pod",
        "namespaces": {"names": [namespace]},
        "selectors": [{"role": "pod", "label": selector}],
    }


def _port_is(port: str, *, by_name: bool) -> dict[str, Any]:
    label = "name" if by_name else "number"
    return {"action": "keep", "source_labels": [f"__meta_kubernetes_pod_container_port_{label}"], "regex": port}
