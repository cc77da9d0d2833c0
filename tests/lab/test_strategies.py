"""What every strategy must do, in a lab of its own. The default one has the rest of the lab's tests beside these."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from components.plan.defaults import SQL_PORT
from components.strategies import AVAILABLE
from tests.lab.latency import measure
from tests.lab.stack import (
    Json,
    RunningStack,
    identity,
    in_a_lab,
    is_new,
    members,
    wait_until,
)
from tests.lab.strategies import NAMES, Scene, scene

SAMPLE = ("load-balancer-per-node", "pod-ip")
"""Run by `make test`; all of them by `make acceptance`."""

IN_THE_CLEAR = """
import socket, struct, sys
link = socket.create_connection((sys.argv[1], 26257), 5)
words = b"user\\0verifier\\0\\0"
link.sendall(struct.pack(">II", 8 + len(words), 196608) + words)
try:
    print(link.recv(1).decode() or "closed")
except OSError:
    print("closed")
"""
"""A session of PostgreSQL's protocol that asks for no TLS: `E` is a refusal, `R` would be a welcome."""


def config(name: str, nodes: int = 1) -> Json:
    """The strategy's scene, with so many nodes in the first region."""
    return {**scene(name).config(nodes), "strategy": name}


VERIFIED = """
import socket, ssl, sys
host, port, authority, *names = sys.argv[1:]
for name in names:
    link = socket.create_connection((host, int(port)), 5)
    link.sendall(bytes.fromhex("0000000804d2162f"))
    assert link.recv(1) == b"S"
    try:
        ssl.create_default_context(cadata=authority).wrap_socket(link, server_hostname=name)
        print("verified")
    except ssl.SSLCertVerificationError as error:
        print("mismatch" if error.verify_code in (62, 64) else error.verify_message.replace(" ", "-"))
"""
"""What a client that expects each name says of the certificate behind `host`; 62 and 64: another name, another address.
"""


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.long]) for name in AVAILABLE],
)
def stack(request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    if reason := scene(request.param).not_in_lab:
        pytest.skip(reason)
    with in_a_lab(request.param, config(request.param), hosts=2) as running:
        running.up()
        yield running


Record = Callable[[str, object], None]


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._begun, 1)


def test_every_region_reaches_every_other(stack: RunningStack, record_property: Record) -> None:
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert len(members(verdict)) == len(NAMES)
    state = json.loads(stack.run("pulumi", "stack", "export").stdout)
    record_property("resources", len(state["deployment"]["resources"]))


def test_names_and_connections_take(stack: RunningStack, record_property: Record) -> None:
    """Of a node in another region, as a pod has it."""
    beta = planned(stack, "beta")
    node = beta["nodes"][0]
    host = node["address"] or stack.pods("beta")[node["name"]]["status"]["podIP"]
    zone = "" if is_address(host) else beta["dnsZone"]
    taken = measure(stack, "alpha", host, node.get("port", SQL_PORT), zone)
    assert taken.keys() == ({"cold", "warm", "connect"} if zone else {"connect"})
    for kind, percentiles in taken.items():
        record_property(kind, percentiles)


def test_a_killed_pod_comes_back_as_itself(stack: RunningStack, record_property: Record) -> None:
    before, pod = members(stack.verify()), stack.pods("beta")["cockroachdb-0"]
    watch = Watch()
    stack.kubectl("beta", "-n", "beta", "delete", "pod", "cockroachdb-0", "--wait=false")
    wait_until(120, "the pod is made anew and ready", lambda: is_new(stack, "beta", pod))
    stack.until_green(90)
    record_property("recovered", watch.seconds)
    assert set(members(stack.verify()).values()) == set(before.values()), "the same nodes, none beside them"


def test_a_pod_that_moves_is_the_same_node(stack: RunningStack, record_property: Record) -> None:
    if pinned := scene(str(stack.config()["strategy"])).pinned:
        pytest.skip(pinned)
    before, pod = members(stack.verify()), stack.pods("beta")["cockroachdb-0"]
    host = pod["spec"]["nodeName"]
    stack.kubectl("beta", "cordon", host)
    try:
        watch = Watch()
        stack.kubectl("beta", "-n", "beta", "delete", "pod", "cockroachdb-0", "--wait=false")
        wait_until(120, "the pod is made anew and ready", lambda: is_new(stack, "beta", pod))
    finally:
        stack.kubectl("beta", "uncordon", host)
    stack.until_green(90)
    record_property("recovered", watch.seconds)
    assert stack.pods("beta")["cockroachdb-0"]["spec"]["nodeName"] != host
    assert set(members(stack.verify()).values()) == set(before.values()), "the same nodes, none beside them"


