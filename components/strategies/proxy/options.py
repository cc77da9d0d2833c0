"""What `proxy` reads of the config: `strategyOptions` of the stack and of each region."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from ...plan.layout import cut
from ...plan.model import RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import value_rule

_NODE_LABEL = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

IMAGE = "docker.io/library/haproxy:3.2.6"
"""HAProxy of a long-term supported branch. Its file is written for 2.6 and later."""

PROXY_HOST = 28
"""The proxies' place in the balancer range: .16.28, after the load balancers that every strategy may have."""


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """The whole stack's."""

    image: str = IMAGE


@dataclass(frozen=True, slots=True)
class RegionProxyOptions:
    """One region's."""

    address: IPv4Address | None = None
    """Where its proxies answer. None: the planned one."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of the hosts that proxies may run on. Empty: any host."""


@value_rule("node-label")
def _node_label(value: str) -> str | None:
    if _NODE_LABEL.fullmatch(value):
        return None
    return (
        "is not a label of a host; use one that `kubectl get nodes --show-labels` shows, such as kubernetes.io/hostname"
    )


def read_stack(reader: Reader) -> ProxyOptions:
    """`strategyOptions`."""
    return ProxyOptions(image=reader.take("haproxyImage", "string", "image-reference", default=IMAGE))


def read_region(reader: Reader) -> RegionProxyOptions:
    """`regions[].strategyOptions`."""
    return RegionProxyOptions(
        address=reader.take("address", "string", "address", convert=IPv4Address),
        node_selector=reader.pairs("nodeSelector", ["node-label"], ["text", "label-value"]),
    )


def stack_options(settings: Settings) -> ProxyOptions:
    """The stack's, with defaults where nobody read any."""
    options = settings.strategy_options
    return options if isinstance(options, ProxyOptions) else ProxyOptions()


def region_options(region: RegionSettings) -> RegionProxyOptions:
    """The same of a region."""
    options = region.strategy_options
    return options if isinstance(options, RegionProxyOptions) else RegionProxyOptions()


def proxy_address(region: RegionSettings) -> str:
    """The one address by which other regions reach all of the region's nodes."""
    return str(region_options(region).address or cut(region.cidr).balancers[PROXY_HOST])
