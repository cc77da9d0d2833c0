"""Who may reach an API server, by which of its endpoints."""

from collections.abc import Sequence
from ipaddress import IPv4Network

_SHARED = IPv4Network("100.64.0.0/10")
"""Of carriers, and of VPNs (RFC 6598): no public endpoint sees it."""
_EXAMPLES = tuple(IPv4Network(cidr) for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
"""Ranges for documentation (RFC 5737): in stack files they stand for public ones."""


def by_endpoint(cidrs: Sequence[str]) -> tuple[list[str], list[str]]:
    """(public ranges, private ones), each in order and once: only public addresses come by the public endpoint."""
    public: list[str] = []
    private: list[str] = []
    for cidr in dict.fromkeys(cidrs):
        network = IPv4Network(cidr)
        example = any(network.subnet_of(each) for each in _EXAMPLES)
        inside = network.subnet_of(_SHARED) or (network.is_private and not example)
        (private if inside else public).append(cidr)
    return public, private
