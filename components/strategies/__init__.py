"""The strategies by their config word. A package here is a strategy; its modules are imported when it is chosen."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the plan imports this package, and `base` the plan
    from .base import Strategy

AVAILABLE = {package.name.replace("_", "-"): package.name for package in iter_modules(__path__) if package.ispkg}
"""Config word -> package of the strategies in this version."""


def strategy(name: str) -> Strategy:
    """The pure side of the strategy called `name`. Raises KeyError for one that this version does not have."""
    return import_module(f".{AVAILABLE[name]}.plan", __package__).STRATEGY


def resources(name: str) -> ModuleType:
    """The strategy's resources (imports pulumi), as `connection` says. Raises KeyError as `strategy` does."""
    return import_module(f".{AVAILABLE[name]}.resources", __package__)
