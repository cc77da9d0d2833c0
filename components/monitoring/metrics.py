"""The metrics that alerts and dashboards may ask for: nothing else, so that no query waits for a name that never comes.

`tests/unit/monitoring` holds every query against this list, `tests/conformance` the list against a node and a CoreDNS
that run.
"""

from collections.abc import Mapping

NANOSECONDS, SECONDS, TIMESTAMP, BYTES, COUNT = "nanoseconds", "seconds", "Unix seconds", "bytes", "count"

COCKROACHDB: Mapping[str, str] = {
    "build_timestamp": TIMESTAMP,
    "capacity": BYTES,
    "capacity_available": BYTES,
    "capacity_used": BYTES,
    "clock_offset_meannanos": NANOSECONDS,
    "liveness_livenodes": COUNT,
    "ranges_unavailable": COUNT,
    "ranges_underreplicated": COUNT,
    "replicas": COUNT,
    "replicas_leaseholders": COUNT,
    "rpc_connection_avg_round_trip_latency": NANOSECONDS,
    "rpc_connection_healthy": COUNT,
    "rpc_connection_unhealthy": COUNT,
    "schedules_BACKUP_failed": COUNT,
    "schedules_BACKUP_last_completed_time": TIMESTAMP,
    "schedules_BACKUP_succeeded": COUNT,
    "security_certificate_expiration_ca": TIMESTAMP,
    "security_certificate_expiration_node": TIMESTAMP,
    "sql_conns": COUNT,
    "sql_crud_query_count": COUNT,
    "sql_failure_count": COUNT,
    "sql_service_latency_bucket": NANOSECONDS,
    "sys_cpu_combined_percent_normalized": COUNT,
    "sys_rss": BYTES,
    "sys_uptime": SECONDS,
}
"""Name on `/_status/vars` -> unit.

From cockroachdb/cockroach docs/generated/metrics/metrics.yaml at 006c443c (`exported_name`, `unit`); but the two
certificates', which that file lacks, from pkg/security (`security.certificate.expiration.ca`, `.node`: TIMESTAMP_SEC, 0
where there is none). A histogram of that file is here by its `_bucket` series.
"""

COREDNS: Mapping[str, str] = {
    "coredns_forward_healthcheck_broken_total": COUNT,
    "coredns_proxy_healthcheck_failures_total": COUNT,
    "coredns_proxy_request_duration_seconds_bucket": SECONDS,
    "coredns_proxy_request_duration_seconds_count": COUNT,
}
"""The same of CoreDNS: plugin `forward`, and its `proxy`, since 1.11."""

PROMETHEUS: Mapping[str, str] = {"up": COUNT}
"""What a scrape itself says."""

KNOWN: Mapping[str, str] = {**COCKROACHDB, **COREDNS, **PROMETHEUS}
