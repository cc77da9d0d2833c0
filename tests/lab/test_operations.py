"""Monitoring and backups of a running stack: the Prometheus operator, a Prometheus in every region, the drill."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from components.database.names import BACKUP_LABEL
from components.monitoring.metrics import COCKROACHDB, KNOWN
from drill.verdict import Outcome
from lab.tools import demand
from tests.conformance.go_module import module
from tests.lab.prometheus import Prometheus, operated
from tests.lab.stack import UP_SECONDS, Json, RunningStack, in_a_lab, region, small_config, wait_until
from tests.unit.monitoring.queries import of_dashboards

NAMES = ("alpha", "beta", "gamma")
CLUSTER = "cockroachdb-multiregion"
CUT = "gamma"
URI = "nodelocal://1/backups"
OPERATOR = (
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
)
KINDS = ("ServiceMonitor", "PrometheusRule")
LABELS = {"release": "watched"}
GROUP = "monitoring.coreos.com"
SCRAPES = 3
"""Of each target: a minute and more, at one in 30 s."""
ROWS = 200

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def config() -> Json:
    return {
        **small_config(*(region(name, "coredns", 1) for name in NAMES)),
        "databases": [{"name": "bank", "owner": "app", "primaryRegion": "alpha", "survive": "region"}],
        "monitoring": {"serviceMonitor": True, "rules": True, "dashboards": True, "labels": LABELS},
        "backup": {"uri": URI, "schedule": "@daily", "incremental": "@hourly"},
    }


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Not up yet: the first test does that."""
    with in_a_lab("operations", config()) as running:
        yield running


def published(*parts: str) -> str:
    """A file of the operator's release."""
    return str(module(*OPERATOR).joinpath(*parts))


def test_without_the_operators_crds_the_database_is_up(stack: RunningStack) -> None:
    started = stack.start_up()
    printed, _ = started.communicate(timeout=UP_SECONDS)
    assert started.returncode != 0
    for kind in KINDS:
        assert f'no matches for kind "{kind}" in version "{GROUP}/v1"' in printed, printed[-6000:]
    assert stack.verify()["verdict"] == "green"
    for name in NAMES:
        assert stack.get(name, "configmap", "cockroachdb-health", "-n", name)["data"]
    assert stack.kubectl(
        "alpha", "get", "jobs", "-n", "alpha", "-l", "app.kubernetes.io/component=backup", "-o", "name"
    )


def test_with_the_operator_the_same_up_goes_on(stack: RunningStack) -> None:
    demand("prometheus-operator")
    demand("prometheus-config-reloader")
    for name in NAMES:
        stack.kubectl(name, "create", "-f", published("bundle.yaml"))
    for name in NAMES:
        stack.kubectl(name, "rollout", "status", "deployment/prometheus-operator", "--timeout=90s")
    stack.up()
    stack.run("pulumi", "preview", "--expect-no-changes")
    for name in NAMES:
        (endpoint,) = stack.get(name, f"servicemonitors.{GROUP}", "cockroachdb", "-n", name)["spec"]["endpoints"]
        authority = endpoint["tlsConfig"]["ca"]["configMap"]
        trusted = stack.get(name, "configmap", authority["name"], "-n", name)["data"][authority["key"]]
        assert trusted == stack.outputs()["caCertificate"]
        groups = stack.get(name, f"prometheusrules.{GROUP}", "cockroachdb", "-n", name)["spec"]["groups"]
        assert "cockroachdb-backups" in {group["name"] for group in groups}


def test_the_operators_schema_is_in_force(stack: RunningStack, tmp_path: Path) -> None:
    """Else nothing is said by its taking of what the program makes."""
    monitor = stack.get("alpha", f"servicemonitors.{GROUP}", "cockroachdb", "-n", "alpha")
    monitor["spec"]["endpoints"][0]["interval"] = "often"
    file = tmp_path / "monitor.json"
    file.write_text(json.dumps(monitor))
    words = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(file)]
    assert stack.kubectl("alpha", *words, check=False) == ""
    monitor["spec"]["endpoints"][0]["interval"] = "10s"
    file.write_text(json.dumps(monitor))
    assert "cockroachdb" in stack.kubectl("alpha", *words)