def test_a_cut_region_is_named_and_heals(stack: RunningStack, record_property: Record) -> None:
    stack.lab.run("fault", "cut", "gamma")
    try:
        verdict = stack.verify()
        assert verdict["verdict"] == "red"
        assert any("gamma" in (found["source"], found["target"]) for found in verdict["findings"])
    finally:
        stack.lab.run("fault", "heal")
    watch = Watch()
    stack.until_green(90)
    record_property("recovered", watch.seconds)


def test_lost_addressing_is_named_and_heals(stack: RunningStack, record_property: Record) -> None:
    """Load balancers, or DNS, or whatever a strategy has for regions to find each other by."""
    there = scene(str(stack.config()["strategy"]))
    if there.spared:
        pytest.skip(there.spared)
    try:
        lose(stack, there)
        verdict = stack.verify()
        assert verdict["verdict"] == "red"
        about = {found[there.blamed] for found in verdict["findings"] if found["severity"] == "red"}
        assert about - {None} == there.red, verdict["findings"]
    finally:
        watch = Watch()
        regain(stack, there)
    stack.until_green(90)
    record_property("recovered", watch.seconds)


def lose(stack: RunningStack, there: Scene) -> None:
    for fault in there.faults:
        stack.lab.run("fault", *fault)
    if there.servers is not None:
        scale(stack, there.servers, 0)


def regain(stack: RunningStack, there: Scene) -> None:
    stack.lab.run("fault", "heal")
    if there.servers is not None:
        scale(stack, there.servers, 2)


def scale(stack: RunningStack, servers: tuple[str, str], replicas: int) -> None:
    """Returns once as many pods serve."""
    namespace, name = servers
    words = ("-n", namespace, "scale", "deployment", name, f"--replicas={replicas}")
    stack.kubectl("beta", *words)

    def served() -> bool:
        status = stack.get("beta", "deployment", name, "-n", namespace)["status"]
        return status.get("replicas", 0) == status.get("readyReplicas", 0) == replicas

    wait_until(60, f"{replicas} of {name} serve", served)


def test_a_certificate_is_refused_under_another_regions_name(stack: RunningStack) -> None:
    """A node of beta proves that it is beta, and can't pass for one of gamma."""
    outputs = stack.outputs()
    there, _, port = outputs["sqlEndpoints"]["beta"].partition(":")
    others = [outputs["sqlEndpoints"]["gamma"].partition(":")[0], planned(stack, "gamma")["nodes"][0]["address"]]
    names = [there, *(name for name in others if name is not None)]
    words = ["/usr/bin/python3", "-c", VERIFIED, there, port, outputs["caCertificate"], *names]
    answers = stack.lab.inside(stack.lab.hosts("alpha")[0], *words).stdout.split()
    assert answers == ["verified", *["mismatch"] * (len(names) - 1)]


def test_no_node_talks_in_the_clear(stack: RunningStack) -> None:
    host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
    answer = stack.lab.inside(stack.lab.hosts("beta")[0], "/usr/bin/python3", "-c", IN_THE_CLEAR, host)
    assert answer.stdout.strip() in ("E", "closed"), answer.stderr


def test_one_node_more_joins_and_restarts_nobody(stack: RunningStack, record_property: Record) -> None:
    before = {name: identity(stack.pods(name)) for name in NAMES}
    stack.configure(config(str(stack.config()["strategy"]), nodes=2))
    watch = Watch()
    stack.up()
    record_property("up", watch.seconds)
    assert len(members(stack.verify())) == len(NAMES) + 1
    for name in NAMES:
        assert before[name].items() <= identity(stack.pods(name)).items(), "nobody restarts"


def planned(stack: RunningStack, region: str) -> Json:
    """The region's part of the `topology` output."""
    return next(one for one in stack.outputs()["topology"]["regions"] if one["name"] == region)


def is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
