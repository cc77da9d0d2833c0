"""One real API server with its etcd and controllers on loopback: what the provider plugins are tried on."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import kubeconfig, pki, tools
from lab.kubeconfig import Access
from lab.pki import Leaf

READY_SECONDS = 60.0
CONTROLLERS = ("garbage-collector-controller", "namespace-controller")
"""Deletion needs these two; every other status is written by the tests."""


@dataclass(slots=True)
class Cluster:
    """A running API server, and the kubeconfig that leads to it."""

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; raises CalledProcessError with its words in `stderr`."""
        argv = [str(tools.bin_dir() / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True, timeout=60).stdout

    def get(self, *what: str) -> Any:
        """An object, or a list of them; None where there is none."""
        text = self.kubectl("get", *what, "-o", "json", "--ignore-not-found", "--show-managed-fields")
        return json.loads(text) if text.strip() else None

    def set_status(self, kind: str, namespace: str, name: str, status: dict[str, Any]) -> None:
        """Write a status, as the kind's controller would."""
        patch = json.dumps({"status": status})
        self.kubectl("patch", kind, name, f"-n={namespace}", "--subresource=status", "--type=merge", f"-p={patch}")

    def stop(self) -> None:
        """End what was started. Nothing of it is kept, so nothing has to end well."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


def start(folder: Path) -> Cluster:
    """Start a cluster in an empty folder. Raises AssertionError with the end of the log where it does not come up."""
    keys = folder / "pki"
    pki.ensure(
        keys,
        [
            Leaf("apiserver", "kube-apiserver", None, ("127.0.0.1", "localhost")),
            Leaf("admin", "admin", "system:masters"),
        ],
    )
    etcd, peer, port = free_ports(3)
    cluster = Cluster(folder, port)
    kubeconfig.write(cluster.kubeconfig, [Access("conformance", f"https://127.0.0.1:{port}", keys, "admin")])
    _run(
        cluster,
        "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{etcd}",
        f"--advertise-client-urls=http://127.0.0.1:{etcd}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )
    _run(
        cluster,
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--client-ca-file={keys / 'ca.crt'}",
        f"--tls-cert-file={keys / 'apiserver.crt'}",
        f"--tls-private-key-file={keys / 'apiserver.key'}",
        "--service-account-issuer=https://conformance",
        f"--service-account-key-file={keys / 'sa.pub'}",
        f"--service-account-signing-key-file={keys / 'sa.key'}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
    )
    _wait_ready(cluster)
    _run(
        cluster,
        "kube-controller-manager",
        f"--kubeconfig={cluster.kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
    )
    return cluster


def _run(cluster: Cluster, name: str, *arguments: str) -> None:
    with (cluster.folder / f"{name}.log").open("ab") as log:
        argv: Sequence[str] = [str(tools.bin_dir() / name), *arguments]
        cluster.processes.append(subprocess.Popen(argv, stdout=log, stderr=log, process_group=0))


def _wait_ready(cluster: Cluster) -> None:
    deadline = time.monotonic() + READY_SECONDS
    context = ssl.create_default_context(cafile=str(cluster.folder / "pki" / "ca.crt"))
    while True:
        try:
            with urllib.request.urlopen(
                f"https://127.0.0.1:{cluster.port}/readyz", timeout=2, context=context
            ) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        dead = [process for process in cluster.processes if process.poll() is not None]
        if dead or time.monotonic() > deadline:
            log = (cluster.folder / "kube-apiserver.log").read_text()[-2000:]
            cluster.stop()
            raise AssertionError(f"the API server did not come up: {log}")
        time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def environment_without_kubeconfig() -> dict[str, str]:
    """The tests' own environment, without what would lead a plugin to another cluster."""
    return {name: value for name, value in os.environ.items() if name != "KUBECONFIG" and "PULUMI" not in name}
