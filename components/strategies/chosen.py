"""The resources side of a strategy, by its config word. (The pure side is `components.strategies.strategy`.)"""

from __future__ import annotations

from importlib import import_module

from . import AVAILABLE, words
from .connection import StrategyResources
from .transition_resources import TransitionResources


def resources(name: str) -> StrategyResources:
    """A strategy's, or a transition's. Raises KeyError for one that is not there."""
    each = [StrategyResources(import_module(f".{AVAILABLE[word]}.resources", __package__)) for word in words(name)]
    return TransitionResources(*each) if len(each) > 1 else each[0]
