"""Control planes and hosts for clusters that the lab's clouds make: each step converges, and may be cut off anywhere.

The world file is the one record of what runs. It is locked while it is changed and never while anything starts, so that
clusters of several regions, made by several plugin processes, start side by side.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lab import addons, controlplane, hosts, netns, network, processes, stackfile
from lab.addons import coredns
from lab.clouds import apply, cloud_dns
from lab.clouds.fabric import Router
from lab.clouds.places import region_of, with_pool
from lab.clouds.substrate_api import ClusterAccess, ClusterSpec, HostSpec
from lab.kube import Api
from lab.paths import LabPaths
from lab.shell import LabError, run
from lab.state import held, read_faults
from lab.tools import bin_dir
from lab.world import API_PORT, CLOUD_DNS, Host, Region, World, read_config, read_world, write_world

WORLD_LOCK = "world.lock"


def start(paths: LabPaths, spec: ClusterSpec) -> ClusterAccess:
    """Bring a cluster's control plane up; returns when its API is ready. Raises LabError."""
    world, region = _register(paths, spec)
    network.build_region(paths, world, region)
    if not hosts.networks_file(paths, region).exists():
        apply.write_networks(paths, region, Router(region.cluster))
    controlplane.prepare(paths, world, region)
    _write_kubeconfig(paths)
    controlplane.start(paths, world, region, bin_dir())
    addons.apply(controlplane.api(paths, world, region), region)
    hosts.start(paths, world, replace(region, hosts=()), bin_dir(), frozenset())
    authority = (paths.region(region.name) / "pki" / "ca.crt").read_bytes()
    endpoint = f"{world.api_management_address(region)}:{API_PORT}"
    return ClusterAccess(endpoint, base64.b64encode(authority).decode())


def stop(paths: LabPaths, key: str) -> None:
    """End everything of a cluster and forget it, its volumes too. One that is not there is no error."""
    world = read_world(paths)
    region = world.by_cluster(key)
    if region is None:
        return
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda host: _remove_host(paths, world, region, host), region.hosts))
    daemons = ("lab-cloud", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
    for daemon in (cloud_dns.daemon_name(region.name), *(f"{each}-{region.name}" for each in daemons)):
        processes.stop(paths, daemon, signal.SIGKILL)
    for namespace in (network.control_plane(world, region), network.router(world, region)):
        for parent, link in namespace.attached:
            netns.delete_link(parent, link)
        _remove_namespace(paths, namespace.name, paths.region(region.name))
    apply.forget(paths, world, region)
    shutil.rmtree(paths.region(region.name), ignore_errors=True)
    with held(paths, WORLD_LOCK):
        current = read_world(paths)
        write_world(paths, replace(current, regions=tuple(each for each in current.regions if each.cluster != key)))
    _write_kubeconfig(paths)


def set_hosts(paths: LabPaths, key: str, pool: str, specs: Sequence[HostSpec], shape: Callable[[], None]) -> None:
    """Exactly these hosts in a pool; returns when all are Ready. Raises LabError."""
    before = _region(read_world(paths), key)
    world, region = _change(paths, key, lambda region: with_pool(region, pool, specs))
    names = {host.name for host in region.hosts}
    gone = [host for host in before.hosts if host.name not in names]
    mine = replace(region, hosts=tuple(host for host in region.hosts if host.pool == pool))
    api = controlplane.api(paths, world, region)
    with ThreadPoolExecutor(max_workers=4) as workers:
        for host in gone:
            with suppress(LabError):
                api.delete(f"/api/v1/nodes/{host.name}")
        list(workers.map(lambda host: _remove_host(paths, world, region, host), gone))
        controlplane.prepare(paths, world, region)
        list(workers.map(lambda h: netns.ensure(paths, network.host_namespace(world, region, h)), mine.hosts))
    ensure_nodes(api, mine)
    shape()
    dropped = frozenset(read_faults(paths).dropped)
    hosts.start(paths, world, mine, bin_dir(), dropped)
    addons.wait_nodes(api, region, {host.name for host in mine.hosts} - dropped)


def set_dns(paths: LabPaths, key: str, kind: str, corefile: str | None) -> None:
    """The cluster's DNS server, and CoreDNS's whole text. Returns when it answers, where there are hosts to run it."""
    if kind not in ("kube-dns", "coredns", CLOUD_DNS, ""):
        raise LabError(f"cluster DNS {kind!r}: kube-dns, coredns, {CLOUD_DNS} or none")
    before = _region(read_world(paths), key)
    if before.has_dns_pods and before.dns_kind != kind:
        _remove_dns(controlplane.api(paths, read_world(paths), before), before)
    world, region = _change(paths, key, lambda region: replace(region, dns_kind=kind))
    api = controlplane.api(paths, world, region)
    if kind == "coredns":
        api.create_missing(coredns.objects(region, corefile))
        text = corefile or coredns.corefile(region.cluster_domain)
        path = "/api/v1/namespaces/kube-system/configmaps/coredns"
        if api.get(path).get("data") != {"Corefile": text}:
            # CoreDNS reads it anew by itself: `reload` is in every text that EKS has.
            others = {name: None for name in api.get(path).get("data", {}) if name != "Corefile"}
            api.merge(path, {"data": {**others, "Corefile": text}})
    elif region.has_dns_pods:
        api.create_missing(addons.dns(region))
    if region.has_dns_pods and region.hosts:
        addons.wait_dns(api, region)


def ensure_nodes(api: Api, region: Region) -> None:
    """Node objects of a cloud's machines, with the pod ranges and labels that the cloud decided. Kubelets join them."""
    schemes = {"gke": "gce://lab/{zone}/{name}", "eks": "aws:///{zone}/{name}"}
    for host in region.hosts:
        labels = {
            "kubernetes.io/hostname": host.name,
            "kubernetes.io/os": "linux",
            "topology.kubernetes.io/region": region.location,
            "topology.kubernetes.io/zone": host.zone,
            **dict(host.labels),
        }
        spec = {
            "podCIDR": host.pods,
            "podCIDRs": [host.pods],
            "providerID": schemes[region.platform].format(zone=host.zone, name=host.name),
        }
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": host.name, "labels": labels}, "spec": spec}
        if not api.create_missing([node]):
            api.merge(f"/api/v1/nodes/{host.name}", {"metadata": {"labels": labels}})


def planned(paths: LabPaths) -> list[str]:
    """The regions of the stack that this lab runs, in its order: those that the stack file has now, if it is known."""
    if stackfile.is_chosen(paths):
        stack = stackfile.project_dir(paths) / f"Pulumi.{stackfile.chosen_stack(paths)}.yaml"
        if stack.exists():
            return list(read_config(stack))
    file = paths.root / "plan.json"
    return json.loads(file.read_text()) if file.exists() else []


def write_plan(paths: LabPaths, names: Sequence[str]) -> None:
    """Remember the order of the stack's regions, from which their places follow, for a lab without a stack."""
    file = paths.root / "plan.json"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(list(names)))
    fresh.replace(file)


