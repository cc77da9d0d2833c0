"""Each fault, and the layer, severity and fix that it is told by; and that every check earns its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.unit.verify import world
from tests.unit.verify.world import CENTRAL, EAST, WEST, World, answer, denied, each_way, entries, failed
from verify import judge, region_checks
from verify.findings import Finding, Layer, Severity
from verify.measurements import PodState, RegionMeasurement
from verify.target import Target

Break = Callable[[World], None]


@dataclass(frozen=True)
class Case:
    """One way to break a healthy world. `cells`: those that are not green, as {(source, target): word}."""

    name: str
    apply: Break
    code: str
    layer: Layer
    severity: Severity
    fix: str
    """A part of the fix that must be there."""
    cells: dict[tuple[str, str], str]
    others: frozenset[str] = frozenset()
    """Further codes that may be told."""


def update(section: str, source: str | None, about: str | None, **fields) -> Break:
    def apply(measured: World) -> None:
        for entry in entries(measured, section, source, about):
            entry.update(fields)

    return apply


def ends(name: str, days: float) -> Break:
    """A certificate that every probe knows of has so many days left."""

    def apply(measured: World) -> None:
        for report in (report for one in measured.values() for report in one.reports):
            for one in report["certificates"]:
                if one["name"] == name:
                    one["daysLeft"] = days

    return apply


def server(
    address: str | None, transport: str | None, source: str | None = EAST, about: str = WEST, known=None, fresh=None
) -> Break:
    """Breaks one address (None: all) over one transport (None: both)."""

    def apply(measured: World) -> None:
        for entry in entries(measured, "servers", source, about):
            if address in (None, entry["address"]):
                for each in ("udp", "tcp") if transport is None else (transport,):
                    if known is not None:
                        entry[each]["known"] = known
                    if fresh is not None:
                        entry[each]["fresh"] = fresh

    return apply


def both(*breaks: Break) -> Break:
    def apply(measured: World) -> None:
        for each in breaks:
            each(measured)

    return apply


def tls(status: str, **fields) -> Break:
    return both(
        update("nodes", EAST, WEST, tls={"status": status, "error": "said", **fields}, sql=None),
        update("nodes", EAST, WEST, http={"status": status, "error": "said", **fields}),
    )


def member(measured: World, change: Callable[[list[dict]], list[dict]]) -> None:
    for entry in entries(measured, "nodes"):
        if entry["sql"] and "members" in entry["sql"]:
            entry["sql"]["members"] = change(entry["sql"]["members"])


def everywhere(word: str, about: str) -> dict[tuple[str, str], str]:
    return {(source, about): word for source in world.REGIONS}


def row(word: str, source: str) -> dict[tuple[str, str], str]:
    return {(source, about): word for about in world.REGIONS}


def measurement(region: str, **fields) -> Break:
    def apply(measured: World) -> None:
        measured[region] = replace(measured[region], **fields)

    return apply


def peers_gone(measured: World) -> None:
    for one in measured[EAST].reports:
        one["peers"] = [peer for peer in one["peers"] if peer["region"] != WEST]


def no_resolver(measured: World) -> None:
    for one in measured[EAST].reports:
        one["resolvers"], one["names"] = [], []


def moved(measured: World) -> None:
    measured[WEST] = replace(
        measured[WEST], pods={**(measured[WEST].pods or {}), 1: PodState("Running", True, "", "10.3.128.99", "host")}
    )


def split(measured: World) -> None:
    for entry in entries(measured, "nodes", about=WEST):
        entry["sql"]["clusterId"] = "beef"


def balancer(w: world.World, *addresses: str) -> None:
    for address in addresses:
        for entry in entries(w, "balancers", address=address):
            entry.update(connect=failed(), tls=None, sql=None)


def quorum_lost(measured: World) -> None:
    for region, node in ((EAST, 0), (EAST, 1), (CENTRAL, 0), (CENTRAL, 1), (WEST, 0)):
        world.stop_node(measured, region, node)


PAIR = (EAST, WEST)
ONE_ADDRESS = {"known": failed(), "fresh": [failed() for _ in range(4)]}
CRASHING = PodState("Running", False, "CrashLoopBackOff", "10.3.128.11", "host")

CASES = [
    Case(
        "API server down",
        lambda w: world.unreachable(w, WEST),
        "api-unreachable",
        Layer.API_SERVER,
        Severity.RED,
        "state: lost",
        row("unknown", WEST),
    ),
    Case(
        "no rights",
        measurement(WEST, api="refused", zones=()),
        "api-refused",
        Layer.API_SERVER,
        Severity.RED,
        "docs/verify.md",
        row("unknown", WEST),
    ),
    Case(
        "no probe at all",
        both(*(lambda w, place=place: world.lose_zone(w, WEST, place, "not-started") for place in (0, 1))),
        "no-probe",
        Layer.PROBE,
        Severity.RED,
        "image",
        row("unknown", WEST),
    ),
    Case(
        "a zone without hosts",
        lambda w: world.lose_zone(w, WEST, 0),
        "zone-unprobed",
        Layer.PROBE,
        Severity.DEGRADED,
        "us-west1-a",
        row("degraded", WEST),
    ),
    Case(
        "a DNS replica down",
        measurement(WEST, dns_servers=(1, 2)),
        "dns-replica",
        Layer.DNS,
        Severity.DEGRADED,
        "k8s-app=kube-dns",
        everywhere("degraded", WEST),
    ),
    Case(
        "a node's pod is gone",
        lambda w: world.stop_node(w, WEST, 1),
        "node-down",
        Layer.NODE,
        Severity.DEGRADED,
        "cockroachdb-1",
        everywhere("degraded", WEST),
    ),
    Case(
        "node 0's pod is gone",
        lambda w: world.stop_node(w, WEST, 0),
        "node-down",
        Layer.NODE,
        Severity.DEGRADED,
        "cockroachdb-0",
        everywhere("degraded", WEST),
    ),
    Case(
        "a node crashes",
        lambda w: world.stop_node(w, WEST, 1, CRASHING),
        "node-down",
        Layer.NODE,
        Severity.DEGRADED,
        "its volume, its host",
        everywhere("degraded", WEST),
    ),
    Case(
        "all nodes of a region are gone",
        both(*(lambda w, node=node: world.stop_node(w, WEST, node) for node in range(3))),
        "region-down",
        Layer.NODE,
        Severity.RED,
        "StatefulSet",
        everywhere("red", WEST),
    ),
    Case("a report lacks peers", peers_gone, "unmeasured", Layer.PROBE, Severity.DEGRADED, "again", {PAIR: "degraded"}),
    Case(
        "no route",
        both(lambda w: world.cut(w, EAST, WEST), lambda w: world.cut(w, WEST, EAST)),
        "route-cut",
        Layer.ROUTE,
        Severity.RED,
        "route",
        {PAIR: "red", (WEST, EAST): "red"},
    ),
    Case("no nameserver", no_resolver, "dns-no-resolver", Layer.DNS, Severity.RED, "kubelets", row("red", EAST)),
    Case(
        "forward missing",
        update("names", EAST, WEST, udp=denied(), tcp=denied(), fresh=each_way(denied())),
        "dns-forward-missing",
        Layer.DNS,
        Severity.RED,
        "`Corefile` of ConfigMap kube-system/coredns of us-east1",
        {PAIR: "red"},
    ),
    Case(
        "forward missing, kube-dns",
        update("names", WEST, EAST, udp=denied(), tcp=denied(), fresh=each_way(denied())),
        "dns-forward-missing",
        Layer.DNS,
        Severity.RED,
        "`stubDomains` key",
        {(WEST, EAST): "red"},
    ),
    Case(
        "forward to a dead address",
        update(
            "names",
            EAST,
            WEST,
            udp=answer(rcode="SERVFAIL"),
            tcp=answer(rcode="SERVFAIL"),
            fresh=each_way(answer(rcode="SERVFAIL")),
        ),
        "dns-forward-dead",
        Layer.DNS,
        Severity.RED,
        "DNS balancer",
        {PAIR: "red"},
    ),
    Case(
        "TCP lookups fail",
        update("names", EAST, WEST, tcp=failed()),
        "dns-forward-dead",
        Layer.DNS,
        Severity.RED,
        "us-west1",
        {PAIR: "red"},
    ),
    Case(
        "own DNS dead",
        update("names", EAST, None, udp=failed(), tcp=failed(), fresh=each_way(failed())),
        "dns-resolver",
        Layer.DNS,
        Severity.RED,
        "us-east1",
        row("red", EAST),
    ),
    Case(
        "other region's DNS knows no nodes",
        both(
            update("names", EAST, WEST, udp=denied(), tcp=denied(), fresh=each_way(denied())),
            server(None, None, known=denied()),
        ),
        "dns-name-unknown",
        Layer.DNS,
        Severity.RED,
        "publishNotReadyAddresses",
        {PAIR: "red"},
    ),
    Case(
        "forward dead behind a cache",
        update("names", EAST, WEST, fresh=each_way(answer(rcode="SERVFAIL"))),
        "dns-cached",
        Layer.DNS,
        Severity.RED,
        "cache",
        {PAIR: "red"},
    ),
    Case(
        "forward dead over TCP alone, behind a cache",
        update("names", EAST, WEST, fresh={"udp": answer(soa="cluster.local"), "tcp": answer(rcode="SERVFAIL")}),
        "dns-cached",
        Layer.DNS,
        Severity.RED,
        "cache",
        {PAIR: "red"},
    ),
    Case(
        "forward dead behind a cache, silent",
        update("names", EAST, WEST, fresh=each_way(failed())),
        "dns-cached",
        Layer.DNS,
        Severity.RED,
        "cache",
        {PAIR: "red"},
    ),
    Case(
        "a pod moved, its name did not",
        moved,
        "dns-stale",
        Layer.DNS,
        Severity.DEGRADED,
        "moved",
        everywhere("degraded", WEST),
    ),
    Case(
        "one of two DNS addresses dead",
        server("10.3.16.54", None, **ONE_ADDRESS),
        "dns-dead-address",
        Layer.DNS,
        Severity.DEGRADED,
        "10.3.16.54",
        {PAIR: "degraded"},
    ),
    Case(
        "every DNS address dead",
        server(None, None, **ONE_ADDRESS),
        "dns-dead",
        Layer.DNS,
        Severity.RED,
        "endpoints",
        {PAIR: "red"},
    ),
    Case(
        "UDP 53 filtered",
        server(None, "udp", **ONE_ADDRESS),
        "firewall-dns-udp",
        Layer.FIREWALL,
        Severity.RED,
        "udp 53",
        {PAIR: "red"},
    ),
    Case(
        "TCP 53 filtered",
        server(None, "tcp", **ONE_ADDRESS),
        "firewall-dns-tcp",
        Layer.FIREWALL,
        Severity.RED,
        "NodeLocal",
        {PAIR: "red"},
    ),
    Case(
        "balancer without TCP",
        server(None, "tcp", known=failed("refused"), fresh=[failed("refused") for _ in range(4)]),
        "dns-protocol",
        Layer.DNS,
        Severity.RED,
        "both UDP and TCP",
        {PAIR: "red"},
    ),
    Case(
        "one server behind an address dead",
        server("10.3.16.53", "udp", fresh=[denied(), failed(), denied(), denied()]),
        "dns-flaky",
        Layer.DNS,
        Severity.DEGRADED,
        "10.3.16.53",
        {PAIR: "degraded"},
    ),
    Case(
        "a lost packet is asked again",
        server(
            "10.3.16.53",
            "udp",
            fresh=[denied(), answer(rcode="NXDOMAIN", soa="cluster.local", attempts=2), denied(), denied()],
        ),
        "dns-flaky",
        Layer.DNS,
        Severity.DEGRADED,
        "10.3.16.53",
        {PAIR: "degraded"},
    ),
    Case(
        "another server at the address",
        server(None, None, fresh=[answer(addresses=["1.2.3.4"])] * 4),
        "dns-wrong-server",
        Layer.DNS,
        Severity.RED,
        "selector",
        {PAIR: "red"},
    ),
    Case(
        "a server of another zone at one address",
        server("10.3.16.53", None, fresh=[answer(rcode="NXDOMAIN", soa="example.com")] * 4),
        "dns-wrong-server",
        Layer.DNS,
        Severity.DEGRADED,
        "selector",
        {PAIR: "degraded"},
    ),
    Case(
        "26257 filtered",
        update("nodes", EAST, WEST, connect={"status": "timeout"}, tls=None, sql=None),
        "firewall-sql",
        Layer.FIREWALL,
        Severity.RED,
        "tcp 26257",
        {PAIR: "red"},
    ),
    Case(
        "26257 refused from one region",
        update("nodes", EAST, WEST, connect={"status": "refused"}, tls=None, sql=None),
        "node-refused",
        Layer.NODE,
        Severity.RED,
        "log",
        {PAIR: "red"},
    ),
    Case(
        "8080 filtered",
        both(
            update("nodes", EAST, WEST, http={"status": "timeout"}),
            update(
                "peers", EAST, WEST, status="timeout", stage="connect", seen=None, offsetMs=None, up=False, down=False
            ),
        ),
        "firewall-http",
        Layer.FIREWALL,
        Severity.RED,
        "tcp 8080",
        {PAIR: "red"},
    ),
    Case(
        "not ready for one region",
        update("nodes", EAST, WEST, http={"status": "not-ready", "code": 503}),
        "node-not-ready",
        Layer.NODE,
        Severity.DEGRADED,
        "draining",
        {PAIR: "degraded"},
    ),
    Case(
        "the other probe is silent",
        update("peers", EAST, WEST, status="reset", stage="hello", seen=None, offsetMs=None, up=False, down=False),
        "unmeasured",
        Layer.PROBE,
        Severity.DEGRADED,
        "again",
        {PAIR: "degraded"},
    ),
    Case("expired", tls("expired"), "tls-expired", Layer.TLS, Severity.RED, "renew", {PAIR: "red"}),
    Case("wrong name", tls("wrong-name"), "tls-wrong-name", Layer.TLS, Severity.RED, "certificateNames", {PAIR: "red"}),
    Case(
        "other authority",
        tls("wrong-authority"),
        "tls-wrong-authority",
        Layer.TLS,
        Severity.RED,
        "one CA",
        {PAIR: "red"},
    ),
    Case("no TLS", tls("handshake"), "tls-handshake", Layer.TLS, Severity.RED, "--certs-dir", {PAIR: "red"}),
    Case(
        "TLS never answered",
        update("nodes", EAST, WEST, tls={"status": "timeout"}, sql=None),
        "tls-handshake",
        Layer.TLS,
        Severity.RED,
        "proxy",
        {PAIR: "red"},
    ),
    Case(
        "no credentials",
        tls("no-credentials"),
        "tls-no-credentials",
        Layer.TLS,
        Severity.RED,
        "cockroachdb-client-verifier",
        {PAIR: "red"},
    ),
    Case(
        "expires soon",
        update("nodes", EAST, WEST, tls={"status": "ok", "daysLeft": 13.0}),
        "tls-expiring",
        Layer.TLS,
        Severity.DEGRADED,
        "renew",
        {PAIR: "degraded"},
    ),
    Case(
        "a client's certificate ends",
        ends("client root", 13.0),
        "client-expiring",
        Layer.TLS,
        Severity.DEGRADED,
        "clientCertificates",
        {},
    ),
    Case(
        "the authority ends",
        ends("authority", 59.0),
        "authority-expiring",
        Layer.TLS,
        Severity.DEGRADED,
        "trust the next authority beside it",
        {},
    ),
    Case(
        "source NAT",
        update("peers", EAST, WEST, seen="10.1.0.10"),
        "snat",
        Layer.SNAT,
        Severity.RED,
        "masquerading in us-east1",
        {PAIR: "red"},
    ),
    Case(
        "black hole up",
        update("peers", EAST, WEST, status="timeout", stage="up", up=False, down=False),
        "mtu",
        Layer.MTU,
        Severity.RED,
        "MTU",
        {PAIR: "red"},
    ),
    Case(
        "black hole down",
        update("peers", EAST, WEST, status="timeout", stage="down", down=False),
        "mtu",
        Layer.MTU,
        Severity.RED,
        "MTU",
        {PAIR: "red"},
    ),
    Case(
        "clock drifts",
        update("peers", EAST, WEST, offsetMs=-120.0),
        "clock",
        Layer.CLOCK,
        Severity.DEGRADED,
        "chrony",
        {PAIR: "degraded"},
    ),
    Case(
        "clock off",
        update("peers", EAST, WEST, offsetMs=240.0),
        "clock",
        Layer.CLOCK,
        Severity.RED,
        "80 %",
        {PAIR: "red"},
    ),
    Case(
        "login refused",
        update("nodes", EAST, WEST, sql={"status": "refused", "error": "no such user"}),
        "sql-refused",
        Layer.MEMBERSHIP,
        Severity.RED,
        "verifier",
        {PAIR: "red"},
    ),
    Case(
        "no answer to SQL",
        update("nodes", EAST, WEST, sql={"status": "timeout", "error": "timed out"}),
        "sql-silent",
        Layer.MEMBERSHIP,
        Severity.RED,
        "quorum",
        {PAIR: "red"},
    ),
    Case("two clusters", split, "split-cluster", Layer.MEMBERSHIP, Severity.RED, "initialised by itself", {}),
    Case(
        "not initialised",
        update("nodes", None, None, sql={"status": "timeout", "error": "timed out"}),
        "no-cluster",
        Layer.MEMBERSHIP,
        Severity.RED,
        "cockroachdb-init",
        {(a, b): "red" for a in world.REGIONS for b in world.REGIONS},
        frozenset({"sql-silent", "membership-unknown"}),
    ),
    Case(
        "a node never joined",
        lambda w: member(w, lambda rows: rows[:-1]),
        "member-missing",
        Layer.MEMBERSHIP,
        Severity.RED,
        "--join",
        {},
    ),
    Case(
        "one view lacks a node",
        lambda w: next(entries(w, "nodes", WEST, WEST))["sql"]["members"].pop(),
        "member-missing",
        Layer.MEMBERSHIP,
        Severity.RED,
        "--join",
        {},
    ),
    Case(
        "a member is dead to the others",
        lambda w: member(w, lambda rows: [*rows[:-1], {**rows[-1], "live": False}]),
        "member-not-live",
        Layer.MEMBERSHIP,
        Severity.RED,
        "clock",
        {},
    ),
    Case(
        "a stranger is a member",
        lambda w: member(w, lambda rows: [*rows, {**rows[-1], "address": "old:26257"}]),
        "member-extra",
        Layer.MEMBERSHIP,
        Severity.DEGRADED,
        "decommission",
        {},
    ),
    Case(
        "a node is leaving",
        lambda w: member(w, lambda rows: [*rows[:-1], {**rows[-1], "membership": "decommissioning"}]),
        "member-leaving",
        Layer.MEMBERSHIP,
        Severity.DEGRADED,
        "recommission",
        {},
    ),
    Case(
        "a node has left",
        lambda w: member(w, lambda rows: [*rows[:-1], {**rows[-1], "membership": "decommissioned"}]),
        "member-missing",
        Layer.MEMBERSHIP,
        Severity.RED,
        "--join",
        {},
    ),
    Case(
        "a SQL load balancer is dead",
        lambda w: balancer(w, "10.3.16.26", "10.3.16.27"),
        "sql-balancer-dead",
        Layer.BALANCER,
        Severity.RED,
        "cockroachdb-sql",
        {(EAST, WEST): "red", (CENTRAL, WEST): "red"},
    ),
    Case(
        "one of two addresses of a SQL load balancer is dead",
        lambda w: balancer(w, "10.3.16.27"),
        "sql-balancer-some",
        Layer.BALANCER,
        Severity.DEGRADED,
        "10.3.16.27",
        {(EAST, WEST): "degraded", (CENTRAL, WEST): "degraded"},
    ),
    Case(
        "most nodes are gone",
        quorum_lost,
        "quorum-lost",
        Layer.MEMBERSHIP,
        Severity.RED,
        "decommission",
        {(a, b): "degraded" for a in world.REGIONS for b in world.REGIONS},
        frozenset({"node-down"}),
    ),
]


def broken(case: Case) -> list[RegionMeasurement]:
    measured = world.measure(world.target())
    case.apply(measured)
    return list(measured.values())


def told(case: Case, findings: tuple[Finding, ...]) -> bool:
    return any(
        (found.code, found.layer, found.severity) == (case.code, case.layer, case.severity) and case.fix in found.fix
        for found in findings
    )


def test_a_healthy_world_is_green() -> None:
    aim = world.target()
    verdict = judge.judge(aim, world.measure(aim).values())
    assert verdict.findings == ()
    assert verdict.severity is Severity.GREEN
    assert len(verdict.cells) == 9
    assert {cell.word for cell in verdict.cells} == {"green"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_fault_is_told_by_layer_with_a_fix_in_its_cells_alone(case: Case) -> None:
    verdict = judge.judge(world.target(), broken(case))
    assert told(case, verdict.findings), verdict.findings
    assert {found.code for found in verdict.findings} - {case.code} - case.others == set()
    assert {(cell.source, cell.target): cell.word for cell in verdict.cells if cell.word != "green"} == case.cells
    assert verdict.severity is max(found.severity for found in verdict.findings)


@pytest.mark.parametrize(
    "removed",
    # Nodes that are held to hosts have tests of their own: test_hosts.py.
    [check for check in judge.CHECKS if check is not region_checks.hosts],
    ids=lambda check: check.__name__,
)
def test_no_check_can_go_unnoticed(removed: judge.Check) -> None:
    rest = tuple(check for check in judge.CHECKS if check is not removed)
    assert any(not told(case, judge.judge(world.target(), broken(case), rest).findings) for case in CASES)


def test_the_worst_finding_comes_first() -> None:
    measured = world.measure(world.target())
    world.lose_zone(measured, EAST, 0)
    update("peers", EAST, WEST, seen="10.1.0.10")(measured)
    severities = [found.severity for found in judge.judge(world.target(), measured.values()).findings]
    assert severities == [Severity.RED, Severity.DEGRADED]


def test_one_zone_of_a_region_decides_its_cell() -> None:
    measured = world.measure(world.target())
    next(entries(measured, "peers", EAST, WEST))["seen"] = "10.1.0.10"
    assert judge.judge(world.target(), measured.values()).cell(EAST, WEST).word == "red"


def test_one_way_cut_with_an_open_way_back_is_a_firewall_not_a_route() -> None:
    measured = world.measure(world.target())
    both(
        update("nodes", EAST, WEST, connect={"status": "timeout"}, tls=None, sql=None, http={"status": "timeout"}),
        update("peers", EAST, WEST, status="timeout", stage="connect", seen=None, offsetMs=None, up=False, down=False),
    )(measured)
    findings = judge.judge(world.target(), measured.values()).findings
    assert {found.layer for found in findings} == {Layer.FIREWALL}


def test_members_of_a_region_that_is_not_looked_at_are_no_strangers() -> None:
    aim = world.target(regions=(EAST, CENTRAL))
    aim = replace(aim, unasked=frozenset(f"{world.node_name(WEST, node)}:26257" for node in range(world.NODES)))
    assert judge.judge(aim, world.measure(aim).values()).severity is Severity.GREEN


def test_one_lost_packet_is_not_blamed() -> None:
    measured = world.measure(world.target())
    next(entries(measured, "servers", EAST, WEST))["udp"]["fresh"][0] = failed()
    assert judge.judge(world.target(), measured.values()).severity is Severity.GREEN


def test_nodes_that_answer_without_being_ready_are_told_so() -> None:
    measured = world.measure(world.target())
    for entry in entries(measured, "nodes", about=WEST):
        entry["http"] = {"status": "not-ready", "code": 503}
    (found,) = judge.judge(world.target(), measured.values()).findings
    assert (found.code, found.severity) == ("region-not-ready", Severity.RED)
    assert "answer, but take no clients" in found.symptom


def test_an_uncertain_clock_is_not_blamed() -> None:
    measured = world.measure(world.target())
    update("peers", EAST, WEST, offsetMs=150.0, roundTripMs=290.0)(measured)
    assert judge.judge(world.target(), measured.values()).severity is Severity.GREEN


@pytest.mark.parametrize("platform", ["gke", "eks"])
def test_the_fix_is_the_platform_s_own(platform: str) -> None:
    aim = world.target(platform=platform)
    measured = world.measure(aim)
    update("peers", EAST, WEST, seen="10.1.0.10")(measured)
    (found,) = judge.judge(aim, measured.values()).findings
    assert {"gke": "ip-masq-agent", "eks": "AWS_VPC_K8S_CNI_EXTERNALSNAT"}[platform] in found.fix


def test_the_fix_is_the_strategy_s_own() -> None:
    aim = replace(world.target(), strategy="private-zone")
    measured = world.measure(aim)
    server("10.3.16.53", None, known=failed("timeout"), fresh=[failed("timeout")] * 4)(measured)
    assert "DNS server" in judge.judge(aim, measured.values()).findings[0].fix


def draining_world(aim: Target) -> World:
    measured = world.measure(aim)
    for node in range(world.NODES):
        world.stop_node(measured, WEST, node)
    member(measured, lambda rows: [row for row in rows if WEST not in row["address"]])
    return measured


def test_a_draining_region_may_lose_its_nodes() -> None:
    aim = world.target(draining=(WEST,))
    assert judge.judge(aim, draining_world(aim).values()).severity is Severity.GREEN


def test_a_draining_region_s_faults_are_degraded_at_worst() -> None:
    aim = world.target(draining=(WEST,))
    measured = world.measure(aim)
    update("peers", EAST, WEST, seen="10.1.0.10")(measured)
    verdict = judge.judge(aim, measured.values())
    assert verdict.severity is Severity.DEGRADED
    assert [found.code for found in verdict.findings] == ["snat"]


def test_a_region_that_is_dark_and_unreachable_is_told_once() -> None:
    measured = world.measure(world.target())
    for other in (EAST, CENTRAL):
        world.cut(measured, other, WEST)
        for one in measured[other].reports:
            one["peers"] = [peer for peer in one["peers"] if peer["region"] != WEST]
    world.unreachable(measured, WEST)
    verdict = judge.judge(world.target(), measured.values())
    codes = [found.code for found in verdict.findings if found.severity is Severity.RED]
    assert "api-unreachable" in codes
    assert set(codes) <= {"api-unreachable", "route-cut", "member-not-live"}
    assert verdict.cell(EAST, CENTRAL).word == "green"
    assert verdict.cell(EAST, WEST).word == "red"
