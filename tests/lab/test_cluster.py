"""The dev stack, alive: what a user sees, what it survives, what it never shows. Each test leaves it green."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import topology.__main__ as topology
from tests.lab.stack import (
    RunningStack,
    cluster_ids,
    dev_config,
    identity,
    in_a_lab,
    is_new,
    is_ready,
    members,
    wait_until,
)

REGIONS = ("us-east1", "us-central1", "us-west1")
OTHERS_COREFILE = "corp.example:53 {\n    errors\n    forward . 10.1.0.250\n}\n"
OTHERS_STUB_DOMAINS = {"corp.example": ["10.3.0.250"]}
PRIVATE = "PRIVATE KEY"


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """The dev stack with a user more and a host more in each region, on clusters where others have DNS entries."""
    config = dev_config()
    config["databases"][0]["users"] = ["reader"]
    with in_a_lab("cluster", config, hosts=4) as running:
        running.lab.run("up", "--stack-file", str(running.file), "--hosts", str(running.hosts))
        add_others_dns(running)
        running.up()
        yield running


def add_others_dns(stack: RunningStack) -> None:
    """Entries that someone else has in a cluster's DNS before the program comes."""
    for region in ("us-east1", "us-central1"):
        corefile = stack.get(region, "configmap", "coredns", "-n", "kube-system")["data"]["Corefile"]
        patch = json.dumps({"data": {"Corefile": OTHERS_COREFILE + corefile}})
        stack.kubectl(region, "patch", "configmap", "coredns", "-n", "kube-system", "--type=merge", "-p", patch)
    patch = json.dumps({"data": {"stubDomains": json.dumps(OTHERS_STUB_DOMAINS)}})
    stack.kubectl("us-west1", "patch", "configmap", "kube-dns", "-n", "kube-system", "--type=merge", "-p", patch)


def test_every_region_reaches_every_other(stack: RunningStack) -> None:
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert set(verdict["matrix"]) == set(REGIONS)
    for row in verdict["matrix"].values():
        assert row == dict.fromkeys(REGIONS, "green")
    assert len(cluster_ids(verdict)) == 1
    assert len(members(verdict)) == 9


def test_pods_come_from_the_statefulset_controller(stack: RunningStack) -> None:
    for region in REGIONS:
        pods = stack.pods(region)
        assert sorted(pods) == [f"cockroachdb-{n}" for n in range(3)]
        assert all(is_ready(pod) for pod in pods.values())
        hosts = {pod["spec"]["nodeName"] for pod in pods.values()}
        zones = {stack.get(region, "node", host)["metadata"]["labels"]["topology.kubernetes.io/zone"] for host in hosts}
        assert len(hosts) == len(zones) == 3, "one node per host and zone"


def test_the_same_up_changes_nothing(stack: RunningStack) -> None:
    before = {region: identity(stack.pods(region)) for region in REGIONS}
    begun = time.monotonic()
    printed = stack.up()
    seconds = time.monotonic() - begun
    summary = [line.strip() for line in printed.splitlines() if "unchanged" in line]
    assert summary, printed
    # Lines of resources; those of policies begin with "- [".
    lines = [line.strip() for line in printed.splitlines() if not line.strip().startswith("- [")]
    assert not [line for line in lines if line.startswith(("+ ", "~ ", "- ", "+-"))], printed
    assert {region: identity(stack.pods(region)) for region in REGIONS} == before
    assert seconds < 60
    stack.run("pulumi", "preview", "--expect-no-changes")


def test_it_is_drawn_from_whatever_the_engine_tells(stack: RunningStack, tmp_path: Path) -> None:
    """A preview, the outputs and the state of a stack that runs give the page that its stack file gives."""
    verdict = tmp_path / "verify.json"
    verdict.write_text(json.dumps(stack.verify()))
    told = {
        "preview": ("preview", "--json", "--show-sames"),
        "outputs": ("stack", "output", "--json"),
        "state": ("stack", "export"),
    }
    pages = {"stack file": drawn(stack.file, verdict)}
    for name, words in told.items():
        source = tmp_path / f"{name}.json"
        source.write_text(stack.run("pulumi", *words).stdout)
        pages[name] = drawn(source, verdict)
    assert "verified: green" in pages["stack file"]
    assert {name for name, page in pages.items() if page != pages["stack file"]} == set()


def drawn(source: Path, verdict: Path) -> str:
    """The page of a source, with health."""
    output = source.with_suffix(".html")
    assert topology.main([str(source), "--verify", str(verdict), "-o", str(output)]) == 0
    return output.read_text(encoding="utf-8")


