"""What the acceptance tests run a strategy on: a module here called like the strategy's package has a `SCENE`, or else
three `existing` regions will do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from components.strategies import AVAILABLE, strategy
from tests.lab.stack import Json, region, small_config

NAMES = ("alpha", "beta", "gamma")
"""The regions of every scene."""


@dataclass(frozen=True)
class Scene:
    """Three regions, and what the strategy's addresses hang on in the second of them."""

    config: Callable[[int], Json]
    """The stack's config, but for the strategy's word, where the first region has so many nodes and the others one."""
    faults: tuple[tuple[str, ...], ...] = (("kill-balancer", "beta"),)
    """Words of `lab fault`, by which the second region loses what others find it by, or it finds others by."""
    servers: tuple[str, str] | None = None
    """Namespace and Deployment in the second region that are stopped instead, where the program itself runs it."""
    blamed: str = "target"
    """Who of a red finding's two it is about then: `target` of who isn't found, `source` of who finds nobody."""
    red: frozenset[str] = frozenset({"beta"})
    """All that red findings are about then."""
    spared: str = ""
    """Why nothing of that kind can be lost, where `faults` is empty."""
    pinned: str = ""
    """Why a pod does not move by itself, where it doesn't."""
    not_in_lab: str = ""
    """Why the strategy's nodes can't run in a lab, in a sentence: its tests are skipped with it."""


def scene(name: str) -> Scene:
    """The strategy's own scene, or the usual one."""
    module = f"{__name__}.{AVAILABLE[name]}"
    return import_module(module).SCENE if find_spec(module) else Scene(lambda nodes: existing(name, nodes))


def stack_options(name: str) -> Json:
    """The scene's `strategyOptions` for the whole stack, without which the strategy plans nothing."""
    return scene(name).config(1).get("strategyOptions", {})


def existing(name: str, nodes: int) -> Json:
    """Clusters that are there; where the strategy can do without routes to pods, there are none."""
    kinds = ("coredns", "coredns", "kube-dns")
    routed = strategy(name).pods_meet
    regions = [
        {**region(place, kind, nodes if place == NAMES[0] else 1), "podsRouted": routed}
        for place, kind in zip(NAMES, kinds, strict=True)
    ]
    return small_config(*regions)
