"""How many resources a stack of each strategy has, by its number of regions: counted in the program's own graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

import pulumi

from components.plan import ConfigError, plan
from components.strategies import strategy
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.lab.stack import Json
from tests.lab.strategies import scene
from tests.unit.recording import record
from tests.unit.stacks.test_clouds import given as given_by_clouds
from tests.unit.stacks.test_multiregion import given

COUNTS = (3, 9, 27)
"""Regions, of one node each."""


def config(name: str, regions: int) -> Json:
    """The strategy's scene with more regions like its last, at ranges of their own."""
    found = {**scene(name).config(1), "strategy": name}
    listed = found["regions"]
    more = [_like(listed[-1], place) for place in range(len(listed) + 1, regions + 1)]
    return {**found, "regions": [*listed, *more]}


def resources(name: str, regions: int) -> int | None:
    """Resources that the program declares, components included. None where so many regions are refused."""
    try:
        settings, addresses = plan(config(name, regions))
    except ConfigError as error:
        if any(problem.path != "regions" for problem in error.problems):
            raise
        return None
    secrets: Mapping[str, pulumi.Input[str]] = dict.fromkeys(strategy(name).secret_options, "c2VjcmV0")
    with _kubeconfigs():
        made = record(
            lambda: outputs(multi_region(settings, addresses, None, secrets)),
            lambda args: {**given_by_clouds(args), **given(args)},
        )
    return len(made.resources)


def growth(names: list[str]) -> dict[str, list[int | None]]:
    """Strategy -> resources at each of `COUNTS`."""
    return {name: [resources(name, count) for count in COUNTS] for name in names}


def _like(region: Json, place: int) -> Json:
    """Another region: its name, context and whatever names them follow; addresses come from its place in the list."""
    name = f"region-{place}"
    made = {key: value for key, value in region.items() if key != "strategyOptions"} | {"name": name}
    if "context" in made:
        made |= {"context": name, "zones": [f"{name}-a"]}
    own = region.get("strategyOptions", {})
    hosts = own.get("hosts")
    if hosts is not None:
        made["strategyOptions"] = {"hosts": {f"{name}-host-{n}": f"10.{place}.0.{10 + n}" for n in range(len(hosts))}}
    if "network" in own:
        made["strategyOptions"] = {"network": name}
    return made


@contextmanager
def _kubeconfigs() -> Iterator[None]:
    """What they say is read from files that are not here."""
    with patch("components.platforms.server", lambda _, context: f"https://{context}.example:6443"):
        yield
