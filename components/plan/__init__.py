"""The address plan: pure code, no I/O, no pulumi. `plan(config)` is the way in."""

from .api import plan, problems_of, settings_of
from .model import AddressPlan, ConfigError, Problem, Settings

__all__ = ["AddressPlan", "ConfigError", "Problem", "Settings", "plan", "problems_of", "settings_of"]
