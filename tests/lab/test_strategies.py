"""What every strategy must do, in a lab of its own. The default one has the rest of the lab's tests beside these."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from components.plan.defaults import HTTP_PORT, SQL_PORT
from components.strategies import AVAILABLE, strategy
from tests.lab import wire
from tests.lab.asking import CLIENT, answer
from tests.lab.latency import measure
from tests.lab.stack import (
    Json,
    RunningStack,
    identity,
    in_a_lab,
    is_new,
    is_ready,
    members,
    pods_of,
    wait_until,
)
from tests.lab.strategies import NAMES, Scene, scene
from tests.lab.watcher import Watcher, figures, watcher

SAMPLE = ("pod-ip",)
"""Run by `make test`; all of them by `make acceptance`."""

DATABASES = [{"name": "bank", "owner": "app", "survive": "region"}]
ELSEWHERE = ("dns", "api-servers")
"""What the plan's ports lead to that is not the database."""


def config(name: str, nodes: int = 1) -> Json:
    """The strategy's scene, with so many nodes in the first region and a database that outlives any of the three."""
    return {**scene(name).config(nodes), "strategy": name, "databases": DATABASES}


VERIFIED = """
import ssl
host, port, authority, *names = sys.argv[1:]
for name in names:
    trust, link = ssl.create_default_context(cadata=authority), connect(resolve(host), int(port))
    try:
        trust.wrap_socket(link, server_hostname=name)
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


def test_every_region_reaches_every_other(stack: RunningStack, record_property: Record) -> None:
    verdict = stack.verify()
    assert verdict["verdict"] == "green", verdict["findings"]
    assert len(members(verdict)) == len(NAMES)
    state = json.loads(stack.run("pulumi", "stack", "export").stdout)
    record_property("resources", len(state["deployment"]["resources"]))


def test_names_and_connections_take(stack: RunningStack, record_property: Record) -> None:
    """Of a node in another region, as pods behind each kind of cluster DNS have it."""
    beta = node(stack, "beta")
    for source in ("alpha", "gamma"):
        taken = measure(stack, source, beta.host, beta.port, beta.zone)
        assert taken.keys() == ({"cold", "warm", "connect"} if beta.zone else {"connect"})
        for kind, percentiles in taken.items():
            record_property(f"{kind} from {source}", percentiles)


def test_a_killed_pod_comes_back_as_itself(stack: RunningStack, record_property: Record) -> None:
    before, pod = members(stack.verify()), stack.pods("beta")["cockroachdb-0"]
    with watcher(stack, "alpha", *lasting(stack, "beta")) as watching:
        fault = time.time()
        restart(stack, pod)
        note(stack, watching, record_property, fault)
    assert set(members(stack.verify()).values()) == set(before.values()), "the same nodes, none beside them"


def test_a_pod_that_moves_is_the_same_node(stack: RunningStack, record_property: Record) -> None:
    if pinned := scene(stack.strategy).pinned:
        pytest.skip(pinned)
    before, pod = members(stack.verify()), stack.pods("beta")["cockroachdb-0"]
    host = pod["spec"]["nodeName"]
    stack.kubectl("beta", "cordon", host)
    try:
        with watcher(stack, "alpha", *lasting(stack, "beta")) as watching:
            fault = time.time()
            restart(stack, pod)
            note(stack, watching, record_property, fault)
    finally:
        stack.kubectl("beta", "uncordon", host)
    assert stack.pods("beta")["cockroachdb-0"]["spec"]["nodeName"] != host
    assert set(members(stack.verify()).values()) == set(before.values()), "the same nodes, none beside them"


def test_a_cut_region_is_named_and_heals(stack: RunningStack, record_property: Record, tmp_path: Path) -> None:
    """The others serve on, what they are told meanwhile is known in the cut region afterwards, and nobody restarts."""
    before, pods, gamma = members(stack.verify()), pods_of(stack, NAMES), node(stack, "gamma")
    certificates = stack.certificates(tmp_path, "app")
    ask(stack, "alpha", certificates, "CREATE TABLE IF NOT EXISTS bank.told (id INT PRIMARY KEY)")
    with watcher(stack, "alpha", gamma.host, gamma.port) as watching:
        try:
            fault = time.time()
            stack.lab.run("fault", "cut", "gamma")
            verdict = stack.verify()
            ask(stack, "alpha", certificates, "UPSERT INTO bank.told VALUES (1)")
        finally:
            stack.lab.run("fault", "heal")
            healed = time.time()
        note(stack, watching, record_property, fault, healed)
    assert verdict["verdict"] == "red"
    matrix = verdict["matrix"]
    assert {matrix[one][other] for one in ("alpha", "beta") for other in ("alpha", "beta")} == {"green"}, matrix
    for found in verdict["findings"]:
        about = {found["source"], found["target"]}
        assert "gamma" in about or found["severity"] != "red", found
    assert ask(stack, "gamma", certificates, "SELECT id FROM bank.told") == ["1"]
    assert (members(stack.verify()), pods_of(stack, NAMES)) == (before, pods)


def test_lost_addressing_is_named_and_heals(stack: RunningStack, record_property: Record) -> None:
    """Load balancers, or DNS, or whatever a strategy has for regions to find each other by."""
    there = scene(stack.strategy)
    if there.spared:
        pytest.skip(there.spared)
    source, target = ("beta", "alpha") if there.blamed == "source" else ("alpha", "beta")
    peer = node(stack, target)
    with watcher(stack, source, peer.host, peer.port) as watching:
        try:
            fault = time.time()
            lose(stack, there)
            verdict = stack.verify()
        finally:
            healed = regain(stack, there)
        note(stack, watching, record_property, fault, healed)
    assert verdict["verdict"] == "red"
    about = {found[there.blamed] for found in verdict["findings"] if found["severity"] == "red"}
    assert about - {None} == there.red, verdict["findings"]


def lose(stack: RunningStack, there: Scene) -> None:
    for fault in there.faults:
        stack.lab.run("fault", *fault)
    if there.servers is not None:
        scale(stack, there.servers, 0)


def regain(stack: RunningStack, there: Scene) -> float:
    """When it was mended: the network is as it was when the command returns, servers have yet to start."""
    stack.lab.run("fault", "heal")
    healed = time.time()
    if there.servers is not None:
        scale(stack, there.servers, 2)
    return healed


def scale(stack: RunningStack, servers: tuple[str, str], replicas: int) -> None:
    """Returns once as many pods serve: one that is about to end still answers where there is no other."""
    namespace, name = servers
    stack.kubectl("beta", "-n", namespace, "scale", "deployment", name, f"--replicas={replicas}")
    labels = stack.get("beta", "deployment", name, "-n", namespace)["spec"]["selector"]["matchLabels"]
    which = ",".join(f"{label}={value}" for label, value in labels.items())

    def served() -> bool:
        pods = stack.get("beta", "pods", "-n", namespace, "-l", which)["items"]
        return len(pods) == replicas and all(map(is_ready, pods))

    wait_until(60, f"{replicas} of {name} serve", served)


def test_a_certificate_is_refused_under_another_regions_name(stack: RunningStack) -> None:
    """A node of beta proves that it is beta, and can't pass for one of gamma; nor can who answers SQL's clients."""
    beta, gamma, outputs = node(stack, "beta"), node(stack, "gamma"), stack.outputs()
    authority = outputs["caCertificate"]
    words = (beta.host, str(beta.port), authority, beta.host, gamma.host)
    assert answer(stack, "alpha", VERIFIED, *words).split() == ["verified", "mismatch"]
    ours, other = (outputs["sqlEndpoints"][name].partition(":")[0] for name in ("beta", "gamma"))
    words = ("-c", CLIENT + VERIFIED, ours, str(SQL_PORT), authority, ours, other)
    client = stack.lab.inside(stack.lab.hosts("alpha")[0], "/usr/bin/python3", *words)
    assert client.stdout.split() == ["verified", "mismatch"], client.stderr


def test_no_node_talks_in_the_clear(stack: RunningStack, record_property: Record, tmp_path: Path) -> None:
    """On the wires between regions, while a client asks and a node dials the others and is dialled. (Verification's
    probes talk to each other without TLS, at the same ports: not now.) Then, which way its packets took.
    """
    certificates, topology, alpha = (
        stack.certificates(tmp_path, "app"),
        stack.outputs()["topology"],
        node(stack, "alpha"),
    )
    places = [*stack.lab.hosts("beta"), "core", *stack.lab.hosts("alpha")]
    with wire.read(stack.lab.paths, ports(topology), places) as heard:
        ask(stack, "alpha", certificates, "SELECT 1")
        restart(stack, stack.pods("beta")["cockroachdb-0"])
    stack.until_green(90)
    between = heard["core"]
    assert [flow for flow in between if not flow.secret] == []
    clients = {region["sqlAddress"] for region in topology["regions"]}
    spoken = {(home(topology, flow.client), flow.server) for flow in between if not flow.silent}
    assert spoken & {("beta", address) for address in clients}
    pairs = {(source, home(topology, address)) for source, address in spoken if address not in clients}
    assert pairs >= {("beta", "alpha"), ("beta", "gamma")}, pairs
    alpha = node(stack, "alpha")
    address = pod_address(stack, "alpha") if alpha.zone else alpha.host
    (way,) = wire.ways(itertools.chain(*heard.values()), address, alpha.port)
    if strategy(stack.strategy).pods_meet:
        assert (way.connections, way.rewritten) == (1, 0)
    for what, count in asdict(way).items():
        record_property(what, count)


def ports(topology: Json) -> list[int]:
    """The database's, and those of whatever is between nodes of two regions."""
    between = [port for port in topology["ports"] if port["protocol"] == "TCP" and port["to"] not in ELSEWHERE]
    found = {number for port in between for number in range(port["first"], port["last"] + 1)}
    return sorted(found | {SQL_PORT, HTTP_PORT})


