"""Clusters whose pods don't reach each other: who can do without that, and who says so."""

from __future__ import annotations

import pytest

from components.plan import ConfigError, plan
from components.strategies import AVAILABLE, strategy
from tests.lab.strategies import existing, scene


@pytest.mark.parametrize("name", AVAILABLE)
def test_regions_without_routes_to_pods_are_for_those_who_need_none(name: str) -> None:
    """With the options of the strategy's own scene; that `istio` is refused without them is in its own tests."""
    usual, own = existing(name, 1), scene(name).config(1)
    regions = [
        {**apart, "podsRouted": False, "strategyOptions": entry.get("strategyOptions", {})}
        for apart, entry in zip(usual["regions"], own["regions"], strict=True)
    ]
    config = {**usual, "regions": regions, "strategyOptions": own.get("strategyOptions", {}), "strategy": name}
    if not strategy(name).pods_meet:
        plan(config)
        return
    with pytest.raises(ConfigError, match=r"regions\[2\]\.podsRouted: false"):
        plan(config)
