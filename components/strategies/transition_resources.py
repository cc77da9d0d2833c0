"""The resources of two strategies at once: what each has alone, under the same names, so that nothing is made anew when
one of them goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pulumi

from ..plan.addresses import address_plan
from ..plan.model import RegionSettings, Settings
from .connection import Connection, Offers, Site, StrategyResources
from .transition import Both, after, before, settings_after, settings_before


class TransitionResources(StrategyResources):
    """See `StrategyResources` for what each method promises."""

    def __init__(self, first: StrategyResources, second: StrategyResources) -> None:
        self._first = first
        self._second = second

    def offer_stack(self, settings: Settings, sites: Sequence[Site], opts: pulumi.ResourceOptions) -> Both:
        """Each one's."""
        return Both(
            self._first.offer_stack(settings_before(settings), list(map(_before, sites)), opts),
            self._second.offer_stack(settings_after(settings), list(map(_after, sites)), opts),
        )

    def offer_region(self, site: Site, opts: pulumi.ResourceOptions) -> Both:
        """Each one's."""
        return Both(self._first.offer_region(_before(site), opts), self._second.offer_region(_after(site), opts))

    def connect_region(self, site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> Connection:
        """The second's, with the first's beside it."""
        first = self._first.connect_region(_before(site), {name: offer.before for name, offer in offers.items()}, opts)
        second = self._second.connect_region(_after(site), {name: offer.after for name, offer in offers.items()}, opts)
        second.put_beside(first)
        return second

    def furnish_region(self, site: Site, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
        """Both's."""
        return (
            *self._first.furnish_region(_before(site), opts),
            *self._second.furnish_region(_after(site), opts),
        )


def _before(site: Site) -> Site:
    common = site.common.before if isinstance(site.common, Both) else site.common
    return _as_one(site, settings_before(site.settings), before(site.region), common)


def _after(site: Site) -> Site:
    common = site.common.after if isinstance(site.common, Both) else site.common
    return _as_one(site, settings_after(site.settings), after(site.region), common)


def _as_one(site: Site, settings: Settings, region: RegionSettings, common: object) -> Site:
    """The region as one of the two strategies has it alone, in its plan too: its part must not change on the way."""
    return replace(site, settings=settings, plan=address_plan(settings), region=region, common=common)
