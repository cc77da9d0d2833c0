"""Faults do what they say, and what is healed works again."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import pytest

from lab import netns, processes
from lab.tools import bin_dir
from tests.lab.asking import asked
from tests.lab.running import RunningLab

KUBERNETES = "kubernetes.default.svc.cluster.local"
PODS = "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns"


def kubectl(lab: RunningLab, region: str, *words: str) -> str:
    argv = [str(bin_dir() / "kubectl"), "--kubeconfig", str(lab.paths.kubeconfig), "--context", region, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def resolves(lab: RunningLab, host: str, server: str, address: str) -> bool:
    """Whether a server says that the API server's Service is at that address."""
    return asked(lab, host, server, KUBERNETES).get("addresses") == [address]


def within(seconds: float, done: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.5)
    return False


def dns_pods(lab: RunningLab, region: str) -> dict[str, bool]:
    """Cluster DNS pods by uid, and whether they are ready."""
    items = json.loads(kubectl(lab, region, "get", "--raw", PODS))["items"]
    return {
        pod["metadata"]["uid"]: any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod["status"].get("conditions", [])
        )
        for pod in items
    }


def test_every_hosts_dns_answers(lab: RunningLab) -> None:
    for n, region in enumerate(("us-east1", "us-central1", "us-west1"), 1):
        for host in range(3):
            where = (f"{region}-host-{host}", f"10.{n}.32.10")
            # One question is no test: the machine does more than this.
            assert within(30, lambda where=where, n=n: resolves(lab, *where, f"10.{n}.32.1")), where


def test_kube_dns_follows_its_config_map(lab: RunningLab) -> None:
    """An entry sends its zone to another region's DNS (here: to a pod of it), and its removal ends that."""
    pod = json.loads(kubectl(lab, "us-east1", "get", "--raw", PODS))["items"][0]["status"]["podIP"]
    patch = {"data": {"stubDomains": json.dumps({"default.svc.cluster.local": [pod]})}}
    kubectl(lab, "us-west1", "-n", "kube-system", "patch", "configmap", "kube-dns", "-p", json.dumps(patch))
    try:
        assert within(90, lambda: resolves(lab, "us-west1-host-0", "10.3.32.10", "10.1.32.1"))
    finally:
        remove = json.dumps({"data": {"stubDomains": None}})
        kubectl(lab, "us-west1", "-n", "kube-system", "patch", "configmap", "kube-dns", "-p", remove)
    assert within(90, lambda: resolves(lab, "us-west1-host-0", "10.3.32.10", "10.3.32.1"))


def test_killed_dns_comes_back_by_itself(lab: RunningLab) -> None:
    before = dns_pods(lab, "us-central1")
    assert list(before.values()) == [True, True]
    lab.run("fault", "kill-dns", "us-central1")
    assert not dns_pods(lab, "us-central1").keys() & before.keys()
    assert within(90, lambda: list(dns_pods(lab, "us-central1").values()) == [True, True])
    assert within(30, lambda: resolves(lab, "us-central1-host-0", "10.2.32.10", "10.2.32.1"))


@pytest.mark.long
def test_a_dropped_host_is_dead_until_restored(lab: RunningLab) -> None:
    host = "us-west1-host-2"
    space = f"{lab.paths.prefix}{host}"

    def ready() -> bool:
        node = json.loads(kubectl(lab, "us-west1", "get", "node", host, "-o", "json"))
        conditions = {item["type"]: item for item in node["status"]["conditions"]}
        return conditions["Ready"]["status"] == "True"

    assert ready()
    assert list(processes.lab_processes(netns.inodes(space), lab.paths.host(host)))
    lab.run("fault", "drop-node", host)
    try:
        assert not list(processes.lab_processes(netns.inodes(space), lab.paths.host(host)))
        ping = ["/usr/bin/python3", "-c", "import socket; socket.create_connection(('10.3.0.12', 10250), 2)"]
        assert lab.inside("us-west1-host-0", *ping).returncode != 0
        assert within(120, lambda: not ready()), "the control plane notices"
    finally:
        lab.run("fault", "restore", host)
    assert within(120, ready)
    assert lab.inside("us-west1-host-0", *ping).returncode == 0
    assert within(120, lambda: list(dns_pods(lab, "us-west1").values()).count(True) >= 2)
