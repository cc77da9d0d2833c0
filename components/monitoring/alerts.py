"""Alert rules from plain values: each threshold follows from the config or says where it comes from. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

JOB = "cockroachdb"
"""`job` of the nodes' targets, in ServiceMonitors and in the plain scrape config alike."""

DAY = 86_400
NODE_CERTIFICATE_DAYS = (30, 14)
"""Warning, critical. Any `up` in the last 60 days renews a leaf: 30 days mean that none came for a month."""
AUTHORITY_DAYS = (180, 30)
"""The authority is not renewed by itself: its change needs two rollouts with both trusted."""
OFFSET_SHARES = (0.4, 0.6)
"""Of `--max-offset`; a node ends itself at 0.8 of it. The first is where `verify` says degraded."""
FREE_SHARES = (0.4, 0.15)
"""Of a store: CockroachDB's advice is to keep 40 % free, for compactions and for replicas that come over."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the rules have to know of a stack."""

    cluster: str
    """`cockroachdb.clusterName`, the `cluster` label of every target."""
    nodes: int
    """How many are to be live: those of all active regions."""
    max_offset_ms: float
    dns_addresses: Sequence[str] = ()
    """`host:port` of the regions' DNS, as the others' CoreDNS forwards to them."""
    backups: bool = False
    """Whether there is a schedule."""

    def labels(self, *more: str) -> str:
        """The selector of the nodes' series."""
        return "{" + ", ".join([f'job="{JOB}"', f'cluster="{self.cluster}"', *more]) + "}"

    @property
    def forwards(self) -> str:
        """The selector of what is forwarded to other regions."""
        addresses = "|".join(address.replace(".", "\\\\.") for address in sorted(self.dns_addresses))
        return f'proxy_name="forward", to=~"{addresses}"'


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule. `hold`: how long the expression must be true, a Prometheus duration."""

    name: str
    expr: str
    hold: str
    severity: str
    summary: str
    description: str

    def rule(self) -> dict[str, Any]:
        """As rule files and PrometheusRules have it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.hold,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": self.description},
        }


WARNING, CRITICAL = "warning", "critical"


def groups(watched: Watched) -> list[dict[str, Any]]:
    """`groups` of a rule file and of a PrometheusRule's spec, for a Prometheus that sees one region's nodes or more."""
    by_name = {
        "nodes": _nodes(watched),
        "ranges": _ranges(watched),
        "network": _network(watched),
        "certificates": _certificates(watched),
        "backups": _backups(watched),
    }
    return _grouped(by_name)


def groups_of_all_regions(watched: Watched, backup_seconds: int) -> list[dict[str, Any]]:
    """`groups` for what sees the nodes of all regions: elsewhere they fire without a reason.

    `backup_seconds`: longest time between two backups.
    """
    return _grouped({"all-regions": _backup_age(watched, backup_seconds)})


def _grouped(by_name: Mapping[str, Iterable[Alert]]) -> list[dict[str, Any]]:
    found = {name: [alert.rule() for alert in alerts] for name, alerts in by_name.items()}
    return [{"name": f"cockroachdb-{name}", "rules": rules} for name, rules in found.items() if rules]


def _nodes(watched: Watched) -> Iterator[Alert]:
    nodes = watched.labels()
    yield Alert(
        "CockroachDBNotScraped",
        f"absent(up{nodes})",
        "10m",
        WARNING,
        "No CockroachDB node is a target",
        "Without targets no other rule here can fire. Look at the ServiceMonitor's labels, or the scrape config.",
    )
    yield Alert(
        "CockroachDBNodeDown",
        f"up{nodes} == 0",
        "5m",
        WARNING,
        "{{ $labels.instance }} in {{ $labels.region }} cannot be scraped",
        "Down, cut off from Prometheus, or its certificate does not verify. `python -m verify` says which.",
    )
    yield Alert(
        "CockroachDBNodesMissing",
        f"max by (cluster) (liveness_livenodes{nodes}) < {watched.nodes}",
        "5m",
        WARNING,
        f"{{{{ $value }}}} of {watched.nodes} nodes are live",
        "As the nodes here see it, over all regions; a node that is not live itself counts none. The planned number is "
        "that of the active regions.",
    )
    yield Alert(
        "CockroachDBNodeRestarts",
        f"resets(sys_uptime{nodes}[1h]) > 2",
        "0m",
        WARNING,
        "{{ $labels.instance }} restarted {{ $value }} times within an hour",
        "A rollout restarts a node once. Look at the pod's last state and at the log of the container before.",
    )
    yield Alert(
        "CockroachDBVersionsDiffer",
        f"count by (cluster) (count by (cluster, tag) (build_timestamp{nodes})) > 1",
        "4h",
        WARNING,
        "Nodes here run {{ $value }} versions",
        "An upgrade has stopped half way: `pulumi up` goes on with it.",
    )
    for share, severity in zip(FREE_SHARES, (WARNING, CRITICAL), strict=True):
        yield Alert(
            "CockroachDBStoreFills",
            f"capacity_available{nodes} / capacity{nodes} < {share}",
            "30m" if severity == WARNING else "5m",
            severity,
            "{{ $labels.instance }}: {{ $value | humanizePercentage }} of its store is free",
            "Raise `cockroachdb.storage.size`: volumes grow in place where the StorageClass allows it.",
        )


