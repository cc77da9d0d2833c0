"""Who may reach an API server, by which of its endpoints."""

from collections.abc import Sequence
from ipaddress import IPv4Network

_EXAMPLES = tuple(IPv4Network(cidr) for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
"""Ranges for documentation (RFC 5737): in stack files they stand for public ones."""


def by_endpoint(cidrs: Sequence[str]) -> tuple[list[str], list[str]]:
    """(public ranges, private ones), each in order and once: only public addresses come by the public endpoint."""
    public: list[str] = []
    private: list[str] = []
    for cidr in dict.fromkeys(cidrs):
        network = IPv4Network(cidr)
        example = any(network.subnet_of(each) for each in _EXAMPLES)
        (private if network.is_private and not example else public).append(cidr)
    return public, private
