"""Checks of the names: by the pods' own resolver, and at each DNS balancer address alone."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .evidence import Evidence, answered, has_address, towards, words
from .findings import Finding, Layer, Severity, finding, listing
from .target import Region

TRANSPORTS = ("udp", "tcp")


def resolver(evidence: Evidence) -> Iterator[Finding]:
    """Pods that have no nameserver at all."""
    for one in evidence.measurements:
        if any(not report["resolvers"] for report in one.reports):
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.DNS,
                "dns-no-resolver",
                one.region,
                None,
                one.region,
                "/etc/resolv.conf names no server",
            )


def names(evidence: Evidence) -> Iterator[Finding]:
    """Every node's name through the pod's own resolver, over UDP and over TCP."""
    for source, target, entries in _names(evidence):
        failed: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in entries:
            for transport in TRANSPORTS:
                if not has_address(entry[transport]):
                    failed[transport, words(entry[transport])].append(f"cockroachdb-{entry['node']}")
        for (transport, word), nodes in failed.items():
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.DNS,
                _name_code(evidence, source, target, word),
                source.name,
                target.name,
                listing(sorted(nodes)),
                f"{word} over {transport.upper()}",
            )


def fresh_names(evidence: Evidence) -> Iterator[Finding]:
    """A question no cache can answer: a live forward says that the name is there, over each transport."""
    for source, target, entries in _names(evidence):
        for transport in TRANSPORTS:
            asked = [(entry["node"], entry["fresh"][transport]) for entry in entries if has_address(entry["udp"])]
            dead = {node: got for node, got in asked if not (answered(got) and got["rcode"] == "NOERROR")}
            if dead:
                yield finding(
                    evidence.target,
                    Severity.RED,
                    Layer.DNS,
                    "dns-cached",
                    source.name,
                    target.name,
                    listing(sorted(f"cockroachdb-{node}" for node in dead)),
                    f"resolves, but a question never asked before gets {listing(map(words, dead.values()))} over "
                    f"{transport.upper()}",
                )


def stale_names(evidence: Evidence) -> Iterator[Finding]:
    """Names that give another address than the pod has."""
    for source, target, entries in _names(evidence):
        pods = evidence.measured(target.name).pods or {}
        stale = [
            f"cockroachdb-{entry['node']}: {listing(entry['udp']['addresses'])}, not {pod.address}"
            for entry in entries
            if (pod := pods.get(entry["node"])) is not None
            and pod.address
            and has_address(entry["udp"])
            and entry["udp"]["addresses"] != [pod.address]
        ]
        if stale:
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.DNS,
                "dns-stale",
                source.name,
                target.name,
                listing(stale),
                "an old address",
            )


def dns_addresses(evidence: Evidence) -> Iterator[Finding]:
    """Each address that a region's zone is forwarded to, alone, over each transport. One of several may be missing."""
    for source, target, _ in evidence.pairs():
        if evidence.cut(source.name, target.name):
            continue
        for transport in TRANSPORTS:
            dead, flaky = _dead_and_flaky(evidence, source, target, transport)
            alive = _addresses(evidence, source, target) - set(dead)
            other = "tcp" if transport == "udp" else "udp"
            alive_otherwise = _addresses(evidence, source, target) - set(
                _dead_and_flaky(evidence, source, target, other)[0]
            )
            if dead:
                layer, code = Layer.DNS, "dns-dead-address" if alive else "dns-dead"
                if alive_otherwise and not alive:
                    blocked = set(dead.values()) <= {"timeout", "unreachable"}
                    layer = Layer.FIREWALL if blocked else Layer.DNS
                    code = f"firewall-dns-{transport}" if blocked else "dns-protocol"
                severity = Severity.DEGRADED if alive else Severity.RED
                symptom = f"{listing(dead.values())} over {transport.upper()}"
                yield finding(
                    evidence.target, severity, layer, code, source.name, target.name, listing(sorted(dead)), symptom
                )
            if flaky:
                yield finding(
                    evidence.target,
                    Severity.DEGRADED,
                    Layer.DNS,
                    "dns-flaky",
                    source.name,
                    target.name,
                    listing(sorted(flaky)),
                    f"answers {listing(flaky.values())} questions at the first try over {transport.upper()}",
                )