def test_databases_are_as_configured(stack: RunningStack, tmp_path: Path) -> None:
    outputs = stack.outputs()
    address = outputs["sqlEndpoints"]["us-west1"].partition(":")[0]
    certificates = stack.certificates(tmp_path, "app")

    def ask(statement: str) -> list[list[str]]:
        done = stack.sql(address, certificates, "app", statement)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()[1:]]

    assert {row[1] for row in ask("SHOW REGIONS FROM DATABASE bank")} == set(REGIONS)
    assert ask("SHOW SURVIVAL GOAL FROM DATABASE bank")[0][-1] == "region"
    assert {"app", "reader", "verifier"} <= {row[0] for row in ask("SHOW USERS")}
    assert ["bank", "app"] in [row[:2] for row in ask("SHOW DATABASES")]


def test_a_certificate_logs_in_its_own_user_only(stack: RunningStack, tmp_path: Path) -> None:
    address = stack.outputs()["sqlEndpoints"]["us-east1"].partition(":")[0]
    (tmp_path / "own").mkdir()
    own = stack.sql(address, stack.certificates(tmp_path / "own", "app"), "app", "SELECT 1")
    assert own.returncode == 0, own.stderr
    (tmp_path / "other").mkdir()
    borrowed = stack.certificates(tmp_path / "other", "reader", filed_as="app")
    refused = stack.sql(address, borrowed, "app", "SELECT 1")
    assert refused.returncode != 0
    assert "certificate" in refused.stderr.lower()


def test_no_private_key_is_in_the_open(stack: RunningStack) -> None:
    state = [file.read_text(errors="replace") for file in (stack.paths.root / "pulumi").rglob("*.json*")]
    assert state
    assert not [text for text in state if PRIVATE in text]
    assert PRIVATE not in json.dumps(stack.outputs())
    assert PRIVATE not in stack.run("pulumi", "preview", "--diff", "--refresh").stdout
    for region in REGIONS:
        assert PRIVATE not in json.dumps(stack.get(region, "pods,jobs,statefulsets,configmaps", "-n", region))
        for pod in stack.get(region, "pods", "-n", region)["items"]:
            logs = stack.kubectl(
                region, "logs", "-n", region, pod["metadata"]["name"], "--all-containers", "--tail=-1", check=False
            )
            assert PRIVATE not in logs
    roots = [region for region in REGIONS if "cockroachdb-client-root" in secret_names(stack, region)]
    assert roots == ["us-east1"], "root's key is in the init region alone"


def secret_names(stack: RunningStack, region: str) -> list[str]:
    return [secret["metadata"]["name"] for secret in stack.get(region, "secrets", "-n", region)["items"]]


def test_a_killed_pod_comes_back_as_itself(stack: RunningStack) -> None:
    region, name = "us-central1", "cockroachdb-1"
    node = f"{name}.cockroachdb.{region}.svc.cluster.local:26257"
    before, pod = members(stack.verify()), stack.pods(region)[name]
    stack.kubectl(region, "delete", "pod", "-n", region, name, "--grace-period=0", "--force")
    wait_until(120, f"{name} is another pod, and ready", lambda: is_new(stack, region, pod))
    stack.until_green(90)
    after = members(stack.verify())
    assert after == before, "the same names have the same node ids: the stores came back"
    assert node in after


def test_a_pod_moved_to_another_host_is_the_same_node(stack: RunningStack) -> None:
    region = "us-east1"
    nodes = {node["metadata"]["name"]: node for node in stack.get(region, "nodes")["items"]}
    zones = {name: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for name, node in nodes.items()}
    crowded = next(zone for zone in zones.values() if list(zones.values()).count(zone) > 1)
    pod = next(pod for pod in stack.pods(region).values() if zones[pod["spec"]["nodeName"]] == crowded)
    name, host = pod["metadata"]["name"], pod["spec"]["nodeName"]
    before = members(stack.verify())
    stack.kubectl(region, "cordon", host)
    try:
        stack.kubectl(region, "delete", "pod", "-n", region, name, "--grace-period=0", "--force")
        wait_until(120, f"{name} is ready again", lambda: is_new(stack, region, pod))
    finally:
        stack.kubectl(region, "uncordon", host)
    moved = stack.pods(region)[name]
    assert moved["spec"]["nodeName"] != host
    assert moved["status"]["podIP"] != pod["status"]["podIP"]
    stack.until_green(90)
    assert members(stack.verify()) == before


@pytest.mark.parametrize("region", ["us-east1", "us-west1"])
def test_killed_dns_servers_recover_without_an_up(stack: RunningStack, region: str) -> None:
    stack.lab.run("fault", "kill-dns", region)
    stack.until_green(120)


def test_a_cut_region_is_named_and_heals(stack: RunningStack) -> None:
    stack.lab.run("fault", "cut", "us-west1")
    try:
        verdict = stack.verify()
    finally:
        stack.lab.run("fault", "heal")
    assert verdict["verdict"] == "red"
    assert verdict["matrix"]["us-east1"]["us-west1"] == "red"
    assert verdict["matrix"]["us-west1"]["us-east1"] == "red"
    assert verdict["matrix"]["us-east1"]["us-central1"] == "green", verdict["findings"]
    assert "route" in {found["layer"] for found in verdict["findings"]}
    stack.until_green(120)


