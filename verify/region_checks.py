"""Checks of one region by itself: its API server, its probes, its DNS servers, its nodes."""

from collections.abc import Iterator

from components.plan.model import DnsKind

from .evidence import Evidence
from .findings import Finding, Layer, Severity, finding, listing
from .measurements import PodState

API_CODES = {"unreachable": "api-unreachable", "refused": "api-refused", "no-kubeconfig": "api-no-kubeconfig"}


def api_server(evidence: Evidence) -> Iterator[Finding]:
    """A region whose API server can't be used has an unknown row."""
    for one in evidence.measurements:
        if one.api != "ok":
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.API_SERVER,
                API_CODES[one.api],
                one.region,
                None,
                one.region,
                one.api_error,
            )


def probes(evidence: Evidence) -> Iterator[Finding]:
    """A zone without a probe is a zone where no pod starts: degraded; a region without any is unknown."""
    for one in evidence.measurements:
        if one.api != "ok":
            continue
        failed = [zone for zone in one.zones if zone.status != "reported"]
        if not one.reports:
            why = listing(f"{zone.status} ({zone.detail})" for zone in failed) or "no probe pod was made"
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.PROBE,
                "no-probe",
                one.region,
                None,
                one.region,
                f"no probe reported: {why}",
            )
            continue
        for zone in failed:
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.PROBE,
                "zone-unprobed",
                one.region,
                None,
                zone.zone or "any zone",
                f"{zone.status}: {zone.detail}",
            )


def dns_replicas(evidence: Evidence) -> Iterator[Finding]:
    """Fewer DNS servers ready than the cluster wants. None at all shows as red by the names that don't resolve."""
    for one in evidence.measurements:
        if evidence.target.region(one.region).dns_kind == DnsKind.CLOUD_DNS:
            continue  # kube-dns runs on in such clusters, and nobody asks it
        if one.dns_servers is not None and one.dns_servers[0] < one.dns_servers[1]:
            ready, desired = one.dns_servers
            yield finding(
                evidence.target,
                Severity.DEGRADED,
                Layer.DNS,
                "dns-replica",
                None,
                one.region,
                "k8s-app=kube-dns",
                f"{ready} of {desired} DNS servers are ready",
            )


def down_nodes(evidence: Evidence) -> Iterator[Finding]:
    """Nodes that work for nobody. One of several is a redundant part; all of a region is the region."""
    for region in evidence.target.regions:
        down = [node for node in region.nodes if (region.name, node.ordinal) in evidence.down]
        if not down or region.draining:
            continue
        all_of_it = len(down) == len(region.nodes)
        pods = evidence.measured(region.name).pods
        answering = all((region.name, node.ordinal) in evidence.answering for node in down)
        code = f"{'region' if all_of_it else 'node'}-{'not-ready' if answering else 'down'}"
        states = (
            "answer, but take no clients"
            if answering
            else listing(f"{node.pod}: {_pod_words(pods, node.ordinal)}" for node in down)
        )
        yield finding(
            evidence.target,
            Severity.RED if all_of_it else Severity.DEGRADED,
            Layer.NODE,
            code,
            None,
            region.name,
            listing(node.pod for node in down),
            f"{len(down)} of {len(region.nodes)} nodes down ({states})",
        )


def hosts(evidence: Evidence) -> Iterator[Finding]:
    """Nodes held to hosts of their own: down on one of them, which may be gone, or on a host that is none of them."""
    for region in evidence.target.regions:
        pods = evidence.measured(region.name).pods or {}
        placed = {ordinal: pod.host for ordinal, pod in pods.items() if pod.host is not None} if region.hosts else {}
        down = {placed[n] for name, n in evidence.down if name == region.name and placed.get(n) in region.hosts}
        astray = set(placed.values()) - region.hosts.keys()
        for code, names, symptom in (
            ("host-down", down, "a node that is held to it is down"),
            ("host-left", astray, "has a node, and the config lists it no more"),
        ):
            if names and not region.draining:
                yield finding(
                    evidence.target,
                    Severity.DEGRADED,
                    Layer.NODE,
                    code,
                    None,
                    region.name,
                    listing(sorted(names)),
                    symptom,
                )


def unmeasured(evidence: Evidence) -> Iterator[Finding]:
    """A report that lacks an entry it should have: nothing unmeasured may pass for green."""
    for source, target, reports in evidence.pairs():
        servers = set(source.servers_of(target))
        peers = {zone.zone for zone in evidence.measured(target.name).zones if zone.status in ("reported", "silent")}
        for report in reports:
            expected = {
                "names": {node.ordinal for node in target.nodes if not (node.address or node.unlocated)}
                if report["resolvers"]
                else set(),
                "nodes": {node.ordinal for node in target.nodes},
                "servers": servers,
                "balancers": {balancer.address for balancer in target.balancers} if source != target else set(),
                "peers": (peers if evidence.target.pods_meet(source, target) else set())
                - ({report["zone"]} if source == target else set()),
            }
            keys = {"names": "node", "nodes": "node", "servers": "address", "balancers": "address", "peers": "zone"}
            for section, wanted in expected.items():
                lacking = wanted - {entry[keys[section]] for entry in report[section] if entry["region"] == target.name}
                if lacking:
                    yield finding(
                        evidence.target,
                        Severity.DEGRADED,
                        Layer.PROBE,
                        "unmeasured",
                        source.name,
                        target.name,
                        section,
                        f"the probe in {report['zone'] or source.name} lacks {listing(sorted(map(str, lacking)))}",
                    )


def _pod_words(pods: dict[int, PodState] | None, ordinal: int) -> str:
    if pods is None:
        return "its pod can't be read"
    pod = pods.get(ordinal)
    if pod is None:
        return "no such pod"
    return pod.reason or ("its pod looks ready" if pod.ready else f"{pod.phase}, not ready")
