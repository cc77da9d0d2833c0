"""`proxy`: one of a region's two proxies is enough."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.stack import RunningStack, in_a_lab, is_ready, region, small_config, wait_until

CONNECT = """
import socket, ssl, sys
context = ssl._create_unverified_context()
failed = 0
for _ in range(40):
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), 1) as plain:
            with context.wrap_socket(plain) as link:
                assert link.getpeercert(binary_form=True)
    except OSError:
        failed += 1
print(failed)
"""
"""New connections, each from another port and so by another way, as far as the node's own TLS: how many failed."""

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    regions = [{**region(name, "coredns", 1), "podsRouted": False} for name in ("alpha", "beta", "gamma")]
    with in_a_lab("proxies", {**small_config(*regions), "strategy": "proxy"}, hosts=2) as running:
        running.up()
        yield running


def proxies(stack: RunningStack) -> dict[str, bool]:
    """Proxy pods of beta that are there, and whether they are ready."""
    found = stack.get("beta", "pods", "-n", "beta-proxy")["items"]
    return {pod["metadata"]["name"]: is_ready(pod) for pod in found}


def failed(stack: RunningStack) -> int:
    """Of forty new connections from alpha's host to beta's node, how many did not come through."""
    (node,) = next(each for each in stack.outputs()["topology"]["regions"] if each["name"] == "beta")["nodes"]
    words = ("/usr/bin/python3", "-c", CONNECT, node["address"], str(node["httpPort"]))
    answer = stack.lab.inside("alpha-host-0", *words)
    return int(answer.stdout.strip() or 40)


def test_both_proxies_stand_on_hosts_of_their_own(stack: RunningStack) -> None:
    found = stack.get("beta", "pods", "-n", "beta-proxy")["items"]
    assert len({pod["spec"]["nodeName"] for pod in found}) == 2
    assert failed(stack) == 0


def test_a_killed_proxy_is_gone_round_by_the_other(stack: RunningStack) -> None:
    """Its host takes no other meanwhile, as when the host is lost."""
    (dead, host), *_ = (
        (pod["metadata"]["name"], pod["spec"]["nodeName"])
        for pod in stack.get("beta", "pods", "-n", "beta-proxy")["items"]
    )
    stack.kubectl("beta", "cordon", host)
    try:
        stack.kubectl("beta", "-n", "beta-proxy", "delete", "pod", dead, "--grace-period=0", "--force")
        wait_until(60, "every connection goes by the other proxy", lambda: failed(stack) == 0)
        assert sum(proxies(stack).values()) == 1
        stack.until_green(60)
        assert sum(proxies(stack).values()) == 1, "green with one proxy"
    finally:
        stack.kubectl("beta", "uncordon", host)
    wait_until(120, "there are two again", lambda: sum(proxies(stack).values()) == 2)


def test_a_changed_file_is_read_without_a_restart(stack: RunningStack) -> None:
    """Two nodes in beta: their ports answer, by the HAProxies that were there."""
    before = set(proxies(stack))
    regions = [
        {**region(name, "coredns", 2 if name == "beta" else 1), "podsRouted": False}
        for name in ("alpha", "beta", "gamma")
    ]
    stack.configure({**small_config(*regions), "strategy": "proxy"})
    stack.up()
    stack.until_green(120)
    assert set(proxies(stack)) == before
