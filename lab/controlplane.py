"""One region's control plane: real etcd, kube-apiserver, kube-controller-manager and kube-scheduler."""

from __future__ import annotations

from pathlib import Path

import yaml

from lab import kubeconfig, pki, processes
from lab.clouds import auth
from lab.kube import Api
from lab.kubeconfig import Access
from lab.paths import LabPaths
from lab.pki import Leaf
from lab.processes import Daemon
from lab.state import held
from lab.world import API_PORT, Region, World

READY_SECONDS = 120.0
"""An API server is ready 5 s after its start on an idle core; many regions start at once on few."""

COMPONENTS = {
    "admin": ("lab-admin", "system:masters"),
    "apiserver-kubelet": ("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "kube-proxy": ("system:kube-proxy", None),
    "lab-cloud": ("lab-cloud", "system:masters"),
    "network-policy": ("lab-network-policy", None),
}
"""Client certificates: file name, user, group."""

AUTHENTICATION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": path} for path in ("/livez", "/readyz", "/healthz")]},
}
"""Nobody unauthenticated gets past the health endpoints."""


def prepare(paths: LabPaths, world: World, region: Region) -> None:
    """Keys, certificates and kubeconfigs of a region. One caller at a time: hosts may come from several sides."""
    with held(paths, f"prepare-{region.name}.lock"):
        _prepare(paths, world, region)


def _prepare(paths: LabPaths, world: World, region: Region) -> None:
    folder = paths.region(region.name)
    keys = folder / "pki"
    domain = region.cluster_domain
    names = (
        *("localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
        *(f"kubernetes.default.svc.{domain}", region.kubernetes_address),
        *(region.api_address, world.api_management_address(region)),
    )
    clients = [Leaf(file, user, group) for file, (user, group) in COMPONENTS.items()]
    hosts = [Leaf(f"kubelet-{host.name}", f"system:node:{host.name}", "system:nodes") for host in region.hosts]
    pki.ensure(keys, [Leaf("apiserver", "kube-apiserver", None, names), *clients, *hosts])
    for client in ("controller-manager", "scheduler"):
        local = Access(region.name, f"https://127.0.0.1:{API_PORT}", keys, client)
        kubeconfig.write(folder / f"{client}.kubeconfig", [local])
    for client in ("kube-proxy", "lab-cloud", "network-policy", *(host.name for host in hosts)):
        kubeconfig.write(folder / f"{client}.kubeconfig", [Access(region.name, region.api_url, keys, client)])
    (folder / "authentication.yaml").write_text(yaml.safe_dump(AUTHENTICATION))
    if region.is_cloud:
        auth.ensure(paths)


def write_user_kubeconfig(paths: LabPaths, world: World) -> None:
    """The kubeconfig that people and Pulumi use: a context per region, by the management addresses."""
    accesses = [
        Access(region.context, world.management_url(region), paths.region(region.name) / "pki", "admin")
        for region in world.regions
    ]
    kubeconfig.write(paths.kubeconfig, accesses)


def api(paths: LabPaths, world: World, region: Region) -> Api:
    """The administrator's client of a region's API server, from the machine's own namespace."""
    return Api(world.management_url(region), paths.region(region.name) / "pki", "admin")


def start(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> None:
    """Start what is not running of a region's control plane, and wait until its API server is ready."""
    start_api(paths, world, region, bin_dir)
    for daemon in (controller_manager(paths, world, region, bin_dir), scheduler(paths, world, region, bin_dir)):
        processes.start(paths, daemon)


def start_api(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> None:
    """Start etcd and the API server; returns when /readyz says ok. Raises LabError with the log's end otherwise."""
    processes.start(paths, etcd(paths, world, region, bin_dir))
    server = api_server(paths, world, region, bin_dir)
    processes.start(paths, server)
    processes.wait_ready(paths, server.name, api(paths, world, region).ready, READY_SECONDS)


def etcd(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> Daemon:
    """A single-member etcd on the control plane's loopback: nothing outside of that namespace can reach it."""
    argv = [
        str(bin_dir / "etcd"),
        f"--name={region.name}",
        f"--data-dir={paths.region(region.name) / 'etcd'}",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        f"--initial-cluster={region.name}=http://127.0.0.1:2380",
        "--auto-compaction-retention=1h",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    return Daemon(f"etcd-{region.name}", argv, _netns(world, region))


def api_server(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> Daemon:
    folder = paths.region(region.name)
    keys = folder / "pki"
    argv = [
        str(bin_dir / "kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={region.api_address}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={region.service_cidr}",
        f"--client-ca-file={keys / 'ca.crt'}",
        f"--tls-cert-file={keys / 'apiserver.crt'}",
        f"--tls-private-key-file={keys / 'apiserver.key'}",
        f"--kubelet-client-certificate={keys / 'apiserver-kubelet.crt'}",
        f"--kubelet-client-key={keys / 'apiserver-kubelet.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-issuer=https://kubernetes.default.svc.{region.cluster_domain}",
        f"--service-account-key-file={keys / 'sa.pub'}",
        f"--service-account-signing-key-file={keys / 'sa.key'}",
        f"--authentication-config={folder / 'authentication.yaml'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
        *([f"--token-auth-file={auth.token_file(paths)}"] if region.is_cloud else ()),
    ]
    return Daemon(f"kube-apiserver-{region.name}", argv, _netns(world, region))


def controller_manager(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> Daemon:
    """Also gives each node its /24 of the pod range, unless that is its subnet's affair (EKS).

    There is one instance, so no leader to elect.
    """
    folder = paths.region(region.name)
    own = folder / "controller-manager.kubeconfig"
    node_ranges = ["--allocate-node-cidrs=true", f"--cluster-cidr={region.pod_cidr}", "--node-cidr-mask-size=24"]
    if region.platform == "eks":
        node_ranges = ["--allocate-node-cidrs=false"]
    argv = [
        str(bin_dir / "kube-controller-manager"),
        f"--kubeconfig={own}",
        f"--authentication-kubeconfig={own}",
        f"--authorization-kubeconfig={own}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        *node_ranges,
        f"--service-cluster-ip-range={region.service_cidr}",
        f"--root-ca-file={folder / 'pki' / 'ca.crt'}",
        f"--service-account-private-key-file={folder / 'pki' / 'sa.key'}",
        f"--cluster-signing-cert-file={folder / 'pki' / 'ca.crt'}",
        f"--cluster-signing-key-file={folder / 'pki' / 'ca.key'}",
        "--profiling=false",
    ]
    return Daemon(f"kube-controller-manager-{region.name}", argv, _netns(world, region))


def scheduler(paths: LabPaths, world: World, region: Region, bin_dir: Path) -> Daemon:
    own = paths.region(region.name) / "scheduler.kubeconfig"
    argv = [
        str(bin_dir / "kube-scheduler"),
        f"--kubeconfig={own}",
        f"--authentication-kubeconfig={own}",
        f"--authorization-kubeconfig={own}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    ]
    return Daemon(f"kube-scheduler-{region.name}", argv, _netns(world, region))


def _netns(world: World, region: Region) -> str:
    return world.netns(f"{region.name}-control")
