"""Random configs that are valid, for properties of the plan."""

from typing import Any

from hypothesis import strategies as st

STATES = ("active", "draining", "lost", "removed")

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,14}[a-z0-9])?", fullmatch=True).filter(
    lambda name: not name.startswith("kube-") and name != "default"
)


@st.composite
def regions(draw: st.DrawFn, name: str, index: int, state: str | None = None) -> dict[str, Any]:
    """One region. Half of them state a range: 172.16.0.0/12 or 100.64.0.0/10 by place, so that none is taken twice."""
    region: dict[str, Any] = {
        "name": name,
        "nodes": draw(st.integers(1, 7)),
        "dns": {"kind": draw(st.sampled_from(["coredns", "kube-dns"]))},
        "kubeconfig": "kubeconfig",
        "context": name,
        "state": state or draw(st.sampled_from(STATES)),
    }
    if draw(st.booleans()):
        region["cidr"] = f"172.{16 + index}.0.0/16"
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
def configs(draw: st.DrawFn, most: int = 9) -> dict[str, Any]:
    """A valid config: up to `most` regions in any state, the first active with enough nodes by itself."""
    chosen = draw(st.lists(names, min_size=1, max_size=most, unique=True))
    listed = [draw(regions(name, index, "active" if index == 0 else None)) for index, name in enumerate(chosen)]
    listed[0]["nodes"] += 2
    return {"regions": listed}
