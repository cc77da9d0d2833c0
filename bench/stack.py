"""Stack configs of any number of regions, shaped like the worked examples of `dev`, `gke` and `eks`."""

from typing import Any

GKE_REGIONS = """
    us-east1:bcd us-central1:abc us-west1:abc us-east4:abc us-south1:abc us-west2:abc us-west3:abc us-west4:abc
    us-east5:abc northamerica-northeast1:abc northamerica-northeast2:abc southamerica-east1:abc southamerica-west1:abc
    europe-west1:bcd europe-west2:abc europe-west3:abc europe-west4:abc europe-west6:abc europe-west8:abc
    europe-west9:abc europe-north1:abc europe-central2:abc europe-southwest1:abc asia-east1:abc asia-northeast1:abc
    asia-southeast1:abc asia-south1:abc australia-southeast1:abc
"""
"""Google Cloud regions and the letters of three of their zones."""

EKS_REGIONS = """
    us-east-1 us-east-2 us-west-2 us-west-1 ca-central-1 ca-west-1 mx-central-1 sa-east-1
    eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2
    ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4
    ap-south-1 ap-south-2 ap-east-1 af-south-1 me-central-1
"""
"""AWS regions. us-west-1 and others show an account two zones only; the modelled providers do not mind."""


QUOTAS = {
    "gke": {"peeringsPerNetwork": 100},
    "eks": {"peeringsPerVpc": 125, "rulesPerSecurityGroup": 200, "routesPerRouteTable": 1000},
}
"""As a project or account has them that runs 27 regions: with the defaults, the config is refused."""


def names(count: int, platform: str = "existing") -> list[str]:
    """As many regions as asked for: `region-01` and on, or the cloud's own names. Raises IndexError past the last."""
    if platform == "existing":
        return [f"region-{number:02}" for number in range(1, count + 1)]
    known = [word.partition(":")[0] for word in (GKE_REGIONS if platform == "gke" else EKS_REGIONS).split()]
    if count > len(known):
        raise IndexError(f"{platform}: {len(known)} regions are listed, {count} asked for")
    return known[:count]


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
        "databases": [_database(regions)],
    }


def cloud_config(platform: str, count: int, cloud: dict[str, Any] | None = None) -> dict[str, Any]:
    """`count` regions of `gke` or `eks`, three nodes in three zones each. `cloud`: further keys of `gcp` or `aws`."""
    regions = names(count, platform)
    settings: dict[str, Any] = {
        "authorizedCidrs": ["203.0.113.10/32"],
        "quotas": QUOTAS[platform],
        **(cloud or {}),
    }
    common = {
        "platform": platform,
        "regions": [{"name": name, "zones": zones(platform, name)} for name in regions],
        "databases": [_database(regions)],
    }
    if platform == "gke":
        return {**common, "gcp": {"project": "bench-123456", **settings}}
    return {**common, "aws": {"kubernetesVersion": "1.36", **settings}}


def zones(platform: str, region: str) -> list[str]:
    """Three zones of a cloud's region."""
    if platform == "eks":
        return [f"{region}{letter}" for letter in "abc"]
    letters = {name: letters for name, _, letters in (word.partition(":") for word in GKE_REGIONS.split())}[region]
    return [f"{region}-{letter}" for letter in letters]


def _database(regions: list[str]) -> dict[str, Any]:
    return {"name": "bank", "owner": "app", "primaryRegion": regions[0], "survive": "region"}
