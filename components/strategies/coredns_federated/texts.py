"""What the federated DNS servers read: a Corefile, and a kubeconfig per other cluster. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .names import CREDENTIALS_DIR, HEALTH_PORT, METRICS_PORT, READY_PORT


@dataclass(frozen=True, slots=True)
class Remote:
    """Another region, as far as the Corefile goes."""

    region: str
    """Its name, which is its namespace."""
    zone: str
    """Such as `us-east1.svc.cluster.local`."""
    cluster_domain: str
    """What of the zone every cluster of its kind has: the `kubernetes` plugin finds namespaces by it."""


def corefile(remotes: Sequence[Remote]) -> str:
    """A server block per other region's zone.

    - The plugin's zone is the whole cluster's domain, inside the block of one namespace of it; that namespace alone is
      shown.
    - `ready`: a server takes part once it knows every region; it is asked no more then, so that a remote API server
      that goes away takes no server away.
    - No `reload`: another Corefile comes with other pods, which take over once they know all. A reload would drop what
      is known of a cluster that is out of reach.
    - `health` may stand in one block only.
    """
    return "".join(
        f"{remote.zone}:53 {{\n"
        "    errors\n"
        + (f"    health :{HEALTH_PORT} {{\n        lameduck 5s\n    }}\n" if index == 0 else "")
        + f"    ready :{READY_PORT}\n"
        f"    prometheus :{METRICS_PORT}\n"
        f"    kubernetes {remote.cluster_domain} {{\n"
        f"        kubeconfig {CREDENTIALS_DIR}/{kubeconfig_file(remote.region)}\n"
        f"        namespaces {remote.region}\n"
        "        ttl 5\n"
        "    }\n"
        "}\n"
        for index, remote in enumerate(sorted(remotes, key=lambda each: each.zone))
    )


def kubeconfig(region: str, server: str) -> str:
    """A kubeconfig, as JSON, that names files beside it: the token is read again each minute, and so may change."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": region,
                    "cluster": {
                        "server": server,
                        "certificate-authority": f"{CREDENTIALS_DIR}/{authority_file(region)}",
                    },
                }
            ],
            "users": [{"name": region, "user": {"tokenFile": f"{CREDENTIALS_DIR}/{token_file(region)}"}}],
            "contexts": [{"name": region, "context": {"cluster": region, "user": region}}],
            "current-context": region,
        }
    )


def kubeconfig_file(region: str) -> str:
    """Name of a region's kubeconfig in the credentials' folder."""
    return f"{region}.kubeconfig"


def token_file(region: str) -> str:
    """Of its token."""
    return f"{region}.token"


def authority_file(region: str) -> str:
    """Of its API server's authority."""
    return f"{region}.crt"
