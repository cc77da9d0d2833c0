"""How many resources a stack of each strategy has, by its number of regions: counted in the program's own graph."""

from __future__ import annotations

from collections.abc import Mapping

from components.plan import ConfigError, plan
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.lab.stack import Json
from tests.lab.strategies import scene
from tests.unit.policy.graphs import given
from tests.unit.recording import record

COUNTS = (3, 9, 27)


def config(strategy: str, regions: int) -> Json:
    """The strategy's scene with more regions like its first, one node each, at ranges of their own."""
    found = {**scene(strategy).config(1), "strategy": strategy}
    first, *others = found["regions"]
    more = [_like(others[-1], place) for place in range(len(others) + 2, regions + 1)]
    return {**found, "regions": [first, *others, *more]}


def resources(strategy: str, regions: int) -> int | None:
    """Resources in state, providers and components included. None where the strategy takes no so many regions."""
    try:
        settings, addresses = plan(config(strategy, regions))
    except ConfigError:
        return None
    made = record(lambda: outputs(multi_region(settings, addresses, None)), given)
    return len(made.resources)


def table(strategies: list[str]) -> Mapping[str, list[int | None]]:
    """Strategy -> resources at each of `COUNTS`."""
    return {name: [resources(name, count) for count in COUNTS] for name in strategies}


def _like(region: Json, place: int) -> Json:
    """Another region: its name, context and whatever names them follow; addresses come from its place in the list."""
    name = f"region-{place}"
    made = {**region, "name": name, "zones": [f"{name}-a"]}
    if "context" in made:
        made["context"] = name
    if "location" in made:
        made["zones"] = region["zones"]
    hosts = region.get("strategyOptions", {}).get("hosts")
    if hosts is not None:
        made["strategyOptions"] = {"hosts": {f"{name}-host-{n}": f"10.{place}.0.{10 + n}" for n in range(len(hosts))}}
    elif "strategyOptions" in made:
        del made["strategyOptions"]
    return made
