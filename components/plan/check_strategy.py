"""Stack rules that need the strategy: it is one, and it does not refuse the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..strategies import AVAILABLE, known, strategy
from .balancers import DNS
from .model import Problem
from .rules import Draft, show, stack_rule, suggest


@stack_rule("strategy-known")
def _known(draft: Draft) -> Iterator[Problem]:
    name = draft.settings.strategy
    if not draft.sound("strategy") or known(name):
        return
    yield Problem("strategy", f"{show(name)} is not a strategy; {suggest(name, AVAILABLE)} ({', '.join(AVAILABLE)})")


@stack_rule("strategy-refuses")
def _refuses(draft: Draft) -> Iterable[Problem]:
    name = draft.settings.strategy
    if not known(name) or draft.broken & {"regions"}:
        return ()
    return strategy(name).refuses(draft.settings)


@stack_rule("strategy-platforms")
def _platforms(draft: Draft) -> Iterator[Problem]:
    """Clusters of a platform that the strategy cannot work on."""
    name = draft.settings.strategy
    if not known(name):
        return
    able = strategy(name).platforms
    for path, region in draft.regions():
        if region.platform not in able and draft.sound(f"{path}.platform", "platform"):
            yield Problem(
                f"{path}.platform",
                f"{region.platform}, but strategy {name} works on {' and '.join(able)} only; "
                "use such a cluster, or take another strategy",
            )


@stack_rule("strategy-addresses")
def _addresses(draft: Draft) -> Iterator[Problem]:
    """What is configured for SQL is not what the strategy's load balancers have."""
    name = draft.settings.strategy
    if not known(name) or draft.broken & {"regions"}:
        return
    running = list(draft.regions())
    taken = {
        address: balancer.name
        for _, region in running
        for balancer in strategy(name).balancers(region)
        for address in balancer.addresses
        if balancer.kind != DNS
    }
    for path, region in running:
        for address in map(str, region.sql_addresses):
            if address in taken and draft.sound(path):
                yield Problem(
                    f"{path}.sqlAddress",
                    f"{address} is that of the load balancer {taken[address]}, by strategy {name}; use another address",
                )


@stack_rule("strategy-pods-unrouted")
def _unrouted(draft: Draft) -> Iterator[Problem]:
    """Pods that other regions don't reach can't be what the strategy has them call."""
    name = draft.settings.strategy
    if not known(name) or not strategy(name).pods_meet:
        return
    instead = [each for each in AVAILABLE if not strategy(each).pods_meet]
    for path, region in draft.regions():
        if not region.pods_routed:
            yield Problem(
                f"{path}.podsRouted",
                f"false, but with strategy {name} every region's pods dial this region's at their own addresses; "
                f"route them between the regions, or take strategy {' or '.join(instead)}",
            )