def home(topology: Json, address: str) -> str:
    """The region that an address belongs to."""
    regions = topology["regions"]
    return next((one["name"] for one in regions if IPv4Address(address) in IPv4Network(one["cidr"])), "nowhere")


def test_one_node_more_joins_and_restarts_nobody(stack: RunningStack, record_property: Record) -> None:
    before = {name: identity(stack.pods(name)) for name in NAMES}
    stack.configure(config(stack.strategy, nodes=2))
    begun = time.monotonic()
    stack.up()
    record_property("up", round(time.monotonic() - begun, 1))
    assert len(members(stack.verify())) == len(NAMES) + 1
    for name in NAMES:
        assert before[name].items() <= identity(stack.pods(name)).items(), "nobody restarts"


def restart(stack: RunningStack, pod: Json) -> None:
    """Returns once beta's pod is another, and ready."""
    stack.kubectl("beta", "-n", "beta", "delete", "pod", pod["metadata"]["name"], "--wait=false")
    wait_until(120, "the pod is made anew and ready", lambda: is_new(stack, "beta", pod))


def note(stack: RunningStack, watching: Watcher, record: Record, fault: float, healed: float | None = None) -> None:
    """What the watcher saw until everything is as before."""
    stack.until_green(90)
    watching.until_steady()
    for name, seconds in figures(watching.attempts(), fault, healed).items():
        record(name, seconds)


