"""The strategies by their config word. A strategy's modules are imported only when it is chosen."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the plan imports this package, and `base` the plan
    from .base import Strategy

AVAILABLE = {
    "stub-domains": "stub_domains",
    "load-balancer-per-node": "load_balancer_per_node",
    "pod-ip": "pod_ip",
}
"""Config word -> package of the strategies in this version."""

PLANNED = (
    "coredns-federated",
    "coredns-primary",
    "host-network",
    "istio",
    "private-zone",
    "proxy",
    "cloud-dns",
)
"""Words that are known, for strategies that this version does not have."""


def strategy(name: str) -> Strategy:
    """The pure side of the strategy called `name`. Raises KeyError for one that this version does not have."""
    return import_module(f".{AVAILABLE[name]}.plan", __package__).STRATEGY


def resources(name: str) -> ModuleType:
    """The strategy's resources (imports pulumi). Raises KeyError for one that this version does not have."""
    return import_module(f".{AVAILABLE[name]}.resources", __package__)
