"""What runs on a region's hosts, a kubelet and a kube-proxy each, and the region's cloud beside its control plane."""

from __future__ import annotations

from pathlib import Path

from lab import processes
from lab.paths import LabPaths
from lab.processes import Daemon
from lab.world import Host, Region, World

PROVISIONER = "lab.cockroachdb-multiregion/local"
"""Name of the lab's volume provisioner in StorageClasses."""


PROVISIONERS = {
    "existing": (PROVISIONER,),
    "gke": (PROVISIONER, "pd.csi.storage.gke.io"),
    "eks": (PROVISIONER, "ebs.csi.aws.com"),
}
"""What StorageClasses may name: the clouds' own names too, where the program makes classes."""


def networks_file(paths: LabPaths, region: Region) -> Path:
    """Where a GKE region's cloud reads of its subnets and reserved addresses."""
    return paths.region(region.name) / "networks.json"


def start(
    paths: LabPaths, world: World, region: Region, bin_dir: Path, without: frozenset[str], *, keep: bool = False
) -> None:
    """Start what is not running on the region's hosts, except on those in `without` (dropped by a fault).

    What runs from an older program is started anew, unless `keep` says to leave it.
    """
    processes.start(paths, cloud(paths, world, region, bin_dir), keep=keep)
    for host in region.hosts:
        if host.name not in without:
            for daemon in (kubelet(paths, world, region, host, bin_dir), proxy(paths, world, region, host, bin_dir)):
                processes.start(paths, daemon, keep=keep)


def kubelet(paths: LabPaths, world: World, region: Region, host: Host, bin_dir: Path) -> Daemon:
    """One host's kubelet. It makes a mount namespace of its own, so nothing of its pods shows in the machine's."""
    state = paths.host(host.name)
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    labels = f"topology.kubernetes.io/region={region.location or region.name},topology.kubernetes.io/zone={host.zone}"
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
        # The VPC CNI goes by addresses. Cilium, which GKE has and any other cluster may have, lets less through.
        f"--policy-by-identity={'false' if region.platform == 'eks' else 'true'}",
    ]
    return Daemon(f"kubelet-{host.name}", argv, world.netns(host.name))


def proxy(paths: LabPaths, world: World, region: Region, host: Host, bin_dir: Path) -> Daemon:
    """EKS tells it of no pod range: hosts, pods and balancers share one there."""
    argv = [
        str(bin_dir / "kube-proxy"),
        f"--kubeconfig={paths.region(region.name) / 'kube-proxy.kubeconfig'}",
        f"--hostname-override={host.name}",
        "--proxy-mode=nftables",
        *([f"--cluster-cidr={region.pod_cidr}"] if region.platform != "eks" else ()),
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]
    return Daemon(f"kube-proxy-{host.name}", argv, world.netns(host.name))


def cloud(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> Daemon:
    """Node routes, load balancer addresses and volumes of a region. EKS has no load balancers for Services here."""
    balancers = {
        "existing": [f"--lb-cidr={region.lb_cidr}"],
        "gke": [f"--networks={networks_file(paths, region)}"],
        "eks": [],
    }[region.platform]
    disks = paths.region(region.name) / "disks"
    disks.mkdir(mode=0o755, parents=True, exist_ok=True)
    argv = [
        str(bin_dir / "lab-cloud"),
        f"--kubeconfig={paths.region(region.name) / 'lab-cloud.kubeconfig'}",
        f"--router-netns={world.netns(f'{region.name}-router')}",
        f"--node-cidr={region.node_cidr}",
        f"--state-dir={disks}",
        f"--provisioners={','.join(PROVISIONERS[region.platform])}",
        *balancers,
    ]
    return Daemon(f"lab-cloud-{region.name}", argv, world.netns(f"{region.name}-control"))