def ask(stack: RunningStack, region: str, certificates: Path, statement: str) -> list[str]:
    """The rows that a region answers a client in another one."""
    host = stack.outputs()["sqlEndpoints"][region].partition(":")[0]
    done = stack.sql(host, certificates, "app", statement)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[1:]


@dataclass(frozen=True)
class Node:
    """The first node of a region as others dial it."""

    host: str
    port: int
    zone: str
    """Of its name; empty where it has only an address."""


def node(stack: RunningStack, region: str) -> Node:
    """As planned; at its pod's own address where that is what nodes tell each other."""
    there = planned(stack, region)
    first = there["nodes"][0]
    host = first["address"] or pod_address(stack, region)
    return Node(host, first["port"], "" if is_address(host) else there["dnsZone"])


def lasting(stack: RunningStack, region: str) -> tuple[str, int]:
    """Where a node is found when its pod is another one: as planned, or else where nodes join, or at its host."""
    there, known = planned(stack, region), node(stack, region)
    joins = [balancer["addresses"][0] for balancer in there["balancers"] if balancer["kind"] == "join"]
    if there["nodes"][0]["address"] is None and joins:
        return joins[0], SQL_PORT
    return known.host, known.port


def pod_address(stack: RunningStack, region: str) -> str:
    """Of the pod of the region's first node."""
    return stack.pods(region)["cockroachdb-0"]["status"]["podIP"]


def planned(stack: RunningStack, region: str) -> Json:
    """The region's part of the `topology` output."""
    return next(one for one in stack.outputs()["topology"]["regions"] if one["name"] == region)


def is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
