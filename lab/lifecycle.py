"""Bringing a lab up and taking it down. Both can be interrupted anywhere, and carried on by running them again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from lab import addons, controlplane, hosts, kernel, nameservers, netns, network, processes
from lab.clouds import apply, clusters
from lab.clouds.store import Store
from lab.images import write_images
from lab.paths import LabPaths
from lab.progress import Steps, steps
from lab.registry import claim_index, release_index
from lab.shell import LabError, run
from lab.state import Faults, held, locked, read_faults
from lab.tools import bin_dir
from lab.world import (
    Nameserver,
    Region,
    World,
    derive_regions,
    read_config,
    read_nameservers,
    read_plan,
    read_world,
    write_world,
)

HOSTS = 3
"""Hosts per region unless asked otherwise: one per zone of a usual region."""


def up(paths: LabPaths, stack_file: Path, host_count: int, plan: Mapping[str, Any] | None = None) -> World:
    """Start what is missing of the lab for `stack_file`; returns when API servers answer and add-ons are applied.

    Regions on clouds are started only if they are there: the program makes them.
    """
    plan = plan or read_plan(stack_file)
    regions = derive_regions(plan, read_config(stack_file), host_count)
    with locked(paths):
        clusters.write_plan(paths, [region["name"] for region in plan["regions"]])
        return _converge(paths, regions, read_nameservers(stack_file))


def _converge(paths: LabPaths, wanted: tuple[Region, ...], servers: tuple[Nameserver, ...]) -> World:
    paths.records.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(paths, clusters.WORLD_LOCK):
        known = read_world(paths) if paths.world.exists() else World(paths.name, paths.lab_id, 0, ())
        regions = merge(known.regions, wanted)
        world = World(paths.name, paths.lab_id, claim_index(paths), regions, merge_servers(known.nameservers, servers))
        write_world(paths, world)
    faults = read_faults(paths)
    kernel.raise_limits()
    write_images(paths)
    tasks = {region.name: 5 for region in world.regions}
    with steps({"network": 1, **tasks}) as report:
        report.step("network", "namespaces, wires, routes, firewalls")
        network.build(paths, world)
        network.set_firewalls(world, frozenset(faults.cut), frozenset(faults.unbalanced), frozenset(faults.silent))
        apply.shape(paths, Store(paths.root / "clouds"))
        nameservers.start(paths, world)
        report.done("network")
        with ThreadPoolExecutor(max_workers=max(1, len(world.regions))) as pool:
            for region in world.regions:
                controlplane.prepare(paths, world, region)
            controlplane.write_user_kubeconfig(paths, world)
            failures = pool.map(lambda region: _start_region(paths, world, region, faults, report), world.regions)
            told = [str(failure) for failure in failures if failure]
    if told:
        raise LabError("\n".join(told))
    return world


def merge(known: tuple[Region, ...], wanted: tuple[Region, ...]) -> tuple[Region, ...]:
    """The wanted regions, and those known that the stack has no place for any more; hosts only become more.

    A region leaves the lab only with the whole lab: the `up` that removes it from a stack needs its API server. Raises
    LabError where a region that runs would get other networks or another DNS server: machines can't be renumbered.
    """
    old = {region.name: region for region in known}
    new = {region.name: _grown(old.get(region.name), region) for region in wanted}
    kept = [region for region in known if region.name not in new]
    for region in kept:
        for other in new.values():
            if other.index == region.index or IPv4Network(other.node_cidr).overlaps(IPv4Network(region.node_cidr)):
                raise LabError(
                    f"region {other.name} wants the place of {region.name}, which runs: take the lab down first"
                )
    return tuple(sorted((*new.values(), *kept), key=lambda region: region.index))


def merge_servers(known: tuple[Nameserver, ...], wanted: tuple[Nameserver, ...]) -> tuple[Nameserver, ...]:
    """The wanted name servers; those that run stay, in their places. Raises LabError where they would be others."""
    if known[: len(wanted)] == wanted:
        return known
    if wanted[: len(known)] == known:
        return wanted
    raise LabError("the name servers that run are others than the stack file's: take the lab down first")


def _grown(old: Region | None, new: Region) -> Region:
    if old is None:
        return new
    if _fixed(old) != _fixed(new):
        raise LabError(f"region {new.name} runs with other networks or another DNS server: take the lab down first")
    return replace(new, hosts=(*old.hosts, *new.hosts[len(old.hosts) :]))


def _fixed(region: Region) -> Region:
    """What of a region no later `up` may change."""
    return replace(region, hosts=(), zones=(), balancer_addresses=(), context="", ports=(), api_callers=())


def _start_region(paths: LabPaths, world: World, region: Region, faults: Faults, report: Steps) -> LabError | None:
    """All of one region; its failure is returned, so that the others are not left half-started by it."""
    try:
        if region.name in faults.stopped:
            report.step(region.name, "its API server is stopped by a fault: left so")
            return None
        report.step(region.name, "etcd and API server")
        controlplane.start(paths, world, region, bin_dir())
        api = controlplane.api(paths, world, region)
        report.step(region.name, "add-ons")
        addons.apply(api, region)
        if region.is_cloud and not region.hosts:
            hosts.start(paths, world, region, bin_dir(), frozenset())
        if region.hosts:
            report.step(region.name, "hosts")
            if region.is_cloud:
                clusters.ensure_nodes(api, region)
            hosts.start(paths, world, region, bin_dir(), frozenset(faults.dropped))
            report.step(region.name, "nodes and cluster DNS")
            addons.wait_ready(api, region, frozenset(faults.dropped))
        report.done(region.name)
    except LabError as error:
        return error
    return None


def down(paths: LabPaths) -> None:
    """End every process of the lab, remove its namespaces, links and files. A lab that is not there is no error."""
    if not paths.root.exists() and not netns.existing(paths.prefix):
        return
    with locked(paths):
        processes.kill_all(paths)
        index = claim_index(paths)
        bridge = World(paths.name, paths.lab_id, index, ()).bridge
        names = netns.existing(paths.prefix)
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(netns.delete, names))
        network.remove_bridge(bridge)
        if release_index(paths):
            kernel.restore_limits()
        _remove(paths.root)


def _remove(root: Path) -> None:
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    inside = sorted((mount for mount in mounts if mount.startswith(f"{root}/")), reverse=True)
    for mount in inside:
        run(["umount", "-l", json.loads(f'"{mount}"')])
    shutil.rmtree(root, ignore_errors=False)
