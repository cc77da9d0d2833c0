"""Grafana dashboards from plain data. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .alerts import JOB

SCHEMA_VERSION = 39
"""Of Grafana's dashboard JSON (Grafana 11); newer ones read it."""
WIDTH, HEIGHT, COLUMNS = 8, 8, 24

NODES = f'job="{JOB}", cluster="$cluster", region=~"$region"'
SUM = f'{NODES}, remote_node_id=""'
"""The series of all peers, where `server.child_metrics.enabled` adds one for each."""
FORWARDED = 'proxy_name="forward", to=~".+:53"'


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph. `queries`: PromQL -> legend. `unit`: Grafana's word."""

    title: str
    unit: str
    queries: dict[str, str]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page: rows of panels."""

    name: str
    title: str
    rows: dict[str, Sequence[Panel]]

    @property
    def queries(self) -> Iterator[str]:
        """All of them, with Grafana's variables in."""
        for panels in self.rows.values():
            for panel in panels:
                yield from panel.queries


EACH = "{{region}} {{instance}}"

HEALTH = Dashboard(
    "cockroachdb-health",
    "CockroachDB: health",
    {
        "Cluster": (
            Panel(
                "Live nodes",
                "short",
                {f"max by (region) (liveness_livenodes{{{NODES}}})": "as {{region}} sees them"},
                "Regions that see different numbers are cut off from each other.",
            ),
            Panel(
                "Unavailable ranges",
                "short",
                {f"sum by (region) (ranges_unavailable{{{NODES}}})": "{{region}}"},
                "Without a quorum: nothing in them can be read or written.",
            ),
            Panel(
                "Under-replicated ranges",
                "short",
                {f"sum by (region) (ranges_underreplicated{{{NODES}}})": "{{region}}"},
            ),
            Panel("Replicas", "short", {f"replicas{{{NODES}}}": EACH}),
            Panel("Leaseholders", "short", {f"replicas_leaseholders{{{NODES}}}": EACH}),
            Panel("Uptime", "s", {f"sys_uptime{{{NODES}}}": EACH}),
        ),
        "Capacity": (
            Panel(
                "Store, free",
                "percentunit",
                {f"capacity_available{{{NODES}}} / capacity{{{NODES}}}": EACH},
                "CockroachDB's advice: keep 40 % free.",
            ),
            Panel("Store, used", "bytes", {f"sum by (region) (capacity_used{{{NODES}}})": "{{region}}"}),
            Panel("CPU", "percentunit", {f"sys_cpu_combined_percent_normalized{{{NODES}}}": EACH}),
            Panel("Memory", "bytes", {f"sys_rss{{{NODES}}}": EACH}),
        ),
        "SQL": (
            Panel(
                "Statements",
                "ops",
                {f"sum by (region) (rate(sql_crud_query_count{{{NODES}}}[$__rate_interval]))": "{{region}}"},
            ),
            Panel(
                "Failed statements",
                "ops",
                {f"sum by (region) (rate(sql_failure_count{{{NODES}}}[$__rate_interval]))": "{{region}}"},
            ),
            Panel(
                "Latency",
                "ns",
                {
                    f"histogram_quantile({q}, sum by (region, le) "
                    f"(rate(sql_service_latency_bucket{{{NODES}}}[$__rate_interval])))": f"{{{{region}}}} p{q * 100:g}"
                    for q in (0.5, 0.99)
                },
            ),
            Panel("Connections", "short", {f"sum by (region) (sql_conns{{{NODES}}})": "{{region}}"}),
        ),
        "Certificates and backups": (
            Panel(
                "Node certificates, time left",
                "s",
                {f"(security_certificate_expiration_node{{{NODES}}} > 0) - time()": EACH},
                "`pulumi up` renews them in their last 60 days.",
            ),
            Panel(
                "Authority, time left",
                "s",
                {f"min by (region) (security_certificate_expiration_ca{{{NODES}}} > 0) - time()": "{{region}}"},
            ),
            Panel(
                "Newest backup, age",
                "s",
                {f"time() - max by (cluster) (schedules_BACKUP_last_completed_time{{{NODES}}} > 0)": "{{cluster}}"},
                "As nodes know that have completed one since they started.",
            ),
            Panel(
                "Scheduled backups",
                "short",
                {
                    f"sum(increase(schedules_BACKUP_succeeded{{{NODES}}}[$__rate_interval]))": "done",
                    f"sum(increase(schedules_BACKUP_failed{{{NODES}}}[$__rate_interval]))": "failed",
                },
            ),
        ),
    },
)

