"""Stack configs of any number of regions, shaped like `Pulumi.dev.yaml`."""

from typing import Any


def names(count: int) -> list[str]:
    """`region-01` and on: as many as asked for."""
    return [f"region-{number:02}" for number in range(1, count + 1)]


def config(count: int, kubeconfig: str = "no/such/kubeconfig") -> dict[str, Any]:
    """Three nodes in three zones per region, CoreDNS and kube-dns in turn, one database over all of them."""
    regions = names(count)
    return {
        "regions": [
            {
                "name": name,
                "zones": [f"{name}-{zone}" for zone in "abc"],
                "kubeconfig": kubeconfig,
                "context": name,
                "dns": {"kind": "coredns" if place % 3 else "kube-dns"},
            }
            for place, name in enumerate(regions, 1)
        ],
        "cockroachdb": {"resources": {"cpu": "100m", "memory": "512Mi"}, "storage": {"size": "1Gi"}},
        "databases": [{"name": "bank", "owner": "app", "primaryRegion": regions[0], "survive": "region"}],
    }
