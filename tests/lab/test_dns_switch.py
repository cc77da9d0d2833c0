"""A cluster's DNS while the program takes its place, and gives it back: names resolve all the time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.lab.stack import Json, RunningStack, in_a_lab, pods_of, region, small_config, wait_until
from tests.lab.watching import Seen, start, stop, watched

KINDS = {"alpha": "coredns", "gamma": "kube-dns"}
NODES = {"alpha": 2, "gamma": 1}
OLD = {"alpha": "coredns", "gamma": "kube-dns"}
"""The Deployment that each cluster came with, which is called like the ConfigMap that it reads."""
GATEWAY, PRIMARY = "cockroachdb-coredns-gateway", "cockroachdb-coredns-primary"
GAMMA_HOST = "gamma-host-0"
CLUSTER_DNS = {"alpha-host-0": "10.1.32.10", GAMMA_HOST: "10.2.32.10"}
NAME = "kubernetes.default.svc.cluster.local"
NODE_NAMES = [
    f"cockroachdb-{ordinal}.cockroachdb.{name}.svc.{name}.cockroachdb.internal"
    for name, nodes in NODES.items()
    for ordinal in range(nodes)
]
FOREIGN_ZONE, FOREIGN_NAME = "corp.example", "www.corp.example"
FOREIGN_HOST = "gamma-host-1"

ANSWERER = """
import select, socket, sys

link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.bind((sys.argv[1], 53))
while not select.select([sys.stdin, link], [], [])[0][0] is sys.stdin:
    query, who = link.recvfrom(4096)
    question = query[12 : query.index(b"\\0", 12) + 5]
    header = query[:2] + b"\\x85\\x80\\0\\1\\0\\1\\0\\0\\0\\0"
    link.sendto(header + question + b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\0\\0\\4\\xc0\\0\\2\\1", who)
"""
"""Other people's DNS server: every name has one address, which nobody may remember."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def config(give_up: Sequence[str] = (), *, switch: bool = True) -> Json:
    regions: list[Json] = [
        {**region(name, kind, NODES[name]), "strategyOptions": {"switch": switch}} for name, kind in KINDS.items()
    ]
    regions[1]["strategyOptions"]["giveUp"] = list(give_up)
    return {**small_config(*regions), "strategy": "coredns-primary", "allowDataLoss": True}


@pytest.fixture(scope="module")
def clusters() -> Iterator[RunningStack]:
    """No stack yet; gamma's DNS forwards a zone to other people's server."""
    with in_a_lab("dns-switch", config(), hosts=2) as running:
        running.lab.run("up", "--stack-file", str(running.file), "--hosts", str(running.hosts))
        address = running.get("gamma", "node", FOREIGN_HOST)["status"]["addresses"][0]["address"]
        forwards = json.dumps({"data": {"stubDomains": json.dumps({FOREIGN_ZONE: [address]})}})
        running.kubectl("gamma", "-n", "kube-system", "patch", "configmap", "kube-dns", "--type=merge", "-p", forwards)
        others = {"others": start(running.lab, FOREIGN_HOST, ANSWERER, address)}
        try:
            wait_until(60, "all of gamma's DNS knows others' names", lambda: not foreign_failures(running))
            yield running
        finally:
            stop(others)


@pytest.fixture(scope="module")
def before(clusters: RunningStack) -> dict[str, Json]:
    """Every cluster's DNS configuration as it was."""
    return texts(clusters)


@pytest.fixture
def stack(clusters: RunningStack, before: dict[str, Json]) -> RunningStack:
    return clusters


def foreign_failures(stack: RunningStack) -> list[str]:
    """What came of asking every one of gamma's servers for others' name once."""
    failed: list[str] = []
    for pod in dns_pods(stack, "gamma"):
        with watched(stack.lab, {GAMMA_HOST: pod["status"].get("podIP", "")}, [FOREIGN_NAME]) as seen:
            pass
        failed += [f"{pod['metadata']['name']}: {each}" for each in seen[GAMMA_HOST].failed]
    return failed


def replicas(stack: RunningStack, name: str) -> dict[str, int]:
    """Ready replicas of the DNS Deployments."""
    found = stack.get(name, "deployments", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
    return {each["metadata"]["name"]: each["status"].get("readyReplicas", 0) for each in found}


def answering(stack: RunningStack, name: str) -> set[str]:
    """Whose they are, by the names of their Deployments."""
    return {pod["metadata"]["name"].rsplit("-", 2)[0] for pod in dns_pods(stack, name)}


def dns_pods(stack: RunningStack, name: str) -> list[Json]:
    """The pods behind the Service that every pod asks."""
    pods = stack.get(name, "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def texts(stack: RunningStack) -> dict[str, Json]:
    return {name: stack.get(name, "configmap", own, "-n", "kube-system")["data"] for name, own in OLD.items()}


def assert_all_resolved(seen: Mapping[str, Seen]) -> None:
    assert {place: each.failed for place, each in seen.items()} == {place: [] for place in CLUSTER_DNS}
    assert all(each.rounds > 100 for each in seen.values()), seen


def assert_switched(stack: RunningStack) -> None:
    assert stack.verify()["verdict"] == "green"
    for name in KINDS:
        assert replicas(stack, name) == {OLD[name]: 0, GATEWAY: 2, PRIMARY: 2}
        assert answering(stack, name) == {PRIMARY}


def test_nothing_new_answers_before_others_entries_are_safe(stack: RunningStack) -> None:
    stack.configure(config())
    with watched(stack.lab, {GAMMA_HOST: CLUSTER_DNS[GAMMA_HOST]}, [NAME, FOREIGN_NAME]) as seen:
        printed = stack.up(check=False)
        assert foreign_failures(stack) == []
    assert f"entries that would be lost with it: {FOREIGN_ZONE}" in printed
    assert seen[GAMMA_HOST].failed == []
    assert replicas(stack, "gamma") == {"kube-dns": 2, GATEWAY: 2}
    assert answering(stack, "gamma") == {"kube-dns"}


def test_names_resolve_while_dns_is_replaced_rolled_back_and_put_back(
    stack: RunningStack, before: dict[str, Json]
) -> None:
    with watched(stack.lab, CLUSTER_DNS, [NAME]) as cluster:
        stack.configure(config([FOREIGN_ZONE]))
        stack.up()
        assert_switched(stack)
        assert foreign_failures(stack), "what was given up is gone"

        pods = pods_of(stack, KINDS)
        with watched(stack.lab, CLUSTER_DNS, [NAME, *NODE_NAMES]) as nodes:
            stack.configure(config([FOREIGN_ZONE], switch=False))
            stack.up()
            for name in KINDS:
                assert replicas(stack, name) == {OLD[name]: 2, GATEWAY: 2}
                assert answering(stack, name) == {OLD[name]}
            assert stack.verify()["verdict"] == "green"
            assert foreign_failures(stack) == [], "what was given up is back"

            stack.configure(config([FOREIGN_ZONE]))
            stack.up()
            assert_switched(stack)
        assert_all_resolved(nodes)
        assert pods_of(stack, KINDS) == pods, "the database's pods were left alone"

        stack.run("pulumi", "destroy", "--yes", "--skip-preview")
        for name in KINDS:
            assert replicas(stack, name) == {OLD[name]: 2}
            assert answering(stack, name) == {OLD[name]}
    assert_all_resolved(cluster)
    assert texts(stack) == before, "others' entries are as they were"