def _ranges(watched: Watched) -> Iterator[Alert]:
    nodes = watched.labels()
    yield Alert(
        "CockroachDBRangesUnavailable",
        f"sum by (cluster) (ranges_unavailable{nodes}) > 0",
        "1m",
        CRITICAL,
        "{{ $value }} ranges have lost their quorum",
        "What is in them can be neither read nor written until nodes come back. The usual advice waits 10 minutes: a "
        "range without quorum does not mend itself, and its clients stand still meanwhile.",
    )
    yield Alert(
        "CockroachDBRangesUnderReplicated",
        f"sum by (cluster) (ranges_underreplicated{nodes}) > 0",
        "15m",
        WARNING,
        "{{ $value }} ranges have too few replicas",
        "Ordinary for a while after a node is gone: `server.time_until_store_dead` is 5 minutes, and copies take time. "
        "Lasting: nodes are missing in a zone or region that the databases name.",
    )


def _network(watched: Watched) -> Iterator[Alert]:
    # With `server.child_metrics.enabled` there is a series for each peer too; the sum is the one without a peer.
    in_all = watched.labels('remote_node_id=""')
    yield Alert(
        "CockroachDBPeersUnreachable",
        f"rpc_connection_unhealthy{in_all} > 0",
        "5m",
        WARNING,
        "{{ $labels.instance }} in {{ $labels.region }} has {{ $value }} broken connections to other nodes",
        "A network partition, or nodes that are down. `python -m verify` names the regions and the layer.",
    )
    nanoseconds = watched.max_offset_ms * 1e6
    for share, severity in zip(OFFSET_SHARES, (WARNING, CRITICAL), strict=True):
        yield Alert(
            "CockroachDBClockOffset",
            f"abs(clock_offset_meannanos{watched.labels()}) > {share * nanoseconds:.0f}",
            "5m",
            severity,
            "The clock of {{ $labels.instance }} is {{ $value | humanize }} ns off the other nodes'",
            f"Above {share:.0%} of --max-offset ({watched.max_offset_ms:g} ms here); at 80 % a node ends itself. The "
            "rule that Cockroach Labs ships fires above 300 ms, for the default of 500 ms, which is after the end at "
            "250 ms; and it takes no absolute value, so that it is blind to clocks that are behind.",
        )
    if not watched.dns_addresses:
        return
    yield Alert(
        "CrossRegionDnsFails",
        "sum by (region, to) (rate(coredns_proxy_request_duration_seconds_count"
        f'{{{watched.forwards}, rcode="SERVFAIL"}}[5m])) > 0',
        "5m",
        WARNING,
        "Names of another region fail at {{ $labels.to }}",
        "That region's DNS answers SERVFAIL. Nodes that restart will not find their peers.",
    )
    yield Alert(
        "CrossRegionDnsUnreachable",
        f"sum by (region, to) (increase(coredns_proxy_healthcheck_failures_total{{{watched.forwards}}}[5m])) > 0",
        "5m",
        WARNING,
        "CoreDNS gets no answer from {{ $labels.to }}, another region's DNS",
        "The load balancer there, the way to it, or the servers behind it. Caches hide it until their entries end.",
    )


def _certificates(watched: Watched) -> Iterator[Alert]:
    why = (
        "The metric is a Unix timestamp, 0 where there is no certificate. The rules that Cockroach Labs ships fire {} "
        "before the end, and its page of alerts compares the timestamp itself with three weeks, which is never true."
    )
    for days, severity in zip(NODE_CERTIFICATE_DAYS, (WARNING, CRITICAL), strict=True):
        yield Alert(
            "CockroachDBNodeCertificateEnds",
            f"(security_certificate_expiration_node{watched.labels()} > 0) - time() < {days * DAY}",
            "1h",
            severity,
            "The certificate of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}",
            "`pulumi up` renews leaves in their last 60 days. " + why.format("183 days, half of a year's certificate"),
        )
    for days, severity in zip(AUTHORITY_DAYS, (WARNING, CRITICAL), strict=True):
        yield Alert(
            "CockroachDBAuthorityEnds",
            f"(security_certificate_expiration_ca{watched.labels()} > 0) - time() < {days * DAY}",
            "1h",
            severity,
            "The certificate authority that {{ $labels.instance }} trusts ends in {{ $value | humanizeDuration }}",
            "Nothing renews it by itself: trust the next one everywhere first. "
            + why.format("a year (for other authorities than this one)"),
        )


def _backups(watched: Watched) -> Iterator[Alert]:
    if watched.backups:
        yield Alert(
            "CockroachDBBackupFailed",
            f"sum by (cluster) (increase(schedules_BACKUP_failed{watched.labels()}[1h])) > 0",
            "0m",
            CRITICAL,
            "A scheduled backup has failed",
            "SHOW JOBS says why. Storage that the nodes may not write to is the usual reason.",
        )


def _backup_age(watched: Watched, backup_seconds: int) -> Iterator[Alert]:
    window = 2 * backup_seconds
    yield Alert(
        "CockroachDBBackupTooOld",
        # Only the node that completed it says when, and forgets it with a restart.
        "time() - max by (cluster) (max_over_time(schedules_BACKUP_last_completed_time"
        f"{watched.labels()}[{window}s])) > {window}",
        "15m",
        CRITICAL,
        "The newest backup is {{ $value | humanizeDuration }} old",
        "Twice the time between two backups. This rule has to see the nodes of all regions: any of them may be the one "
        "that completes a backup.",
    )
