"""Checks of the way from one region to another: route, firewall, DNS, TLS, what the network does to packets, clocks."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from components.plan.defaults import HTTP_PORT, SQL_PORT

from .dns_checks import dns_addresses, dns_servers_are_right, fresh_names, names, resolver, stale_names
from .evidence import Evidence, Report, ok, towards
from .findings import Finding, Layer, Severity, finding, listing
from .target import Region

__all__ = [
    "balancers",
    "certificates",
    "clocks",
    "dns_addresses",
    "dns_servers_are_right",
    "expiry",
    "fresh_names",
    "http_port",
    "large_packets",
    "names",
    "resolver",
    "route",
    "source_address",
    "sql_port",
    "stale_names",
]

TLS_CODES = {
    "expired": "tls-expired",
    "not-yet-valid": "tls-expired",
    "wrong-name": "tls-wrong-name",
    "wrong-authority": "tls-wrong-authority",
    "handshake": "tls-handshake",
    "no-credentials": "tls-no-credentials",
}
EXPIRY_DAYS = 14.0
AUTHORITY_DAYS = 60.0
"""No `up` renews an authority: the next one has to be trusted everywhere before."""
"""Twice the week that an on-call rotation may take to get to it."""
CLOCK_RED = 0.8
"""Share of --max-offset at which a CockroachDB node stops itself (pkg/rpc: 80 % of the maximum offset)."""
CLOCK_DEGRADED = 0.4


def route(evidence: Evidence) -> Iterator[Finding]:
    """No packet of any protocol came back, in either direction."""
    for source, target, _ in evidence.pairs():
        if evidence.cut(source.name, target.name):
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.ROUTE,
                "route-cut",
                source.name,
                target.name,
                target.name,
                "no pod there answers, on any port, in either direction",
            )


def sql_port(evidence: Evidence) -> Iterator[Finding]:
    """The nodes' SQL and RPC port."""
    yield from _port(evidence, "connect", "firewall-sql")


def balancers(evidence: Evidence) -> Iterator[Finding]:
    """Addresses that clients, or joining nodes, are told: red where none of a kind works, though the nodes do."""
    for source, target, reports in evidence.pairs():
        for kind in dict.fromkeys(balancer.kind for balancer in target.balancers):
            yield from _balancers_of(kind, evidence, source, target, reports)


def _balancers_of(
    kind: str, evidence: Evidence, source: Region, target: Region, reports: tuple[Report, ...]
) -> Iterator[Finding]:
    found = [entry for report in reports for entry in towards(report, "balancers", target.name)]
    tried = [entry for entry in found if entry["kind"] == kind]
    dead = [entry for entry in tried if not (ok(entry["connect"]) and ok(entry["tls"]) and ok(entry["sql"]))]
    some = len(dead) < len(tried)
    if dead and not evidence.cut(source.name, target.name) and _up(evidence, reports, target, "connect"):
        yield finding(
            evidence.target,
            Severity.DEGRADED if some else Severity.RED,
            Layer.BALANCER,
            f"{kind}-balancer-{'some' if some else 'dead'}",
            source.name,
            target.name,
            listing(sorted({entry["address"] for entry in dead})),
            f"tcp {SQL_PORT}: " + listing(sorted({_balancer_symptom(entry) for entry in dead}), 2),
        )


def _balancer_symptom(entry: dict[str, Any]) -> str:
    steps = [(name, entry[name]) for name in ("connect", "tls", "sql") if not ok(entry[name])]
    name, step = steps[0]
    return f"{name} {step['status'] if step else 'not tried'}"


def http_port(evidence: Evidence) -> Iterator[Finding]:
    """The nodes' HTTP port, and the readiness it tells."""
    yield from _port(evidence, "http", "firewall-http")
    for source, target, reports in evidence.pairs():
        waiting = [
            node["node"] for node in _up(evidence, reports, target, "http") if node["http"]["status"] == "not-ready"
        ]
        if waiting:
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.NODE,
                "node-not-ready",
                source.name,
                target.name,
                listing(f"cockroachdb-{node}" for node in waiting),
                "answers /health?ready=1 with 503",
            )


def certificates(evidence: Evidence) -> Iterator[Finding]:
    """TLS for the name that nodes are reached by, on both ports."""
    for source, target, reports in evidence.pairs():
        faults: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for step in ("tls", "http"):
            for node in _entries(reports, target, step):
                port = _number(evidence, target, node["node"], step)
                status = node[step]["status"]
                if status in TLS_CODES or (step == "tls" and status != "ok"):
                    said = node[step].get("error") or status
                    faults[TLS_CODES.get(status, "tls-handshake")].append((f"cockroachdb-{node['node']}:{port}", said))
        for code, found in faults.items():
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.TLS,
                code,
                source.name,
                target.name,
                listing(where for where, _ in found),
                listing((said for _, said in found), 2),
            )


def expiry(evidence: Evidence) -> Iterator[Finding]:
    """Certificates that verify today and soon won't."""
    for source, target, reports in evidence.pairs():
        left = [
            (node["tls"]["daysLeft"], f"cockroachdb-{node['node']}")
            for node in _entries(reports, target, "tls")
            if ok(node["tls"]) and node["tls"]["daysLeft"] < EXPIRY_DAYS
        ]
        if left:
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.TLS,
                "tls-expiring",
                source.name,
                target.name,
                listing(sorted(name for _, name in left)),
                f"the certificate expires in {max(min(left)[0], 0):.1f} days",
            )


