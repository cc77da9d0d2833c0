"""A cluster's DNS while the program takes its place, and gives it back: names resolve all the time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.lab.stack import Json, RunningStack, in_a_lab, region, small_config

KINDS = {"alpha": "coredns", "gamma": "kube-dns"}
NODES = {"alpha": 2, "gamma": 1}
OLD = {"alpha": "coredns", "gamma": "kube-dns"}
"""The Deployment that each cluster came with."""
CLUSTER_DNS = {"alpha": "10.1.32.10", "gamma": "10.2.32.10"}
NAME = "kubernetes.default.svc.cluster.local"
FOREIGN = json.dumps({"corp.example": ["192.0.2.53"]})

WATCHER = """
import json, select, socket, struct, sys, time

def ask(server, name):
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(2)
        link.connect((server, 53))
        link.send(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack("!HH", 1, 1))
        flags, _, answers = struct.unpack("!HHH", link.recv(4096)[2:8])
        return flags & 15 == 0 and answers > 0

def resolves(server, name):
    for _ in range(2):
        try:
            return ask(server, name)
        except OSError:
            pass
    return False

asked, failed, begun = 0, [], time.time()
while not select.select([sys.stdin], [], [], 0.1)[0]:
    asked += 1
    if not resolves(*sys.argv[1:3]):
        failed.append(round(time.time() - begun, 1))
print(json.dumps({"asked": asked, "failed": failed}))
"""
"""Asks as a pod's resolver does, which tries twice; says at its end which seconds were bad."""


def config(**more: object) -> Json:
    regions: list[Json] = [region(name, kind, NODES[name]) for name, kind in KINDS.items()]
    regions[1]["strategyOptions"] = dict(more)
    return {**small_config(*regions), "strategy": "coredns-primary", "allowDataLoss": True}


@contextmanager
def watched(stack: RunningStack) -> Iterator[Mapping[str, Json]]:
    """Ask both clusters' DNS from one of their hosts; the mapping has what came of it, afterwards."""
    words = [sys.executable, "-m", "lab", "exec", "--name", stack.paths.name]
    watchers = {
        name: subprocess.Popen(
            [*words, f"{name}-host-0", "--", "/usr/bin/python3", "-c", WATCHER, address, NAME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, address in CLUSTER_DNS.items()
    }
    told: dict[str, Json] = {}
    try:
        yield told
    finally:
        for name, watcher in watchers.items():
            printed, _ = watcher.communicate(timeout=60)
            told[name] = json.loads(printed)


def replicas(stack: RunningStack, name: str) -> dict[str, int]:
    """Ready replicas of the DNS Deployments."""
    found = stack.get(name, "deployments", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
    return {each["metadata"]["name"]: each["status"].get("readyReplicas", 0) for each in found}


def answering(stack: RunningStack, name: str) -> set[str]:
    """Owners of the pods behind the Service that every pod asks, by the names of their Deployments."""
    pods = stack.get(name, "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
    return {pod["metadata"]["name"].rsplit("-", 2)[0] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with in_a_lab("dns-switch", config(), hosts=2) as running:
        running.lab.run("up", "--stack-file", str(running.file), "--hosts", str(running.hosts))
        yield running


@pytest.mark.long
def test_names_resolve_while_dns_is_replaced_refused_and_put_back(stack: RunningStack) -> None:
    stub_domains = json.dumps({"data": {"stubDomains": FOREIGN}})
    stack.kubectl("gamma", "-n", "kube-system", "patch", "configmap", "kube-dns", "--type=merge", "-p", stub_domains)
    with watched(stack) as told:
        printed = stack.up(check=False)
        assert "entries that would be lost with it: corp.example" in printed
        assert replicas(stack, "gamma")["kube-dns"] == 2, "nothing is switched before others' entries are safe"

        stack.configure(config(giveUp=["corp.example"]))
        stack.up()
        assert stack.verify()["verdict"] == "green"
        for name in KINDS:
            assert replicas(stack, name) == {
                OLD[name]: 0,
                "cockroachdb-coredns-gateway": 2,
                "cockroachdb-coredns-primary": 2,
            }
            assert answering(stack, name) == {"cockroachdb-coredns-primary"}

        stack.run("pulumi", "destroy", "--yes", "--skip-preview")
        for name in KINDS:
            assert replicas(stack, name) == {OLD[name]: 2}
            assert answering(stack, name) == {OLD[name]}
    for name, seen in told.items():
        assert seen["asked"] > 100, name
        assert seen["failed"] == [], name
    found = stack.get("gamma", "configmap", "kube-dns", "-n", "kube-system")
    assert found["data"] == {"stubDomains": FOREIGN}, "others' entries are as they were"
