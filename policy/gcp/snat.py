"""Whether a GKE pod's own address arrives."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from ..findings import Failure, Flow, Severity
from .site import Site

UNMASQUERADED = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
        ),
    )
)
"""Where pods' addresses stay under the default SNAT too (GKE's documentation, «IP masquerade agent»)."""


def masqueraded(site: Site, flow: Flow) -> Iterator[Failure]:
    """A peer that sees the node's address gossips with somebody who is not there."""
    if flow.origin != "pods" or site.cluster.get("defaultSnatStatus.disabled") is True:
        return
    harmless = any(flow.destination.subnet_of(there) for there in UNMASQUERADED)
    effect = (
        f"outside of the private ranges, in which {flow.destination} happens to be"
        if harmless
        else f"on the way to {flow.destination}, and peers see a node that is not there"
    )
    yield Failure(
        "SNAT",
        f"{site.cluster.label} does not set defaultSnatStatus.disabled: pods' addresses are rewritten to their host's "
        + effect,
        site.cluster.urn,
        Severity.DEGRADED if harmless else Severity.BROKEN,
    )
