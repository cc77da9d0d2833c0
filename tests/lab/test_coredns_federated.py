"""`coredns-federated` without another region's API server, and with new credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.strategies.coredns_federated import names
from tests.lab.asking import asked
from tests.lab.stack import Json, RunningStack, in_a_lab, region, small_config, wait_until
from tests.lab.watching import watched

WORD = "coredns-federated"
NAMES = ("alpha", "beta", "gamma")
CLUSTER_DNS, KNOWS_ALL, ANY_SERVER = "10.1.32.10", "10.1.32.53", "10.1.32.54"
"""Alpha's, by the plan and the lab's convention."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def config(generation: int) -> Json:
    regions = [region(place, kind, 1) for place, kind in zip(NAMES, ("coredns", "coredns", "kube-dns"), strict=True)]
    return {
        **small_config(*regions),
        "strategy": WORD,
        "strategyOptions": {"credentialGeneration": generation},
    }


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with in_a_lab("federated", config(1), hosts=2) as running:
        running.up()
        yield running


def name_of(place: str, pod: str = "cockroachdb-0") -> str:
    return f"{pod}.cockroachdb.{place}.svc.cluster.local"


def ask(stack: RunningStack, server: str, place: str, pod: str = "cockroachdb-0") -> str:
    """What a server tells a host of alpha: the code and the addresses, or why there is no answer."""
    found = asked(stack.lab, "alpha-host-0", server, name_of(place, pod))
    return " ".join([found["rcode"], *found["addresses"]]) if "rcode" in found else found.get("error", "cannot ask")


def address(stack: RunningStack, place: str) -> str:
    return stack.pods(place)["cockroachdb-0"]["status"]["podIP"]


def servers(stack: RunningStack, place: str) -> dict[str, bool]:
    """Uid -> whether it is ready."""
    found = stack.get(place, "pods", "-n", names.NAMESPACE)["items"]
    return {
        pod["metadata"]["uid"]: any(
            one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", [])
        )
        for pod in found
        if "deletionTimestamp" not in pod["metadata"]
    }


def test_names_of_a_region_without_api_server_stay_known_until_all_servers_restart(stack: RunningStack) -> None:
    there = {place: address(stack, place) for place in NAMES}
    before = servers(stack, "alpha")
    stack.lab.run("fault", "stop-api", "gamma")
    try:
        for server in (KNOWS_ALL, ANY_SERVER, CLUSTER_DNS):
            assert ask(stack, server, "gamma") == f"NOERROR {there['gamma']}"
        assert ask(stack, KNOWS_ALL, "gamma", "never-asked-before") == "NXDOMAIN", "known, not remembered"

        stack.kubectl("alpha", "-n", names.NAMESPACE, "delete", "pods", "--all", "--grace-period=1")
        wait_until(60, "servers answer without gamma", lambda: ask(stack, ANY_SERVER, "gamma") == "SERVFAIL")
        assert ask(stack, ANY_SERVER, "beta") == f"NOERROR {there['beta']}", "gamma's loss is gamma's alone"
        assert ask(stack, CLUSTER_DNS, "beta") == f"NOERROR {there['beta']}"
        assert not any(servers(stack, "alpha").values()), "none is ready that lacks a region"
    finally:
        stack.lab.run("fault", "heal")
    wait_until(120, "servers know gamma again", lambda: list(servers(stack, "alpha").values()) == [True, True])
    assert not before.keys() & servers(stack, "alpha").keys()
    assert ask(stack, KNOWS_ALL, "gamma") == f"NOERROR {there['gamma']}"
    stack.until_green(90)


def test_a_name_follows_its_pod(stack: RunningStack) -> None:
    stack.kubectl("gamma", "-n", "gamma", "delete", "pod", "cockroachdb-0")

    def follows() -> bool:
        pod = stack.pods("gamma").get("cockroachdb-0")
        moved = pod["status"].get("podIP", "") if pod else ""
        return bool(moved) and ask(stack, KNOWS_ALL, "gamma") == f"NOERROR {moved}"

    wait_until(120, "alpha knows the pod's address of now", follows)
    stack.until_green(90)


def test_credentials_change_without_a_gap(stack: RunningStack) -> None:
    before = {place: servers(stack, place) for place in NAMES}
    stack.configure(config(2))
    # A cluster's CoreDNS hides a gap of these servers', as it remembers; they are asked themselves, too.
    servers_of = {f"{place}-host-0": f"10.{number}.32.10" for number, place in enumerate(NAMES, 1)}
    servers_of["alpha-host-1"] = KNOWS_ALL
    with watched(stack.lab, servers_of, [name_of("beta"), name_of("gamma")]) as seen:
        stack.up()
    assert {place: each.failed for place, each in seen.items()} == {place: [] for place in servers_of}
    assert all(each.rounds > 50 for each in seen.values()), seen
    for place in NAMES:
        secrets = stack.get(place, "secrets", "-n", names.NAMESPACE)["items"]
        tokens = [one["metadata"]["name"] for one in secrets if one["type"] == "kubernetes.io/service-account-token"]
        assert tokens == [names.token_secret(2)], "the old one ended with its Secret"
        assert not before[place].keys() & servers(stack, place).keys(), "servers with the new one took over"
        assert list(servers(stack, place).values()) == [True, True]
    assert stack.verify()["verdict"] == "green"


def test_the_credential_reads_names_and_nothing_else(stack: RunningStack) -> None:
    who = f"--as=system:serviceaccount:{names.NAMESPACE}:{names.READER}"

    def may(*words: str) -> bool:
        answer = stack.kubectl("alpha", "auth", "can-i", *words, who, "--all-namespaces", check=False)
        return answer.strip() == "yes"

    assert all(may(verb, what) for verb in ("list", "watch") for what in ("services", "namespaces"))
    assert all(may(verb, "endpointslices.discovery.k8s.io") for verb in ("list", "watch"))
    for forbidden in (("list", "secrets"), ("list", "pods"), ("get", "services"), ("create", "services")):
        assert not may(*forbidden)


def test_a_revoked_credential_is_named_and_the_next_one_mends_it(stack: RunningStack) -> None:
    stack.kubectl("gamma", "-n", names.NAMESPACE, "delete", "secrets", "-l", f"app.kubernetes.io/name={names.SERVERS}",
                  "--field-selector", "type=kubernetes.io/service-account-token")  # fmt: skip
    assert stack.verify()["verdict"] == "green", "what is known stays known"
    for place in ("alpha", "beta"):
        stack.kubectl(place, "-n", names.NAMESPACE, "delete", "pods", "--all", "--grace-period=1")
    wait_until(60, "servers answer without gamma", lambda: ask(stack, ANY_SERVER, "gamma") == "SERVFAIL")
    verdict = stack.verify()
    assert verdict["verdict"] == "red"
    red = [one for one in verdict["findings"] if one["severity"] == "red" and one["source"] == "alpha"]
    assert red, verdict["findings"]
    assert {one["target"] for one in red} == {"gamma"}
    assert any("a credential that was revoked" in one["fix"] for one in red)

    generation = int(stack.config()["strategyOptions"]["credentialGeneration"]) + 1
    stack.configure(config(generation))
    stack.up()
    stack.until_green(90)
