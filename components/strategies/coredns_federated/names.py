"""Names and files of the federated DNS servers, said once. Pure."""

from __future__ import annotations

NAMESPACE = "cockroachdb-federated-dns"
"""Of its own: nobody else's pods there can mount the other clusters' credentials."""
SERVERS = "federated-dns"
"""The Deployment, its ServiceAccount, ConfigMap and disruption budget, and the Service of servers that know all."""
ANY_SERVER = "federated-dns-any"
"""The Service of all servers, also of those that lack a region."""
READER = "federated-dns-reader"
"""Whom other regions' servers are here: the ServiceAccount; its tokens' Secrets are `federated-dns-reader-<n>`."""
CLUSTER_ROLE = "cockroachdb-federated-dns-reader"
CREDENTIALS = "federated-dns-clusters"
"""The Secret with a kubeconfig, token and authority per other region."""

COREFILE_DIR = "/etc/coredns"
CREDENTIALS_DIR = "/etc/federated-dns"

DNS_PORT = 53
HEALTH_PORT = 8080
READY_PORT = 8181
METRICS_PORT = 9153


def labels() -> dict[str, str]:
    """On everything of this strategy."""
    return {"app.kubernetes.io/name": SERVERS, "app.kubernetes.io/part-of": "cockroachdb-multiregion"}


def token_secret(generation: int) -> str:
    """The Secret of the reader's token of one generation."""
    return f"{READER}-{generation}"
