"""What runs on a region's hosts, a kubelet and a kube-proxy each, and the region's cloud beside its control plane."""

from __future__ import annotations

import fcntl
from pathlib import Path

from lab import processes
from lab.paths import MACHINE, LabPaths
from lab.processes import Daemon
from lab.shell import run
from lab.world import Host, Region, World

PROVISIONER = "lab.cockroachdb-multiregion/local"
"""Name of the lab's volume provisioner in StorageClasses."""


def start(paths: LabPaths, world: World, region: Region, bin_dir: Path, without: frozenset[str]) -> None:
    """Start what is not running on the region's hosts, except on those in `without` (dropped by a fault)."""
    processes.start(paths, cloud(paths, world, region, bin_dir))
    for host in region.hosts:
        if host.name not in without:
            for daemon in (kubelet(paths, world, region, host, bin_dir), proxy(paths, world, region, host, bin_dir)):
                processes.start(paths, daemon)


def kubelet(paths: LabPaths, world: World, region: Region, host: Host, bin_dir: Path) -> Daemon:
    """The kubelet has a mount namespace of its own that outlives it, as a machine's does: pods keep their volumes."""
    state = paths.host(host.name)
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    labels = f"topology.kubernetes.io/region={region.name},topology.kubernetes.io/zone={host.zone}"
    argv = [
        str(bin_dir / "lab-kubelet"),
        f"--kubeconfig={paths.region(region.name) / f'kubelet-{host.name}.kubeconfig'}",
        f"--hostname={host.name}",
        f"--node-ip={host.address}",
        f"--state-dir={state}",
        f"--images={paths.images}",
        f"--cluster-dns={region.cluster_dns}",
        f"--cluster-domain={region.cluster_domain}",
        f"--labels={labels}",
        f"--policy-kubeconfig={paths.region(region.name) / 'network-policy.kubeconfig'}",
    ]
    return Daemon(f"kubelet-{host.name}", argv, world.netns(host.name), mount_file(paths, host))


def proxy(paths: LabPaths, world: World, region: Region, host: Host, bin_dir: Path) -> Daemon:
    argv = [
        str(bin_dir / "kube-proxy"),
        f"--kubeconfig={paths.region(region.name) / 'kube-proxy.kubeconfig'}",
        f"--hostname-override={host.name}",
        "--proxy-mode=nftables",
        f"--cluster-cidr={region.pod_cidr}",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]
    return Daemon(f"kube-proxy-{host.name}", argv, world.netns(host.name))


def cloud(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> Daemon:
    """Node routes, load balancer addresses and volumes of a region."""
    disks = paths.region(region.name) / "disks"
    disks.mkdir(mode=0o755, parents=True, exist_ok=True)
    argv = [
        str(bin_dir / "lab-cloud"),
        f"--kubeconfig={paths.region(region.name) / 'lab-cloud.kubeconfig'}",
        f"--router-netns={world.netns(f'{region.name}-router')}",
        f"--lb-cidr={region.lb_cidr}",
        f"--node-cidr={region.node_cidr}",
        f"--state-dir={disks}",
    ]
    return Daemon(f"lab-cloud-{region.name}", argv, world.netns(f"{region.name}-control"))


def make_mount_namespaces(paths: LabPaths, world: World) -> None:
    """Make the hosts' mount namespaces that are not there. Not for several threads at once; several labs may."""
    folder = MACHINE / "mounts"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (MACHINE / "mounts.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_mount():
            # A mount namespace can be kept only at a place whose mounts are not copied into other namespaces.
            run(["mount", "--bind", folder, folder])
            run(["mount", "--make-private", folder])
        for region in world.regions:
            for host in region.hosts:
                file = mount_file(paths, host)
                if not file.is_mount():
                    file.touch()
                    run(["unshare", f"--mount={file}", "--propagation=private", "true"])


def mount_file(paths: LabPaths, host: Host) -> Path:
    """Where a host's mount namespace is kept."""
    return MACHINE / "mounts" / f"{paths.lab_id}-{host.name}"


def drop_mount_namespaces(paths: LabPaths) -> None:
    """Let go of the hosts' mount namespaces, and all mounts in them, once their processes are gone."""
    for file in (MACHINE / "mounts").glob(f"{paths.lab_id}-*"):
        while file.is_mount():
            run(["umount", "-l", file])
        file.unlink(missing_ok=True)


def drop_mount_folder() -> None:
    """Undo what the first lab of the machine needed for its mount namespaces."""
    folder = MACHINE / "mounts"
    while folder.is_mount():
        run(["umount", folder])