def clients_expiry(evidence: Evidence) -> Iterator[Finding]:
    """The same of SQL users' certificates, and of the authorities that all of them come from."""
    soonest: dict[str, float] = {}
    for report in evidence.reports:
        for one in report["certificates"]:
            soonest[one["name"]] = min(one["daysLeft"], soonest.get(one["name"], one["daysLeft"]))
    for name, left in sorted(soonest.items()):
        authority = name.startswith("authority")
        if left < (AUTHORITY_DAYS if authority else EXPIRY_DAYS):
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.TLS,
                "authority-expiring" if authority else "client-expiring",
                None,
                None,
                name,
                f"the certificate expires in {left:.1f} days" if left > 0 else "the certificate has expired",
            )


def source_address(evidence: Evidence) -> Iterator[Finding]:
    """A peer that sees another address than the pod's own."""
    for source, target, reports in evidence.pairs():
        seen = [
            f"{report['address']} arrives as {peer['seen']}"
            for report in reports
            for peer in towards(report, "peers", target.name)
            if peer["seen"] is not None and peer["seen"] != report["address"]
        ]
        if seen:
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.SNAT,
                "snat",
                source.name,
                target.name,
                source.name,
                listing(seen, 2),
            )


def large_packets(evidence: Evidence) -> Iterator[Finding]:
    """A conversation that starts and then stops at 64 KiB."""
    for source, target, reports in evidence.pairs():
        lost = [
            f"{report['zone']} → {peer['zone']}" if peer["stage"] == "up" else f"{peer['zone']} → {report['zone']}"
            for report in reports
            for peer in towards(report, "peers", target.name)
            if peer["stage"] in ("up", "down") or (peer["stage"] == "done" and not (peer["up"] and peer["down"]))
        ]
        if lost:
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.MTU,
                "mtu",
                source.name,
                target.name,
                listing(lost),
                "small messages pass, 64 KiB do not",
            )


def clocks(evidence: Evidence) -> Iterator[Finding]:
    """Clocks that are certainly apart: the offset less half the round trip, which is its uncertainty."""
    limit = evidence.target.max_offset_ms
    for source, target, reports in evidence.pairs():
        apart = [
            (abs(peer["offsetMs"]) - peer["roundTripMs"] / 2, f"{report['zone']} and {peer['zone']}")
            for report in reports
            for peer in towards(report, "peers", target.name)
            if peer["offsetMs"] is not None
        ]
        apart = [(offset, zones) for offset, zones in apart if offset > CLOCK_DEGRADED * limit]
        if apart:
            most = max(apart)[0]
            yield finding(
                evidence.target,
                Severity.RED if most > CLOCK_RED * limit else Severity.DEGRADED,
                Layer.CLOCK,
                "clock",
                source.name,
                target.name,
                listing(zones for _, zones in sorted(apart, reverse=True)),
                f"clocks are at least {most:.0f} ms apart; --max-offset is {limit:.0f} ms",
            )


def _port(evidence: Evidence, step: str, code: str) -> Iterator[Finding]:
    for source, target, reports in evidence.pairs():
        if evidence.cut(source.name, target.name):
            continue
        tried = _up(evidence, reports, target, step)
        peers = [peer for report in reports for peer in towards(report, "peers", target.name)] if step == "http" else []
        unanswered = [
            node["node"] for node in tried if node[step]["status"] in ("timeout", "unreachable", "reset", "error")
        ]
        unwelcome = [node["node"] for node in tried if node[step]["status"] == "refused"]
        silent = [f"cockroachdb-{node}" for node in unanswered]
        silent += [f"probe in {peer['zone']}" for peer in peers if _unreached(peer) and peer["status"] != "refused"]
        if silent:
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.FIREWALL,
                code,
                source.name,
                target.name,
                listing(silent),
                f"tcp {_numbers(evidence, target, unanswered, step)} is not answered, "
                "though packets pass between the regions",
            )
        if unwelcome:
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.NODE,
                "node-refused",
                source.name,
                target.name,
                listing(f"cockroachdb-{node}" for node in unwelcome),
                f"tcp {_numbers(evidence, target, unwelcome, step)} refuses connections from here",
            )
        unheard = [
            peer["zone"]
            for peer in peers
            if peer["stage"] == "hello" or (_unreached(peer) and peer["status"] == "refused")
        ]
        if unheard:
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.PROBE,
                "unmeasured",
                source.name,
                target.name,
                listing(f"probe in {zone}" for zone in unheard),
                "the other region's probe did not answer; source address, packet size and clock are unknown",
            )


def _number(evidence: Evidence, target: Region, node: int, step: str) -> int:
    found = evidence.nodes[target.name, node]
    return found.http_port if step == "http" else found.port


def _numbers(evidence: Evidence, target: Region, nodes: list[int], step: str) -> str:
    """The ports that these nodes were tried at; the probes' own, where none was."""
    numbers = {_number(evidence, target, node, step) for node in nodes} or {HTTP_PORT}
    return listing(map(str, sorted(numbers)))


def _unreached(peer: dict[str, Any]) -> bool:
    return peer["stage"] == "connect"


def _entries(reports: tuple[Report, ...], target: Region, step: str) -> list[dict[str, Any]]:
    return [node for report in reports for node in towards(report, "nodes", target.name) if node[step] is not None]


def _up(evidence: Evidence, reports: tuple[Report, ...], target: Region, step: str) -> list[dict[str, Any]]:
    return [node for node in _entries(reports, target, step) if (target.name, node["node"]) not in evidence.down]