def test_a_dead_dns_balancer_is_named(stack: RunningStack) -> None:
    stack.lab.run("fault", "kill-balancer", "us-central1")
    try:
        verdict = stack.verify()
    finally:
        stack.lab.run("fault", "heal")
    assert verdict["verdict"] == "red"
    layers = {found["layer"] for found in verdict["findings"] if found["target"] == "us-central1"}
    assert "DNS" in layers
    stack.until_green(120)


def test_an_upgrade_restarts_one_region_at_a_time(stack: RunningStack) -> None:
    """New image, label and CPU: every pod restarts once and keeps its volume; no replacement, no second init."""
    before = {region: stack.pods(region) for region in REGIONS}
    ids, told = cluster_ids(stack.verify()), members(stack.verify())
    init = stack.get("us-east1", "job", "cockroachdb-init", "-n", "us-east1")["metadata"]["uid"]
    sets = {region: statefulset_uid(stack, region) for region in REGIONS}
    config = stack.config()
    config["cockroachdb"]["resources"]["cpu"] = "120m"
    config["cockroachdb"] |= {"version": "v26.2.6", "labels": {"team": "payments"}}
    stack.configure(config)
    stack.up()
    starts: list[tuple[str, str]] = []
    for region in REGIONS:
        after = stack.pods(region)
        for name, pod in after.items():
            assert pod["metadata"]["uid"] != before[region][name]["metadata"]["uid"]
            container = pod["spec"]["containers"][0]
            assert container["resources"]["requests"]["cpu"] == "120m"
            assert container["image"].endswith(":v26.2.6")
            assert pod["metadata"]["labels"]["team"] == "payments"
            starts.append((pod["metadata"]["creationTimestamp"], region))
    order = [region for _, region in sorted(starts)]
    assert order == [region for region in REGIONS for _ in range(3)], "regions never restart together"
    assert {region: statefulset_uid(stack, region) for region in REGIONS} == sets
    assert stack.get("us-east1", "job", "cockroachdb-init", "-n", "us-east1")["metadata"]["uid"] == init
    verdict = stack.until_green(90)  # The last pod to restart may have been the database's leader.
    assert (cluster_ids(verdict), members(verdict)) == (ids, told)


def statefulset_uid(stack: RunningStack, region: str) -> str:
    return stack.get(region, "statefulset", "cockroachdb", "-n", region)["metadata"]["uid"]


def test_other_peoples_dns_entries_are_kept(stack: RunningStack) -> None:
    for region in ("us-east1", "us-central1"):
        corefile = stack.get(region, "configmap", "coredns", "-n", "kube-system")["data"]["Corefile"]
        assert corefile.startswith(OTHERS_COREFILE)
        assert "us-west1.svc.cluster.local" in corefile
    data = stack.get("us-west1", "configmap", "kube-dns", "-n", "kube-system")["data"]
    domains = json.loads(data["stubDomains"])
    assert domains["corp.example"] == OTHERS_STUB_DOMAINS["corp.example"]
    assert "us-east1.svc.cluster.local" in domains


def test_destroy_must_be_meant(stack: RunningStack) -> None:
    """Last: it takes the database away. The clusters stay as they were, other people's entries included."""
    uids = {region: identity(stack.pods(region)) for region in REGIONS}
    refused = stack.run("pulumi", "destroy", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    assert "protect" in (refused.stdout + refused.stderr)
    assert {region: identity(stack.pods(region)) for region in REGIONS} == uids

    stack.configure({**stack.config(), "allowDataLoss": True})
    stack.up()
    stack.run("pulumi", "destroy", "--yes", "--skip-preview")
    for region in REGIONS:
        namespaces = {one["metadata"]["name"] for one in stack.get(region, "namespaces")["items"]}
        assert namespaces == {"default", "kube-system", "kube-public", "kube-node-lease"}
        services = {one["metadata"]["name"] for one in stack.get(region, "services", "-n", "kube-system")["items"]}
        assert services == {"kube-dns"}
        assert "cockroachdb" not in stack.kubectl(region, "get", "clusterroles,clusterrolebindings", "-o", "name")
    for region in ("us-east1", "us-central1"):
        corefile = stack.get(region, "configmap", "coredns", "-n", "kube-system")["data"]["Corefile"]
        assert corefile.startswith(OTHERS_COREFILE)
        assert "us-west1" not in corefile
    data = stack.get("us-west1", "configmap", "kube-dns", "-n", "kube-system")["data"]
    assert json.loads(data["stubDomains"]) == OTHERS_STUB_DOMAINS
