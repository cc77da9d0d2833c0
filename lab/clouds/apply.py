"""Making the machine's routers what the fabric says: only what differs is written, filters in one transaction each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab import hosts, network
from lab.clouds import cloud_dns, render
from lab.clouds.fabric import Fabric, Router
from lab.clouds.from_records import fabric
from lab.clouds.places import site_of
from lab.clouds.store import Store
from lab.netns import NETNS, complete
from lab.paths import LabPaths
from lab.shell import LabError, nft, run
from lab.state import Faults, held, read_faults
from lab.world import Region, World, read_world

LOCK = "clouds.lock"


@dataclass(frozen=True, slots=True)
class Written:
    """What one region's router, and the core for it, have. Lines begin with `rule` or `route`."""

    namespaces: tuple[int, int]
    """Inodes of the router's and the core's: in others, none of it is there."""
    table: str
    routes: tuple[str, ...]
    core: tuple[str, ...]


def shape(paths: LabPaths, store: Store) -> list[str]:
    """Bring every cloud region's router to what both clouds' records make of it. Names of the regions that changed.

    Everything is read under the lock, so that nothing older is written over something newer. Raises LabError.
    """
    with held(paths, LOCK):
        world, faults, states = read_world(paths), read_faults(paths), store.snapshot()
        regions = [region for region in world.regions if region.is_cloud]
        if not regions:
            return []
        lost = frozenset(region.location for region in regions if region.name in faults.cut)
        sites = [site_of(region, frozenset(faults.dropped)) for region in regions]
        made = fabric(states["gcp"], states["aws"], sites, lost)
        with ThreadPoolExecutor(max_workers=8) as pool:
            changed = pool.map(lambda region: _region(paths, world, region, made, faults), regions)
            names = [region.name for region, done in zip(regions, changed, strict=True) if done]
        cloud_dns.converge(paths, world, states["gcp"], sites, faults.unresolved)
        return names


def forget(paths: LabPaths, world: World, region: Region) -> None:
    """The region's router is gone."""
    _file(paths, world, region).unlink(missing_ok=True)


def _region(paths: LabPaths, world: World, region: Region, made: Fabric, faults: Faults) -> bool:
    router = made.get(region.cluster, Router(region.cluster))
    if region.platform == "gke":
        write_networks(paths, region, router)
    names = world.netns(f"{region.name}-router"), world.netns("core")
    if not all(complete(paths, name) for name in names):
        return False  # not made yet: whoever makes it asks again
    far, near = network.core_wire(region)
    wanted = Written(
        ((NETNS / names[0]).stat().st_ino, (NETNS / names[1]).stat().st_ino),
        render.rules(router, unbalanced=region.name in faults.unbalanced),
        tuple(render.routes(router, far, region.control_cidr)),
        tuple(render.core_routes(router, near)),
    )
    file = _file(paths, world, region)
    had = _read(file)
    if had == wanted:
        return False
    file.unlink(missing_ok=True)  # until all of it is there, none counts
    if had is None or had.namespaces != wanted.namespaces:
        had = Written(wanted.namespaces, "", _clear(names, near, wanted.routes), ())
    _change(names[0], had.routes, wanted.routes)
    if had.table != wanted.table:
        nft(wanted.table, names[0])
    _change(names[1], had.core, wanted.core)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps([wanted.namespaces, wanted.table, wanted.routes, wanted.core]))
    fresh.replace(file)
    return True


def _change(space: str, had: Sequence[str], wanted: Sequence[str]) -> None:
    """Take away what is not wanted (gone already is no error), then add what is missing."""
    gone = [line for line in had if line not in wanted]
    new = [line for line in wanted if line not in had]
    if gone:
        with suppress(LabError):
            run(["ip", "-n", space, "-force", "-batch", "-"], stdin=_batch("del", "del", gone))
    if new:
        run(["ip", "-n", space, "-batch", "-"], stdin=_batch("add", "replace", new))


def _batch(rule: str, route: str, lines: Sequence[str]) -> str:
    verbs = {"rule": rule, "route": route}
    parts = (line.partition(" ") for line in lines)
    return "".join(f"{kind} {verbs[kind]} {rest}\n" for kind, _, rest in parts)


def _clear(spaces: tuple[str, str], near: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Empty the tables of a router whose state nobody knows; the policy rules that it has, which can be there twice."""
    lines = run(["ip", "-n", spaces[0], "rule", "show"]).splitlines()
    priorities = (f"{render.BY_MARK}:", f"{render.BY_SOURCE}:")
    parts = (line.partition("\t") for line in lines if line.startswith(priorities))
    found = [f"rule pref {priority[:-1]} {_selector(rest)}" for priority, _, rest in parts]
    tables = {line.rpartition(" ")[2] for line in (*found, *wanted) if line.startswith("rule")}
    for words in (*([spaces[0], "table", table] for table in tables), [spaces[1], "via", near]):
        with suppress(LabError):
            run(["ip", "-n", words[0], "route", "flush", *words[1:]])
    return tuple(found)


def _selector(rest: str) -> str:
    """As `routes` writes it: marks in decimal, `from all` left out."""
    words = rest.split()
    if "fwmark" in words:
        mark = words[words.index("fwmark") + 1]
        return f"fwmark {int(mark, 16)} lookup {words[-1]}"
    return f"{words[0]} {words[1]} lookup {words[-1]}"


def write_networks(paths: LabPaths, region: Region, router: Router) -> None:
    """Tell a GKE region's cloud of its subnets, what is local to them, and reserved addresses."""
    said = {
        "subnets": router.subnets,
        "nodes": router.nodes_subnet,
        "local": router.ranges,
        "reserved": router.reserved,
    }
    content = json.dumps(said, indent=1)
    file = hosts.networks_file(paths, region)
    if not file.exists() or file.read_text() != content:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(content)
        fresh.replace(file)


def _file(paths: LabPaths, world: World, region: Region) -> Path:
    return paths.records / f"{world.netns(region.name)}.fabric"


def _read(file: Path) -> Written | None:
    try:
        namespaces, table, routes, core = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Written(tuple(namespaces), table, tuple(routes), tuple(core))
