"""Two strategies at once, for a running stack on its way from one to the other: `stub-domains+load-balancer-per-node`.

What the first needs stays, what the second needs is added, certificates name nodes by both, and nodes take the second's
addresses as they restart, region after region. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..plan.model import BalancerPlan, DnsKind, Platform, Problem, RegionSettings, Settings
from ..plan.reader import Reader
from ..plan.rules import RUNNING
from . import words
from .base import CertificateSource, PodIdentity, Port, Strategy
from .common import extra_stub_domains

Item = TypeVar("Item")

INSTEAD = "make a new stack with it and restore a backup there"


@dataclass(frozen=True, slots=True)
class Both:
    """What each of two strategies has for itself: options, offers."""

    before: object
    after: object


class Transition:
    """From `before` to `after`. See `components.strategies.base.Strategy` for what each method promises."""

    network_names = False

    def __init__(self, before: Strategy, after: Strategy) -> None:
        self.before = before
        self.after = after
        self.name = f"{before.name}+{after.name}"
        self.platforms: tuple[Platform, ...] = tuple(each for each in after.platforms if each in before.platforms)
        self.secret_options: tuple[str, ...] = _once((*before.secret_options, *after.secret_options))
        self.pods_meet = before.pods_meet or after.pods_meet
        self.owns_dns_text = before.owns_dns_text or after.owns_dns_text
        self.zone_key = after.zone_key

    def stack_options(self, reader: Reader) -> Both:
        """Each reads its own keys of the same object."""
        return Both(*reader.shared(self.before.stack_options, self.after.stack_options))

    def region_options(self, reader: Reader) -> Both:
        """The same of a region's."""
        return Both(*reader.shared(self.before.region_options, self.after.region_options))

    def settled_options(self, stack: object, region: object) -> object:
        """Each one's."""
        if not isinstance(stack, Both) or not isinstance(region, Both):
            return region
        return Both(
            self.before.settled_options(stack.before, region.before),
            self.after.settled_options(stack.after, region.after),
        )

    def refuses(self, settings: Settings) -> Iterator[Problem]:
        """What either refuses, and nodes that can't be known by both at a time."""
        for chosen, part in ((self.before, settings_before(settings)), (self.after, settings_after(settings))):
            yield from chosen.refuses(part)
        for region in settings.regions:
            if region.state in RUNNING:
                apart = self._apart(region) or self._same_zones(settings, region)
                if apart is not None:
                    yield Problem("strategy", f"{self.name} is no way for a running stack: {apart}; {INSTEAD}")
                    return

    def _apart(self, region: RegionSettings) -> str | None:
        parts = ((self.before, before(region)), (self.after, after(region)))
        for chosen, part in parts:
            identity = chosen.pod_identity(part)
            if identity.own_service or identity.namespace_labels:
                return f"with {chosen.name} nodes are known to each other's sidecars alone"
            if identity.host_network:
                return f"with {chosen.name} pods are in their hosts' networks"
            if identity.certificate_source is not CertificateSource.PLANNED:
                return (
                    f"with {chosen.name} nodes' certificates are made at run time, for addresses that nobody knows yet"
                )
        if len({chosen.dns_zone(part) for chosen, part in parts}) > 1:
            return f"it would rename {region.name}'s zone"
        if len({chosen.cluster_dns(region.platform) for chosen, _ in parts}) > 1:
            return f"it needs another DNS in {region.name}'s cluster"
        if len({chosen.owns_dns_text for chosen, _ in parts}) > 1:
            return "one replaces the clusters' DNS, which the other writes to"
        return None

    def _same_zones(self, settings: Settings, region: RegionSettings) -> str | None:
        """A forward is known by its zone: the first strategy's end would take away the second's."""
        theirs = extra_stub_domains(settings, region)
        first = self.before.forwards(settings_before(settings), before(region)).keys() - theirs
        second = self.after.forwards(settings_after(settings), after(region)).keys() - theirs
        shared = sorted(first & second)
        return f"both forward {shared[0]} in {region.name}, each to servers of its own" if shared else None

    def cluster_dns(self, platform: Platform) -> DnsKind | None:
        """The same for both."""
        return self.after.cluster_dns(platform)

    def network_domain(self, region: RegionSettings) -> str | None:
        """The second's."""
        return self.after.network_domain(after(region))

    def private_zone(self, settings: Settings, region: RegionSettings) -> str | None:
        """The second's: regions have the same zone by both."""
        return self.after.private_zone(settings_after(settings), after(region))

    def dns_zone(self, region: RegionSettings) -> str:
        """The same for both."""
        return self.after.dns_zone(after(region))

    def node_address(self, region: RegionSettings, ordinal: int) -> str | None:
        """The second's: what a node takes when it restarts."""
        return self.after.node_address(after(region), ordinal)

    def hosts(self, region: RegionSettings) -> Mapping[str, str]:
        """The second's."""
        return self.after.hosts(after(region))

    def advertised_ports(self, region: RegionSettings, ordinal: int) -> tuple[int, int]:
        """The second's."""
        return self.after.advertised_ports(after(region), ordinal)

    def join_addresses(self, settings: Settings) -> tuple[str, ...]:
        """The second's, which lead to nodes that have not restarted yet too."""
        return self.after.join_addresses(settings_after(settings))

    def certificate_names(self, region: RegionSettings) -> tuple[str, ...] | None:
        """Both's."""
        names = self.before.certificate_names(before(region)), self.after.certificate_names(after(region))
        if names[0] is None or names[1] is None:
            return None
        return _once((*names[0], *names[1]))

    def forwards(self, settings: Settings, region: RegionSettings) -> Mapping[str, tuple[str, ...]]:
        """Both's."""
        return {
            **self.before.forwards(settings_before(settings), before(region)),
            **self.after.forwards(settings_after(settings), after(region)),
        }

    def balancers(self, region: RegionSettings) -> tuple[BalancerPlan, ...]:
        """Both's, each once."""
        found = (*self.before.balancers(before(region)), *self.after.balancers(after(region)))
        return tuple({balancer.name: balancer for balancer in found}.values())

    def service_annotations(self, region: RegionSettings) -> Mapping[str, str]:
        """Both's."""
        return {
            **self.before.service_annotations(before(region)),
            **self.after.service_annotations(after(region)),
        }

    def ports(self) -> tuple[Port, ...]:
        """Both's, each once."""
        return _once((*self.before.ports(), *self.after.ports()))

    def pod_identity(self, region: RegionSettings) -> PodIdentity:
        """The second's."""
        return self.after.pod_identity(after(region))

    def gateway_namespaces(self, region: RegionSettings) -> tuple[str, ...]:
        """Both's."""
        found = (*self.before.gateway_namespaces(before(region)), *self.after.gateway_namespaces(after(region)))
        return _once(found)


def before(region: RegionSettings) -> RegionSettings:
    """A region as the first strategy knows it."""
    options = region.strategy_options
    return replace(region, strategy_options=options.before) if isinstance(options, Both) else region


def after(region: RegionSettings) -> RegionSettings:
    """A region as the second strategy knows it."""
    options = region.strategy_options
    return replace(region, strategy_options=options.after) if isinstance(options, Both) else region


def settings_before(settings: Settings) -> Settings:
    """A stack as the first strategy knows it."""
    options = settings.strategy_options
    own = options.before if isinstance(options, Both) else options
    word, _ = words(settings.strategy)
    return replace(settings, strategy=word, strategy_options=own, regions=tuple(map(before, settings.regions)))


def settings_after(settings: Settings) -> Settings:
    """A stack as the second strategy knows it."""
    options = settings.strategy_options
    own = options.after if isinstance(options, Both) else options
    _, word = words(settings.strategy)
    return replace(settings, strategy=word, strategy_options=own, regions=tuple(map(after, settings.regions)))


def _once(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))