def _register(paths: LabPaths, spec: ClusterSpec) -> tuple[World, Region]:
    """The cluster's region, made a part of the world if it is none."""
    names = planned(paths)
    with held(paths, WORLD_LOCK):
        world = read_world(paths)
        region = world.by_cluster(spec.key)
        if region is None:
            region = region_of(spec, names, world.regions)
            regions = sorted((*world.regions, region), key=lambda each: each.index)
            world = replace(world, regions=tuple(regions))
            write_world(paths, world)
    return world, region


def _change(paths: LabPaths, key: str, change: Callable[[Region], Region]) -> tuple[World, Region]:
    with held(paths, WORLD_LOCK):
        world = read_world(paths)
        old = _region(world, key)
        new = change(old)
        if new != old:
            world = replace(world, regions=tuple(new if each is old else each for each in world.regions))
            write_world(paths, world)
    return world, new


def _region(world: World, key: str) -> Region:
    region = world.by_cluster(key)
    if region is None:
        raise LabError(f"no cluster {key} runs in this lab")
    return region


def _write_kubeconfig(paths: LabPaths) -> None:
    """The people's own, with a context per region that has its keys."""
    with held(paths, WORLD_LOCK):
        world = read_world(paths)
        ready = [region for region in world.regions if (paths.region(region.name) / "pki" / "admin.crt").exists()]
        controlplane.write_user_kubeconfig(paths, replace(world, regions=tuple(ready)))


def _remove_dns(api: Api, region: Region) -> None:
    name = addons.deployment_name(region)
    for path in (
        f"/apis/apps/v1/namespaces/kube-system/deployments/{name}",
        f"/api/v1/namespaces/kube-system/configmaps/{name}",
        "/api/v1/namespaces/kube-system/services/kube-dns",
    ):
        api.delete(path, {"propagationPolicy": "Background"})


def _remove_host(paths: LabPaths, world: World, region: Region, host: Host) -> None:
    for daemon in ("kubelet", "kube-proxy"):
        processes.stop(paths, f"{daemon}-{host.name}", signal.SIGKILL)
    _remove_namespace(paths, world.netns(host.name), paths.host(host.name))
    with suppress(LabError):
        run(["ip", "-n", world.netns(f"{region.name}-router"), "route", "delete", f"{host.address}/32", "dev", "nodes"])
    for file in (paths.region(region.name) / "pki").glob(f"kubelet-{host.name}.*"):
        file.unlink()
    shutil.rmtree(paths.host(host.name), ignore_errors=True)


def _remove_namespace(paths: LabPaths, name: str, state: Path) -> None:
    """With every process in it."""
    processes.kill_host(name, state)
    (paths.records / f"{name}.netns").unlink(missing_ok=True)
    netns.delete(name)
