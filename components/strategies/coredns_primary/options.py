"""What `coredns-primary` reads of `strategyOptions`."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from ...plan.model import RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import value_rule

IMAGE = "registry.k8s.io/coredns/coredns:v1.15.0"
CANARY_NAMES = ("registry.k8s.io",)
REPLICAS = 2
MAX_REPLICAS = 50
DOMAIN = "cockroachdb.internal"
"""Parent of the default domains: `internal` is kept for private use (ICANN, 2024), so no public name is hidden."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """`strategyOptions` of the stack."""

    image: str = IMAGE
    """Full reference of the CoreDNS image."""
    canary_names: tuple[str, ...] = CANARY_NAMES
    """Names outside of the clusters: what the DNS before resolves of them, the new one has to resolve too."""


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """`strategyOptions` of a region."""

    domain: str | None = None
    """The cluster's second domain. None: `<region>.cockroachdb.internal`."""
    replicas: int = REPLICAS
    """Servers for the cluster's own pods, and as many for the other regions."""
    upstream_nameservers: tuple[IPv4Address, ...] = ()
    """Who is asked for all other names. Empty: whom the hosts ask."""
    give_up: tuple[str, ...] = ()
    """What of the cluster's DNS before may be lost: zones, and plugins of its root block."""
    switch: bool = True
    """False: the cluster's own servers answer it, or do so again; the program's answer the other regions alone."""


def read_stack(reader: Reader) -> StackOptions:
    """The stack's, with defaults."""
    image = reader.take("corednsImage", "string", "image-reference", default=IMAGE)
    names = reader.items("canaryNames", "string", "dns-name")
    return StackOptions(image, CANARY_NAMES if names is None else names)


def read_region(reader: Reader) -> RegionOptions:
    """A region's, with defaults."""
    return RegionOptions(
        domain=reader.take("domain", "string", "dns-name"),
        replicas=reader.take("replicas", "integer", "dns-replicas", default=REPLICAS),
        upstream_nameservers=reader.items("upstreamNameservers", "string", "address", convert=IPv4Address) or (),
        give_up=reader.items("giveUp", "string") or (),
        switch=reader.take("switch", "boolean", default=True),
    )


def of_stack(settings: Settings) -> StackOptions:
    """The stack's, as read."""
    found = settings.strategy_options
    return found if isinstance(found, StackOptions) else StackOptions()


def of_region(region: RegionSettings) -> RegionOptions:
    """The region's, as read."""
    found = region.strategy_options
    return found if isinstance(found, RegionOptions) else RegionOptions()


def domain(region: RegionSettings) -> str:
    """The domain that this region's names have in every cluster."""
    return of_region(region).domain or f"{region.name}.{DOMAIN}"


@value_rule("dns-replicas")
def _replicas(value: Any) -> str | None:
    if 2 <= value <= MAX_REPLICAS:
        return None
    return f"servers are too {'few' if value < 2 else 'many'}; use 2 to {MAX_REPLICAS}"
