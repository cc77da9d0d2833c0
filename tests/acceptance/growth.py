"""What a stack of each strategy takes, and how that grows: counted in the program's own graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import pulumi
from kubernetes.utils.quantity import parse_quantity

from components.database import names
from components.plan import ConfigError, plan
from components.strategies import strategy
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.lab.stack import Json
from tests.lab.strategies import NAMES, scene
from tests.unit.recording import Recording, record
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


@dataclass(frozen=True, slots=True)
class Size:
    """What a strategy takes. Requests: thousandths of a CPU, and MiB; without those of others' charts."""

    resources: list[int | None]
    """Declared, components included, at each of `COUNTS`. None where so many regions are refused."""
    node: int
    """Declared for one node more."""
    pods: float
    """Of Deployments, in each region."""
    cpu: float
    memory: float
    """What these ask for, in each region."""
    sidecars: int
    """Containers in each node's pod beside the database."""
    sidecar_cpu: float
    sidecar_memory: float


def size(name: str) -> Size:
    """Counted in the program's own graph."""
    made = _made(config(name, COUNTS[0]))
    assert made is not None
    larger = _made({**scene(name).config(2), "strategy": name})
    assert larger is not None
    pods, cpu, memory = 0, 0.0, 0.0
    for one in made.of("apps/v1:Deployment"):
        replicas = int(one.inputs["spec"].get("replicas", 1))
        asked = _requests(one.inputs["spec"]["template"]["spec"]["containers"])
        pods, cpu, memory = pods + replicas, cpu + replicas * asked[0], memory + replicas * asked[1]
    containers = made.of("apps/v1:StatefulSet")[0].inputs["spec"]["template"]["spec"]["containers"]
    beside = [one for one in containers if one["name"] != names.APP]
    return Size(
        resources=[resources(name, count) for count in COUNTS],
        node=len(larger.resources) - len(made.resources),
        pods=pods / len(NAMES),
        cpu=round(cpu / len(NAMES), 1),
        memory=round(memory / len(NAMES), 1),
        sidecars=len(beside),
        sidecar_cpu=_requests(beside)[0],
        sidecar_memory=_requests(beside)[1],
    )


def resources(name: str, regions: int) -> int | None:
    """Resources that the program declares, components included. None where so many regions are refused."""
    made = _made(config(name, regions))
    return None if made is None else len(made.resources)


def _made(raw: Json) -> Recording | None:
    try:
        settings, addresses = plan(raw)
    except ConfigError as error:
        if any(problem.path != "regions" for problem in error.problems):
            raise
        return None
    secrets: Mapping[str, pulumi.Input[str]] = dict.fromkeys(strategy(raw["strategy"]).secret_options, "c2VjcmV0")
    with _kubeconfigs():
        return record(
            lambda: outputs(multi_region(settings, addresses, None, secrets)),
            lambda args: {**given_by_clouds(args), **given(args)},
        )


def _requests(containers: list[Json]) -> tuple[float, float]:
    asked = [one.get("resources", {}).get("requests", {}) for one in containers]
    cpu = sum(parse_quantity(each.get("cpu", 0)) for each in asked)
    memory = sum(parse_quantity(each.get("memory", 0)) for each in asked)
    return float(cpu * 1000), float(memory / 2**20)


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