@pytest.fixture(scope="module")
def admin(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root's certs-dir; of a stack that is up."""
    folder = tmp_path_factory.mktemp("root")
    secret = stack.get("alpha", "secret", "cockroachdb-client-root", "-n", "alpha")["data"]
    for name, text in secret.items():
        (folder / name).write_bytes(b64decode(text))
        (folder / name).chmod(0o600)
    return folder


def root(stack: RunningStack, admin: Path, statement: str) -> list[list[str]]:
    """Rows that the first region's nodes answer to root."""
    return rows(asked(stack, admin, "root", statement))


def asked(stack: RunningStack, folder: Path, user: str, statement: str) -> subprocess.CompletedProcess[str]:
    host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
    return stack.sql(host, folder, user, statement)


def rows(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()[1:]]


def schedules(stack: RunningStack, admin: Path) -> dict[str, str]:
    """Recurrence -> id."""
    query = f"SELECT recurrence, id FROM [SHOW SCHEDULES] WHERE label = '{BACKUP_LABEL}'"  # noqa: S608
    return {row[0]: row[1] for row in root(stack, admin, query)}


def backups(stack: RunningStack, admin: Path) -> int:
    """Full ones."""
    return len(root(stack, admin, f"SHOW BACKUPS IN '{URI}'"))


def drilled(stack: RunningStack) -> tuple[int, Json]:
    """Exit code and JSON of `python -m drill`."""
    copy = stack.paths.root / "project" / stack.file.name
    words = [str(copy), "--kubeconfig", str(stack.paths.kubeconfig), "--json"]
    done = stack.run(sys.executable, "-m", "drill", *words, check=False, timeout=300)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_first_backup_is_made_at_once(stack: RunningStack, admin: Path) -> None:
    wait_until(120, "the first backup", lambda: backups(stack, admin) >= 1)
    assert set(schedules(stack, admin)) == {"@daily", "@hourly"}


def test_the_drill_compares_contents(stack: RunningStack, admin: Path, tmp_path: Path) -> None:
    values = ", ".join(f"({n}, {n * n})" for n in range(ROWS))
    table = "CREATE TABLE squares (n INT PRIMARY KEY, square INT)"
    statements = f"USE bank; {table}; INSERT INTO squares VALUES {values}"  # noqa: S608
    done = asked(stack, stack.certificates(tmp_path, "app"), "app", statements)
    assert done.returncode == 0, done.stderr
    id_ = schedules(stack, admin)["@daily"]
    before = backups(stack, admin)
    root(stack, admin, f"ALTER BACKUP SCHEDULE {id_} EXECUTE FULL IMMEDIATELY")
    wait_until(120, "another full backup", lambda: backups(stack, admin) >= before + 1)

    code, report = drilled(stack)
    assert (code, report["problems"]) == (Outcome.GOOD, [])
    (database,) = report["databases"]
    (found,) = database["tables"]
    assert found.pop("stated") in (ROWS, None), "None: an incremental one came due, and is laid over it"
    assert found == {"table": "public.squares", "restored": ROWS, "then": ROWS, "differs": []}
    assert [row[0] for row in root(stack, admin, "SHOW DATABASES") if row[0].startswith("drill_")] == []
    left = stack.kubectl("alpha", "get", "pods,configmaps", "-n", "alpha", "-o", "name")
    assert "drill" not in left, "its pod and its program are gone"


def test_the_operators_prometheus_has_what_the_objects_say(stack: RunningStack, tmp_path: Path) -> None:
    stack.kubectl("alpha", "create", "-f", published("example", "rbac", "prometheus", "prometheus-cluster-role.yaml"))
    here = {"it": operated(stack, "alpha", tmp_path, LABELS)}
    everywhere(here, 180, "it is ready", Prometheus.is_ready)
    everywhere(here, 120, "targets are up", lambda one: {each["health"] for each in one.targets()} == {"up"})
    assert {name_of(each["labels"]) for each in here["it"].targets()} == {("cockroachdb", "cockroachdb-0", "alpha")}
    everywhere(here, 60, "rules are evaluated", lambda one: health(one) == {"ok"})
    selector = f'job="cockroachdb", cluster="{CLUSTER}", region="alpha"'
    everywhere(here, 60, "every metric is there", lambda one: named(one, selector) >= COCKROACHDB.keys())
    everywhere(here, 60, "no alert", lambda one: one.alerts() == set())


Watchers = Mapping[str, Prometheus]
"""By region."""


@pytest.fixture(scope="module")
def watchers(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Watchers:
    """Set up with the page's own commands; each target scraped."""
    folder = tmp_path_factory.mktemp("prometheus")
    files = folder / "out"
    copy = stack.paths.root / "project" / stack.file.name
    stack.run(sys.executable, "-m", "stacks.monitoring", str(copy), str(files))
    (files / "cockroachdb-ca.crt").write_text(stack.run("pulumi", "stack", "output", "caCertificate").stdout)
    found = {name: Prometheus(stack, name) for name in NAMES}
    for prometheus in found.values():
        prometheus.deploy(folder, files)
    everywhere(found, 120, "it is ready", Prometheus.is_ready)
    everywhere(found, 120, "targets are up", lambda one: {each["health"] for each in one.targets()} == {"up"})
    return found


def everywhere(watchers: Watchers, seconds: float, what: str, true: Callable[[Prometheus], bool]) -> None:
    """Wait until it is so of every region's Prometheus."""
    wait_until(seconds, what, lambda: all(map(true, watchers.values())))


def test_every_node_and_dns_server_of_a_region_is_a_target(stack: RunningStack, watchers: Watchers) -> None:
    for name, prometheus in watchers.items():
        dns = stack.get(name, "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
        expected = {("cockroachdb", node, name) for node in stack.pods(name)}
        expected |= {("coredns", pod["metadata"]["name"], name) for pod in dns}
        found = [series["metric"] for series in prometheus.query("up == 1")]
        assert {name_of(each) for each in found} == expected


def name_of(labels: Json) -> tuple[str, str, str]:
    """A target's job, instance and region."""
    return labels["job"], labels["instance"], labels["region"]


def test_every_query_is_answered(watchers: Watchers) -> None:
    """And every metric of the nodes that one asks for is there, under the labels that select it."""
    everywhere(watchers, 60, "rules are evaluated", lambda one: "unknown" not in health(one))
    for name, prometheus in watchers.items():
        assert health(prometheus) == {"ok"}, prometheus.ask("rules")
        for query in of_dashboards(CLUSTER):
            prometheus.query(query)
        assert named(prometheus, f'job="cockroachdb", cluster="{CLUSTER}", region="{name}"') >= COCKROACHDB.keys()


def health(prometheus: Prometheus) -> set[str]:
    """Of the rules: what became of their last evaluation."""
    return {rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]}


def named(prometheus: Prometheus, selector: str) -> set[str]:
    """Names of the series that a selector finds."""
    return {series["metric"]["__name__"] for series in prometheus.query(f"count by (__name__) ({{{selector}}})")}


def test_no_alert_in_a_healthy_cluster(watchers: Watchers) -> None:
    scraped = f"count_over_time(up[10m]) >= {SCRAPES}"
    everywhere(watchers, 150, f"{SCRAPES} scrapes", lambda one: len(one.query(scraped)) == len(one.targets()))
    for prometheus in watchers.values():
        assert prometheus.alerts() == set(), prometheus.ask("alerts")


def test_a_cut_region_is_told_of_on_both_sides(stack: RunningStack, watchers: Watchers) -> None:
    """The region's own Prometheus goes on, too."""
    passing = {"CockroachDBNodesMissing", "CockroachDBPeersUnreachable"}
    lasting = {"CrossRegionDnsUnreachable"}  # looks back five minutes
    stack.lab.run("fault", "cut", CUT)
    try:
        everywhere(watchers, 240, "alerts", lambda one: passing | lasting <= one.alerts())
        live = {name: one.query("max(liveness_livenodes)")[0]["value"][1] for name, one in watchers.items()}
        assert live == {"alpha": "2", "beta": "2", CUT: "0"}
        for prometheus in watchers.values():
            assert named(prometheus, '__name__=~".+"') >= KNOWN.keys()
    finally:
        stack.lab.run("fault", "heal")
    stack.until_green(240)
    everywhere(watchers, 180, "it is over", lambda one: not passing & one.alerts())


def test_another_schedule_is_the_same_one(stack: RunningStack, admin: Path) -> None:
    before, made = schedules(stack, admin), backups(stack, admin)
    stack.configure({**config(), "backup": {"uri": URI, "schedule": "@weekly", "incremental": "@daily"}})
    stack.up()
    after = schedules(stack, admin)
    assert set(after) == {"@weekly", "@daily"}
    assert after["@weekly"] == before["@daily"]
    assert backups(stack, admin) >= made


def test_without_backup_what_was_backed_up_stays(stack: RunningStack, admin: Path) -> None:
    made = backups(stack, admin)
    stack.configure({key: value for key, value in config().items() if key != "backup"})
    stack.up()
    assert schedules(stack, admin) == {}
    assert backups(stack, admin) >= made
    rule = stack.get("alpha", f"prometheusrules.{GROUP}", "cockroachdb", "-n", "alpha")
    assert "Backup" not in yaml.safe_dump(rule["spec"])