NETWORK = Dashboard(
    "cockroachdb-network",
    "CockroachDB: between regions",
    {
        "Nodes": (
            Panel(
                "Round trip to all peers, mean",
                "ns",
                {f"rpc_connection_avg_round_trip_latency{{{SUM}}} / rpc_connection_healthy{{{SUM}}}": EACH},
            ),
            Panel(
                "Round trip by peer",
                "ns",
                {
                    "max by (region, remote_addr) "
                    f'(rpc_connection_avg_round_trip_latency{{{NODES}, remote_addr!=""}} > 0)': (
                        "{{region}} → {{remote_addr}}"
                    )
                },
                "Needs `cockroachdb.clusterSettings: {server.child_metrics.enabled: true}`.",
            ),
            Panel("Broken connections", "short", {f"rpc_connection_unhealthy{{{SUM}}}": EACH}),
            Panel(
                "Clock offset",
                "ns",
                {f"clock_offset_meannanos{{{NODES}}}": EACH},
                "Mean to the other nodes. A node ends itself at 80 % of --max-offset.",
            ),
        ),
        "Names of other regions": (
            Panel(
                "Forwarded questions",
                "reqps",
                {
                    "sum by (region, to, rcode) "
                    f"(rate(coredns_proxy_request_duration_seconds_count{{{FORWARDED}}}[$__rate_interval]))": (
                        "{{region}} → {{to}} {{rcode}}"
                    )
                },
            ),
            Panel(
                "Forward errors",
                "reqps",
                {
                    "sum by (region, to) (rate(coredns_proxy_request_duration_seconds_count"
                    f'{{{FORWARDED}, rcode="SERVFAIL"}}[$__rate_interval]))': "SERVFAIL {{region}} → {{to}}",
                    "sum by (region, to) "
                    f"(rate(coredns_proxy_healthcheck_failures_total{{{FORWARDED}}}[$__rate_interval]))": (
                        "no answer {{region}} → {{to}}"
                    ),
                    "sum by (region) (rate(coredns_forward_healthcheck_broken_total[$__rate_interval]))": (
                        "all servers down, {{region}}"
                    ),
                },
            ),
            Panel(
                "Latency of forwarded questions, p99",
                "s",
                {
                    "histogram_quantile(0.99, sum by (region, to, le) "
                    f"(rate(coredns_proxy_request_duration_seconds_bucket{{{FORWARDED}}}[$__rate_interval])))": (
                        "{{region}} → {{to}}"
                    )
                },
            ),
        ),
    },
)

DASHBOARDS = (HEALTH, NETWORK)


def to_json(dashboard: Dashboard) -> str:
    """The text that Grafana imports, and that its sidecar finds in a ConfigMap."""
    return json.dumps(_document(dashboard), indent=1) + "\n"


def _document(dashboard: Dashboard) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in dashboard.rows.items():
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})  # fmt: skip
        per_line = COLUMNS // WIDTH
        for place, panel in enumerate(row):
            at = {"x": place % per_line * WIDTH, "y": y + 1 + place // per_line * HEIGHT, "w": WIDTH, "h": HEIGHT}
            panels.append(_panel(panel, len(panels) + 1, at))
        y += 1 + -(-len(row) // per_line) * HEIGHT
    return {
        "uid": dashboard.name,
        "title": dashboard.title,
        "tags": ["cockroachdb"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_datasource(), _variable("cluster", multiple=False), _variable("region")]},
        "panels": panels,
    }


_SOURCE = {"type": "prometheus", "uid": "$datasource"}


def _panel(panel: Panel, number: int, at: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"showLegend": True}},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend, "datasource": _SOURCE}
            for place, (query, legend) in enumerate(panel.queries.items())
        ],
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}


def _variable(label: str, *, multiple: bool = True) -> dict[str, Any]:
    """A choice among the values of a label."""
    return {
        "name": label,
        "type": "query",
        "label": label.capitalize(),
        "datasource": _SOURCE,
        "query": {"query": f'label_values(up{{job="{JOB}"}}, {label})', "refId": label},
        "refresh": 2,
        "multi": multiple,
        "includeAll": multiple,
        "allValue": ".*" if multiple else None,
        "current": {"text": "All", "value": "$__all"} if multiple else {},
    }
