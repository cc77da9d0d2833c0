"""Random configs that are valid, for properties of the plan."""

from typing import Any

from hypothesis import strategies as st

STATES = ("active", "draining", "lost", "removed")
PLATFORMS = ("existing", "gke", "eks")

GKE_LOCATIONS = ("us-east1", "us-central1", "us-west1", "europe-west1", "asia-northeast1", "me-central2")
EKS_LOCATIONS = ("us-east-1", "us-east-2", "eu-central-1", "ap-southeast-2", "us-gov-west-1", "sa-east-1")

ROOMY = {"elasticIpsPerRegion": 100, "vpcsPerRegion": 100, "rulesPerSecurityGroup": 150, "vpnConnectionsPerGateway": 50}
"""Quotas that no small config exceeds: any number of its regions may be in one location."""

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,14}[a-z0-9])?", fullmatch=True).filter(
    lambda name: not name.startswith("kube-") and name != "default"
)


@st.composite
def regions(
    draw: st.DrawFn, name: str, index: int, state: str | None = None, platform: str | None = None
) -> dict[str, Any]:
    """One region. Half of them state a range: 172.16.0.0/12 or 100.64.0.0/10 by place, so that none is taken twice."""
    region: dict[str, Any] = {
        "name": name,
        "nodes": draw(st.integers(1, 7)),
        "state": state or draw(st.sampled_from(STATES)),
        "platform": platform or draw(st.sampled_from(PLATFORMS)),
    }
    if draw(st.booleans()):
        region["cidr"] = f"172.{16 + index}.0.0/16"
    if region["platform"] != "existing":
        return region | draw(_made(region["platform"]))
    region |= {
        "dns": {"kind": draw(st.sampled_from(["coredns", "kube-dns"]))},
        "kubeconfig": "kubeconfig",
        "context": name,
    }
    if draw(st.booleans()):
        region["podCidr"] = f"100.{64 + index}.0.0/{draw(st.integers(16, 24))}"
    if draw(st.booleans()):
        second = region["cidr"].split(".")[1] if "cidr" in region else index + 1
        first = "172" if "cidr" in region else "10"
        hosts = draw(st.lists(st.integers(100, 250), min_size=1, max_size=15, unique=True))
        region["dnsAddresses"] = [f"{first}.{second}.16.{host}" for host in hosts]
    if draw(st.booleans()):
        region["zones"] = [f"{name}-{letter}" for letter in "abc"[: draw(st.integers(1, 3))]]
    return region


@st.composite
def _made(draw: st.DrawFn, platform: str) -> dict[str, Any]:
    """What a region says whose cluster the program makes."""
    if platform == "gke":
        location, between, least, most = draw(st.sampled_from(GKE_LOCATIONS)), "-", 1, 4
    else:
        location, between, least, most = draw(st.sampled_from(EKS_LOCATIONS)), "", 2, 6
    letters = draw(st.lists(st.sampled_from("abcdef"), min_size=least, max_size=most, unique=True))
    return {"location": location, "zones": [f"{location}{between}{letter}" for letter in letters]}


@st.composite
def configs(draw: st.DrawFn, most: int = 9, platform: str | None = None) -> dict[str, Any]:
    """A valid config: up to `most` regions in any state, the first active with enough nodes by itself."""
    chosen = draw(st.lists(names, min_size=1, max_size=most, unique=True))
    listed = [
        draw(regions(name, index, "active" if index == 0 else None, platform)) for index, name in enumerate(chosen)
    ]
    listed[0]["nodes"] += 2
    return {
        "regions": listed,
        "gcp": {"project": "my-project-123456", "network": draw(st.sampled_from(["global", "peered"]))},
        "aws": {
            "natGateways": draw(st.sampled_from(["one", "per-zone"])),
            "transitGatewayFrom": draw(st.integers(2, 12)),
            "quotas": ROOMY,
        },
    }
