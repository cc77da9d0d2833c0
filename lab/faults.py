"""Breaking a lab on purpose, and mending it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable

from lab import controlplane, hosts, lifecycle, network, processes
from lab.clouds import apply
from lab.clouds.store import Store
from lab.paths import LabPaths
from lab.shell import LabError, ip_batch, run
from lab.state import Faults, locked, read_faults, write_faults
from lab.tools import bin_dir
from lab.world import CLOUD_DNS, World


def cut(paths: LabPaths, region: str) -> None:
    """Take a region off the core router: no packet crosses, in either direction. Its API server is still reached."""
    _change(paths, lambda world, faults: _add(faults.cut, world.region(region).name))


def kill_balancer(paths: LabPaths, region: str) -> None:
    """A region's load balancers stop to answer, except for SQL's; what is behind them lives."""
    _change(paths, lambda world, faults: _add(faults.unbalanced, world.region(region).name))


def kill_nameserver(paths: LabPaths, address: str) -> None:
    """A DNS server outside of the regions is reached by nobody; what it knows, it keeps."""
    _change(paths, lambda world, faults: _add(faults.silent, world.nameserver(address).address))


def kill_dns(paths: LabPaths, region: str) -> None:
    """Kill all DNS pods of a region at once, without grace. Kubernetes makes them anew: nothing is left to heal."""
    world = lifecycle.read_world(paths)
    api = controlplane.api(paths, world, world.region(region))
    pods = api.get("/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns")["items"]
    if not pods:
        raise LabError(f"{region}: no DNS pods to kill")
    for pod in pods:
        api.delete(f"/api/v1/namespaces/kube-system/pods/{pod['metadata']['name']}", {"gracePeriodSeconds": 0})


def kill_resolver(paths: LabPaths, region: str) -> None:
    """In a region the cloud's own DNS, which its hosts and pods ask, does not answer any more."""

    def change(world: World, faults: Faults) -> None:
        named = world.region(region)
        if named.dns_kind != CLOUD_DNS:
            raise LabError(f"{region}: its names are not the cloud's to answer, but {named.dns_kind}'s")
        _add(faults.unresolved, named.name)

    _change(paths, change)


def stop_api(paths: LabPaths, region: str) -> None:
    """Kill a region's API server; its pods go on."""
    with locked(paths):
        world, faults = lifecycle.read_world(paths), read_faults(paths)
        _add(faults.stopped, world.region(region).name)
        write_faults(paths, faults)
        processes.stop(paths, f"kube-apiserver-{region}", signal.SIGKILL)


def start_api(paths: LabPaths, region: str) -> None:
    """Start a stopped API server again; returns when it is ready."""
    with locked(paths):
        world, faults = lifecycle.read_world(paths), read_faults(paths)
        _start_api(paths, world, faults, world.region(region).name)


def drop_host(paths: LabPaths, name: str) -> None:
    """Switch a host off: its processes and pods die at once, its wire is dead."""
    with locked(paths):
        world, faults = lifecycle.read_world(paths), read_faults(paths)
        host = world.host(name)
        _add(faults.dropped, host.name)
        write_faults(paths, faults)
        ip_batch([f"-n {world.netns(host.name)} link set eth0 down"])
        for daemon in ("kubelet", "kube-proxy"):
            processes.stop(paths, f"{daemon}-{host.name}", signal.SIGKILL)
        processes.kill_host(world.netns(host.name), paths.host(host.name))
        _set_network(paths, world, faults)


def restore_host(paths: LabPaths, name: str) -> None:
    """Switch a dropped host on again; its disk is as it was."""
    with locked(paths):
        world, faults = lifecycle.read_world(paths), read_faults(paths)
        _restore_host(paths, world, faults, world.host(name).name)


def heal(paths: LabPaths) -> None:
    """Mend everything that was broken."""
    with locked(paths):
        world, faults = lifecycle.read_world(paths), read_faults(paths)
        faults.cut.clear()
        faults.unbalanced.clear()
        faults.unresolved.clear()
        faults.silent.clear()
        # What the program has removed since needs no mending.
        names = {region.name for region in world.regions}
        faults.stopped[:] = [name for name in faults.stopped if name in names]
        machines = {host.name for region in world.regions for host in region.hosts}
        faults.dropped[:] = [name for name in faults.dropped if name in machines]
        write_faults(paths, faults)
        _set_network(paths, world, faults)
        for region in list(faults.stopped):
            _start_api(paths, world, faults, region)
        for host in list(faults.dropped):
            _restore_host(paths, world, faults, host)


def _start_api(paths: LabPaths, world: World, faults: Faults, name: str) -> None:
    region = world.region(name)
    controlplane.start(paths, world, region, bin_dir())
    hosts.start(paths, world, region, bin_dir(), frozenset(faults.dropped), keep=True)
    with contextlib.suppress(ValueError):
        faults.stopped.remove(name)
    write_faults(paths, faults)


def _restore_host(paths: LabPaths, world: World, faults: Faults, name: str) -> None:
    host = world.host(name)
    region = world.region(host.region)
    space = world.netns(name)
    run(["ip", "-n", space, "link", "set", "eth0", "up"])
    routes = network.host_routes(host) if region.is_cloud else (f"route replace default via {region.router_address}",)
    ip_batch([f"-n {space} {line}" for line in routes])
    with contextlib.suppress(ValueError):
        faults.dropped.remove(name)
    write_faults(paths, faults)
    hosts.start(paths, world, region, bin_dir(), frozenset(faults.dropped), keep=True)
    _set_network(paths, world, faults)


def _set_network(paths: LabPaths, world: World, faults: Faults) -> None:
    """What routers know of faults."""
    network.set_firewalls(world, frozenset(faults.cut), frozenset(faults.unbalanced), frozenset(faults.silent))
    apply.shape(paths, Store(paths.root / "clouds"))


def _change(paths: LabPaths, change: Callable[[World, Faults], None]) -> None:
    """Apply a fault that only the network knows."""
    with locked(paths):
        world, faults = lifecycle.read_world(paths), read_faults(paths)
        change(world, faults)
        write_faults(paths, faults)
        _set_network(paths, world, faults)


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
