"""The alert rules, by Prometheus' own code: promtool reads them, and plays series to them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.monitoring.alerts import JOB
from lab.tools import bin_dir, demand
from tests.unit.monitoring.queries import GROUPS, WATCHED, of_dashboards

pytestmark = pytest.mark.long  # the first run builds promtool

LABELS = f'job="{JOB}", cluster="{WATCHED.cluster}", region="us-east1", instance="cockroachdb-0"'
DAY = 86_400


@pytest.fixture(scope="module", autouse=True)
def promtool() -> None:
    demand("promtool")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(bin_dir() / "promtool"), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": GROUPS}))
    return file


def test_rules_are_what_prometheus_reads(rules: Path) -> None:
    done = run("check", "rules", "--lint=all", "--lint-fatal", str(rules))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("query", sorted(set(of_dashboards())))
def test_every_panel_is_a_query(query: str) -> None:
    done = run("--experimental", "promql", "format", query)
    assert done.returncode == 0, done.stderr


# Series start at the epoch: a certificate's end is its time left there, less what passes until the rule is asked.
CASES: list[tuple[str, str, str, str, set[str]]] = [
    # (alert, series, values over minutes, asked at, severities that fire)
    ("CockroachDBClockOffset", "clock_offset_meannanos", "99000000x30", "20m", set()),
    ("CockroachDBClockOffset", "clock_offset_meannanos", "101000000x30", "20m", {"warning"}),
    ("CockroachDBClockOffset", "clock_offset_meannanos", "-160000000x30", "20m", {"warning", "critical"}),
    ("CockroachDBNodeCertificateEnds", "security_certificate_expiration_node", f"{31 * DAY}x120", "100m", set()),
    ("CockroachDBNodeCertificateEnds", "security_certificate_expiration_node", f"{29 * DAY}x120", "100m", {"warning"}),
    (
        "CockroachDBNodeCertificateEnds",
        "security_certificate_expiration_node",
        f"{13 * DAY}x120",
        "100m",
        {"warning", "critical"},
    ),
    ("CockroachDBNodeCertificateEnds", "security_certificate_expiration_node", "0x120", "100m", set()),
    ("CockroachDBAuthorityEnds", "security_certificate_expiration_ca", f"{181 * DAY}x120", "100m", set()),
    ("CockroachDBAuthorityEnds", "security_certificate_expiration_ca", f"{100 * DAY}x120", "100m", {"warning"}),
    ("CockroachDBRangesUnavailable", "ranges_unavailable", "0x10 1x10", "13m", {"critical"}),
    ("CockroachDBRangesUnderReplicated", "ranges_underreplicated", "3x40", "10m", set()),
    ("CockroachDBRangesUnderReplicated", "ranges_underreplicated", "3x40", "20m", {"warning"}),
    ("CockroachDBNodesMissing", "liveness_livenodes", "9x20", "10m", set()),
    ("CockroachDBNodesMissing", "liveness_livenodes", "8x20", "10m", {"warning"}),
    ("CockroachDBPeersUnreachable", "rpc_connection_unhealthy", "2x20", "10m", {"warning"}),
    ("CockroachDBNodeDown", "up", "1x5 0x20", "20m", {"warning"}),
    ("CockroachDBNodeRestarts", "sys_uptime", "0+60x10 0+60x10 0+60x10 0+60x10", "42m", {"warning"}),
    ("CockroachDBNodeRestarts", "sys_uptime", "0+60x20 0+60x20", "41m", set()),
    ("CockroachDBBackupFailed", "schedules_BACKUP_failed", "0x10 1x10", "15m", {"critical"}),
    ("CockroachDBBackupTooOld", "schedules_BACKUP_last_completed_time", "60x4000", "40h", set()),
    ("CockroachDBBackupTooOld", "schedules_BACKUP_last_completed_time", "60x4000", "49h", {"critical"}),
]


def no_alert(rules: Path, alert: str, series: dict[str, str], at: str) -> dict[str, Any]:
    return {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": one, "values": values} for one, values in series.items()],
                "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": []}],
            }
        ],
    }


def severities(rules: Path, alert: str, series: dict[str, str], at: str) -> set[str]:
    """Of the alerts that fire: promtool is told that none does, and says which do."""
    test = rules.with_name("test.yml")
    test.write_text(yaml.safe_dump(no_alert(rules, alert, series, at)))
    done = run("test", "rules", str(test))
    said = done.stdout + done.stderr
    got = said.partition("got:")[2]
    assert (done.returncode == 0) == (not got), said
    return {word for word in ("warning", "critical") if f'severity="{word}"' in got}


@pytest.mark.parametrize(
    ("alert", "series", "values", "at", "fires"), CASES, ids=[f"{c[0]} {c[2]} {c[3]}" for c in CASES]
)
def test_when_alerts_fire(alert: str, series: str, values: str, at: str, fires: set[str], rules: Path) -> None:
    assert severities(rules, alert, {f"{series}{{{LABELS}}}": values}, at) == fires


@pytest.mark.parametrize(("free", "fires"), [(41, set()), (39, {"warning"}), (14, {"warning", "critical"})])
def test_when_a_store_fills(free: int, fires: set[str], rules: Path) -> None:
    series = {f"capacity{{{LABELS}}}": "100x60", f"capacity_available{{{LABELS}}}": f"{free}x60"}
    assert severities(rules, "CockroachDBStoreFills", series, "50m") == fires


@pytest.mark.parametrize(("to", "fires"), [("10.2.16.53:53", {"warning"}), ("10.1.0.250:53", set())])
def test_only_other_regions_dns_is_watched(to: str, fires: set[str], rules: Path) -> None:
    """Other people's forwards fail for reasons of their own."""
    more = f'proxy_name="forward", to="{to}", region="us-east1"'
    failing = {f"coredns_proxy_healthcheck_failures_total{{{more}}}": "0+1x30"}
    assert severities(rules, "CrossRegionDnsUnreachable", failing, "20m") == fires
    answers = {f'coredns_proxy_request_duration_seconds_count{{{more}, rcode="SERVFAIL"}}': "0+5x30"}
    assert severities(rules, "CrossRegionDnsFails", answers, "20m") == fires
