"""The strategies by their config word. A package here is a strategy; its modules are imported when it is chosen."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the plan imports this package, and `base` the plan
    from .base import Strategy

AVAILABLE = {package.name.replace("_", "-"): package.name for package in iter_modules(__path__) if package.ispkg}
"""Config word -> package of the strategies in this version."""


BOTH = "+"
"""Between two words: a running stack on its way from the first strategy to the second."""


def words(name: str) -> tuple[str, ...]:
    """The strategies of a config word: one, or two of a transition."""
    return tuple(name.split(BOTH))


def known(name: str) -> bool:
    """Whether a config word names a strategy, or two of them."""
    named = words(name)
    return len(named) <= 2 and len(set(named)) == len(named) and all(word in AVAILABLE for word in named)


@cache
def strategy(name: str) -> Strategy:
    """The pure side of the strategy called `name`, or of a transition. Raises KeyError for one that is not there."""
    if BOTH in name:
        before, after = words(name)
        return import_module(".transition", __package__).Transition(strategy(before), strategy(after))
    return import_module(f".{AVAILABLE[name]}.plan", __package__).STRATEGY
