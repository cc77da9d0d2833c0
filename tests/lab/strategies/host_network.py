"""`host-network`: every host of the lab is listed, the first ones carry nodes, the last is spare."""

from __future__ import annotations

from tests.lab.stack import Json
from tests.lab.strategies import Scene, existing


def config(nodes: int) -> Json:
    """The lab gives a region's hosts .10, .11, … of its nodes' range."""
    usual = existing("host-network", nodes)
    regions = [
        {**entry, "strategyOptions": {"hosts": {f"{entry['name']}-host-{n}": f"10.{place}.0.{10 + n}" for n in (0, 1)}}}
        for place, entry in enumerate(usual["regions"], 1)
    ]
    return {**usual, "regions": regions}


SCENE = Scene(
    config,
    faults=(),
    spared="nodes dial hosts: there is no load balancer and no DNS between regions to lose",
    pinned="a node is held to its hosts, of which a spare one is taken by a change of the config: "
    "tests/lab/test_replaced_host.py",
)
