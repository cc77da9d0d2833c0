"""Alerts, dashboards and scrape configs: what they ask for, from whom, and from when on they complain."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.monitoring import alerts, dashboards
from components.monitoring.metrics import KNOWN
from components.plan import plan
from components.strategies.services import service_names
from stacks import monitoring
from stacks.settings import from_stack_file
from tests.unit.monitoring.queries import WATCHED, metrics, of_alerts, of_dashboards
from tests.unit.recording import Recording
from tests.unit.stacks.test_multiregion import NAMES, config, kubeconfigs, run

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(
    path for path in ROOT.glob("Pulumi.*.yaml") if path.stem in ("Pulumi.dev", "Pulumi.gke", "Pulumi.eks")
)

assert kubeconfigs  # a fixture


def rule(name: str, severity: str, watched: alerts.Watched = WATCHED) -> dict[str, Any]:
    (found,) = (
        one
        for group in alerts.groups(watched)
        for one in group["rules"]
        if one["alert"] == name and one["labels"]["severity"] == severity
    )
    return found


def test_names_are_read_out_of_queries() -> None:
    query = 'histogram_quantile(0.99, sum by (le, region) (rate(a_bucket{le!="b"}[5m]))) > 1e9 and on (x) time() - c{}'
    assert metrics(query) == {"a_bucket", "c"}


@pytest.mark.parametrize("query", sorted({*of_alerts(), *of_dashboards()}))
def test_every_query_asks_for_known_metrics(query: str) -> None:
    asked = metrics(query)
    assert asked
    assert asked <= KNOWN.keys()


def test_no_known_metric_is_asked_by_nobody() -> None:
    asked = {name for query in (*of_alerts(), *of_dashboards()) for name in metrics(query)}
    assert asked == set(KNOWN)


def test_clocks_are_held_against_the_offset_that_ends_a_node() -> None:
    for offset, warning in ((250, 100_000_000), (500, 200_000_000)):
        watched = replace(WATCHED, max_offset_ms=offset)
        expr = rule("CockroachDBClockOffset", "warning", watched)["expr"]
        assert expr.endswith(f"> {warning}")
        assert expr.startswith("abs("), "a clock that is behind is as bad"
        critical = float(rule("CockroachDBClockOffset", "critical", watched)["expr"].rpartition("> ")[2])
        assert critical < 0.8 * offset * 1e6, "before the node ends itself"


def test_certificates_are_quiet_while_up_would_not_renew_them() -> None:
    """A leaf of 365 days is renewed in its last 60: before them nobody has anything to do."""
    for severity in ("warning", "critical"):
        expr = rule("CockroachDBNodeCertificateEnds", severity)["expr"]
        assert int(expr.rpartition("< ")[2]) < 60 * 86_400
        assert "> 0) - time()" in expr, "the metric is a moment; 0: there is no certificate"


def test_what_is_not_there_has_no_rule() -> None:
    names = {one["alert"] for group in alerts.groups(alerts.Watched("crdb", 3, 250)) for one in group["rules"]}
    assert not {name for name in names if "Dns" in name or "Backup" in name}
    assert "CockroachDBNodeDown" in names


def test_dots_of_addresses_are_dots() -> None:
    expr = rule("CrossRegionDnsFails", "warning")["expr"]
    (pattern,) = re.findall(r'to=~"([^"]*)"', expr)
    assert re.fullmatch(json.loads(f'"{pattern}"'), "10.2.16.53:53")
    assert not re.fullmatch(json.loads(f'"{pattern}"'), "10.2.16x53:53")


@pytest.mark.parametrize("dashboard", dashboards.DASHBOARDS, ids=lambda one: one.name)
def test_panels_do_not_cover_each_other(dashboard: dashboards.Dashboard) -> None:
    document = json.loads(dashboards.to_json(dashboard))
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < dashboards.COLUMNS
        taken |= cells
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])


@pytest.mark.parametrize("stack_file", EXAMPLES, ids=lambda path: path.stem)
def test_files_for_a_plain_prometheus(stack_file: Path, tmp_path: Path) -> None:
    assert monitoring.main([str(stack_file), str(tmp_path), "--mounted-at", "/mnt"]) == 0
    settings, _ = from_stack_file(stack_file)
    for region in settings.regions:
        jobs = yaml.safe_load((tmp_path / f"scrape-{region.name}.yml").read_text())["scrape_configs"]
        assert [job["job_name"] for job in jobs] == ["cockroachdb", "coredns"]
        tls = jobs[0]["tls_config"]
        assert tls["ca_file"] == "/mnt/cockroachdb-ca.crt"
        assert tls["server_name"] in service_names(region), "or the certificate does not verify"
        assert "insecure_skip_verify" not in tls
    rules = yaml.safe_load((tmp_path / "rules.yml").read_text())["groups"]
    assert any(rule["alert"] == "CrossRegionDnsFails" for group in rules for rule in group["rules"])


def test_only_who_sees_all_regions_is_told_of_the_newest_backups_age() -> None:
    """A region whose nodes have completed none would take it for one that is missing."""
    settings, addresses = plan(config(backup={"uri": "nodelocal://1/b", "schedule": "@daily"}))
    files = dict(monitoring.files(settings, addresses, "/mnt"))
    assert [name for name, text in files.items() if "CockroachDBBackupTooOld" in text] == ["rules-all-regions.yml"]
    assert "CockroachDBBackupFailed" in files["rules.yml"]


def test_a_bad_stack_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack_file = tmp_path / "Pulumi.bad.yaml"
    stack_file.write_text("config: {'cockroachdb-multiregion:regions': []}")
    assert monitoring.main([str(stack_file), str(tmp_path / "out")]) == 2
    assert "regions" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("schedule", "incremental", "seconds"),
    [("@daily", None, 86_400), ("@weekly", "@hourly", 3600), ("0 3 * * *", None, None)],
)
def test_how_old_the_newest_backup_may_be(schedule: str, incremental: str | None, seconds: int | None) -> None:
    backup = {"uri": "gs://bank/x?AUTH=implicit", "schedule": schedule, "incremental": incremental}
    settings, _ = plan(config(backup=backup))
    assert monitoring.period(settings.backup) == seconds


ALL = {"serviceMonitor": True, "rules": True, "dashboards": True, "labels": {"release": "prometheus"}}


@pytest.fixture(scope="module")
def watched_stack() -> Recording:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")
        return run(config(monitoring=ALL))


def test_objects_are_made_in_every_region(watched_stack: Recording) -> None:
    for kind in ("ServiceMonitor", "PrometheusRule"):
        made = watched_stack.of(f"monitoring.coreos.com/v1:{kind}")
        assert [one.inputs["metadata"]["namespace"] for one in made] == sorted(NAMES)
        assert all(one.inputs["metadata"]["labels"]["release"] == "prometheus" for one in made)
    found = [one for one in watched_stack.of("ConfigMap") if "grafana_dashboard" in one.inputs["metadata"]["labels"]]
    assert len(found) == len(NAMES) * len(dashboards.DASHBOARDS)


def test_prometheus_gets_the_authority_and_no_key(watched_stack: Recording) -> None:
    for monitor in watched_stack.of("ServiceMonitor"):
        (endpoint,) = monitor.inputs["spec"]["endpoints"]
        tls = endpoint["tlsConfig"]
        assert endpoint["scheme"] == "https"
        assert set(tls) == {"ca", "serverName"}
        namespace = monitor.inputs["metadata"]["namespace"]
        (authority,) = (
            one
            for one in watched_stack.of("core/v1:ConfigMap")
            if one.inputs["metadata"] | {"labels": 0}
            == {"name": tls["ca"]["configMap"]["name"], "namespace": namespace, "labels": 0}
        )
        assert list(authority.inputs["data"]) == ["ca.crt"]
        assert authority.inputs["data"]["ca.crt"].startswith("certificate cockroachdb-authority")


def test_a_cluster_without_the_operator_holds_up_nothing(watched_stack: Recording) -> None:
    """Its custom resources fail there: they come after everything of the database, which waits for none of them."""
    (databases,) = watched_stack.of("index:Databases")
    custom = {one.urn for kind in ("ServiceMonitor", "PrometheusRule") for one in watched_stack.of(kind)}
    for urn in custom:
        assert databases.urn in watched_stack.reaches(urn)
    for made in watched_stack.resources:
        if "monitoring" not in made.name:
            assert not custom & watched_stack.reaches(made.urn), made.name


def test_each_region_watches_the_others_dns(watched_stack: Recording) -> None:
    own = {"us-east1": "10.1.16.53", "us-central1": "10.2.16.53", "us-west1": "10.3.16.53"}
    for made in watched_stack.of("PrometheusRule"):
        (expr,) = (
            rule["expr"]
            for group in made.inputs["spec"]["groups"]
            for rule in group["rules"]
            if rule["alert"] == "CrossRegionDnsFails"
        )
        here = made.inputs["metadata"]["namespace"]
        for region, address in own.items():
            assert (address.replace(".", "\\\\.") in expr) == (region != here)


def test_nothing_is_made_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")
    plain = run(config())
    assert not plain.of("ServiceMonitor")
    assert not plain.of("PrometheusRule")
    assert not plain.of("RegionMonitoring")