def dns_servers_are_right(evidence: Evidence) -> Iterator[Finding]:
    """An address that answers, but not as a server of that zone would."""
    for source, target, reports in evidence.pairs():
        wrong: dict[tuple[str, str], list[str]] = defaultdict(list)
        for report in reports:
            for server in towards(report, "servers", target.name):
                for transport in TRANSPORTS:
                    for word in _wrong_answers(server[transport]["fresh"], target.dns_zone):
                        wrong["dns-wrong-server", f"a made-up name gets {word} over {transport.upper()}"].append(
                            server["address"]
                        )
                    known = server[transport]["known"]
                    if (
                        answered(known)
                        and not has_address(known)
                        and (target.name, target.nodes[0].ordinal) not in evidence.down
                    ):
                        wrong[
                            "dns-name-unknown", f"{target.nodes[0].pod} gets {words(known)} over {transport.upper()}"
                        ].append(server["address"])
        for (code, symptom), addresses in wrong.items():
            everywhere = set(addresses) == _addresses(evidence, source, target)
            yield finding(
                evidence.target,
                Severity.RED if everywhere else Severity.DEGRADED,
                Layer.DNS,
                code,
                source.name,
                target.name,
                listing(sorted(set(addresses))),
                symptom,
            )


def _names(evidence: Evidence) -> Iterator[tuple[Region, Region, list[dict[str, Any]]]]:
    for source, target, reports in evidence.pairs():
        if not evidence.cut(source.name, target.name):
            yield (
                source,
                target,
                [
                    entry
                    for report in reports
                    for entry in towards(report, "names", target.name)
                    if (target.name, entry["node"]) not in evidence.down
                ],
            )


def _name_code(evidence: Evidence, source: Region, target: Region, word: str) -> str:
    """Whose fault a failed name is: the forward's, the other region's DNS, or the resolver's own."""
    if word in ("timeout", "refused", "unreachable"):
        chained = target.dns_zone in source.forwards and _resolves_itself(evidence, source)
        return "dns-forward-dead" if chained else "dns-resolver"
    if source == target:
        return "dns-name-unknown"
    if target.dns_zone not in source.forwards:
        # Nothing stands between the resolver and whoever has the zone.
        return "dns-resolver" if word == "SERVFAIL" else "dns-name-unknown"
    if word == "SERVFAIL":
        return "dns-forward-dead"
    known = [
        server[transport]["known"]
        for report in evidence.measured(source.name).reports
        for server in towards(report, "servers", target.name)
        for transport in TRANSPORTS
    ]
    return "dns-name-unknown" if known and not any(has_address(answer) for answer in known) else "dns-forward-missing"


def _resolves_itself(evidence: Evidence, source: Region) -> bool:
    return any(
        answered(entry["udp"])
        for report in evidence.measured(source.name).reports
        for entry in towards(report, "names", source.name)
    )


def _addresses(evidence: Evidence, source: Region, target: Region) -> set[str]:
    return {
        server["address"]
        for report in evidence.measured(source.name).reports
        for server in towards(report, "servers", target.name)
    }


def _dead_and_flaky(
    evidence: Evidence, source: Region, target: Region, transport: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Addresses that answer nothing from some zone, with why; those that answer only some questions, with how many.

    One lost packet is nobody's fault; a dead server behind an address loses its share of the questions of every zone.
    """
    dead: dict[str, str] = {}
    asked: dict[str, int] = defaultdict(int)
    lost: dict[str, int] = defaultdict(int)
    for report in evidence.measured(source.name).reports:
        for server in towards(report, "servers", target.name):
            answers = [server[transport]["known"], *server[transport]["fresh"]]
            failed = [words(one) for one in answers if _unanswered(one)]
            if len(failed) == len(answers):
                dead[server["address"]] = failed[0]
            asked[server["address"]] += len(answers)
            lost[server["address"]] += sum(_unanswered(one) or one["attempts"] > 1 for one in answers)
    flaky = {
        address: f"{asked[address] - count} of {asked[address]}"
        for address, count in lost.items()
        if count > 1 and address not in dead
    }
    return dead, flaky


def _unanswered(answer: dict[str, Any]) -> bool:
    return not answered(answer) or answer["rcode"] in ("SERVFAIL", "REFUSED")


def _wrong_answers(fresh: list[dict[str, Any]], zone: str) -> Iterator[str]:
    for answer in fresh:
        if _unanswered(answer):
            continue
        if answer["rcode"] != "NXDOMAIN":
            yield words(answer) if not answer["addresses"] else listing(answer["addresses"])
        elif answer["soa"] is None or not f".{zone}".endswith(f".{answer['soa']}"):
            yield f"NXDOMAIN from {answer['soa'] or 'no'} zone"
