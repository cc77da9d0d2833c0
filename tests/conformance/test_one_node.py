"""What the program runs and asks at a database, at one that runs: a single node, real TLS, real statements.

The real `cockroach` where PATH or LAB_COCKROACH has one; else the lab's stand-in.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.database.backup import BackupScheduleArgs, texts
from components.database.names import BACKUP_LABEL
from components.database.restore import RestoredDatabaseArgs, restore_statement
from components.database.sql import Database, script
from components.monitoring.metrics import COCKROACHDB
from drill import restore
from drill.verdict import Outcome, judge
from lab.images import cockroach
from lab.paths import PROJECT
from tests.conformance.cluster import free_ports
from tests.lab.stack import wait_until
from verify.probe import certificates, wire

URI = "nodelocal://1/backups"
BACKUP_SH = PROJECT / "components" / "database" / "scripts" / "backup.sh"
DAYS = 300


def issue(folder: Path, name: str, common_name: str, authority: Any = None, names: tuple[Any, ...] = ()) -> Any:
    """A certificate and its key as files; what further ones are signed with."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority[0].subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
    )
    if authority is None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    made = builder.sign(authority[1] if authority else key, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    file = folder / f"{name}.key"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    file.chmod(0o600)
    return made, key


@dataclass(frozen=True)
class Node:
    """A running one."""

    folder: Path
    """Its certificates, and root's; its store is in `store`."""
    port: int
    http_port: int

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [str(cockroach()), *words, f"--certs-dir={self.folder}", f"--host=127.0.0.1:{self.port}"]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def run_file(self, text: str) -> subprocess.CompletedProcess[str]:
        """As Jobs run their statements."""
        (self.folder / "statements.sql").write_text(text)
        return self.command("sql", f"--file={self.folder / 'statements.sql'}")

    def rows(self, statement: str) -> list[list[str]]:
        done = self.command("sql", "--format=tsv", f"--execute={statement}")
        assert done.returncode == 0, f"{statement}: {done.stderr}"
        return [line.split("\t") for line in done.stdout.splitlines()[1:]]

    def schedules(self) -> dict[str, str]:
        """Recurrence -> id."""
        query = f"SELECT recurrence, id FROM [SHOW SCHEDULES] WHERE label = '{BACKUP_LABEL}'"  # noqa: S608
        return {row[0]: row[1] for row in self.rows(query)}

    def backups(self, uri: str = URI) -> int:
        return len(self.rows(f"SHOW BACKUPS IN '{uri}'"))

    def keep_schedule(self, **more: Any) -> subprocess.CompletedProcess[str]:
        """The program's own script, with the files that it mounts."""
        args = {"uri": URI, "schedule": "@daily", "namespace": "", "host": "", "node": {}, **more}
        for name, text in texts(cast(BackupScheduleArgs, args)).items():
            (self.folder / name).write_text(text)
        recurrences = sorted(filter(None, [args["schedule"], args.get("incremental")]))
        environment: Mapping[str, str] = {
            **os.environ,
            "COCKROACH": str(cockroach()),
            "LABEL": BACKUP_LABEL,
            "RECURRENCES": "\n".join(recurrences),
            "SQL_DIR": str(self.folder),
            "HOST": "127.0.0.1",
            "RPC_PORT": str(self.port),
            "CERTS_DIR": str(self.folder),
        }
        argv = ["/bin/sh", str(BACKUP_SH)]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def drill(self, uri: str = URI) -> tuple[Outcome, list[str], dict[str, Any]]:
        """As its pod does it."""
        stem = str(self.folder / "client.root")
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "credentials": {
                "user": "root",
                "ca": str(self.folder / "ca.crt"),
                "certificate": f"{stem}.crt",
                "key": f"{stem}.key",
            },
        }
        with restore.connected(given) as session:
            report = restore.drill(session, uri, ["bank"], "cafe")
        assert not [row for row in self.rows("SHOW DATABASES") if row[0].startswith("drill_")]
        return *judge(report), report


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Initialised, with a database of one table."""
    folder = tmp_path_factory.mktemp("node")
    authority = issue(folder, "ca", "CA")
    names = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))
    issue(folder, "node", "node", authority, names)
    issue(folder, "client.root", "root", authority)
    port, http_port = free_ports(2)
    words = [f"--listen-addr=127.0.0.1:{port}", f"--join=127.0.0.1:{port}", f"--http-addr=127.0.0.1:{http_port}"]
    argv = [str(cockroach()), "start", f"--certs-dir={folder}", *words, f"--store={folder / 'store'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*argv, "--locality=region=us-east1,zone=us-east1-a"], stdout=log, stderr=subprocess.STDOUT
        )
    running = Node(folder, port, http_port)
    try:
        wait_until(60, "the cluster is initialised", lambda: running.command("init").returncode == 0)
        regions = ("sql", "--format=tsv", "--execute=SHOW REGIONS FROM CLUSTER")
        wait_until(60, "its region is known", lambda: "us-east1" in running.command(*regions).stdout)
        running.rows('CREATE DATABASE bank PRIMARY REGION "us-east1"')
        running.rows("CREATE TABLE bank.public.accounts (id INT PRIMARY KEY, amount INT)")
        running.rows("INSERT INTO bank.public.accounts VALUES (1, 10), (2, 20)")
        yield running
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(autouse=True)
def protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """`probe`, as the drill's pod has it beside its program."""
    package = ModuleType("probe")
    package.wire = wire  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "probe", package)


def test_every_metric_that_queries_ask_for_is_exposed(node: Node) -> None:
    context = ssl.create_default_context(cafile=str(node.folder / "ca.crt"))
    url = f"https://127.0.0.1:{node.http_port}/_status/vars"
    with urllib.request.urlopen(url, context=context, timeout=10) as answer:
        exposed = {line.partition("{")[0].partition(" ")[0] for line in answer.read().decode().splitlines()}
    assert set(COCKROACHDB) - exposed == set()


def test_when_the_authority_ends(node: Node) -> None:
    (found,) = certificates.ends(str(node.folder / "ca.crt"), node.folder / "none")
    assert found["name"] == "authority"
    assert DAYS - 1 < found["daysLeft"] <= DAYS


def test_a_schedule_is_made_altered_and_moved(node: Node) -> None:
    made = node.keep_schedule()
    assert made.returncode == 0, made.stderr
    (id_,) = node.schedules().values()
    wait_until(60, "the first backup is made at once", lambda: node.backups() == 1)

    for _ in range(2):  # the second time, nothing changes
        altered = node.keep_schedule(incremental="@hourly")
        assert altered.returncode == 0, altered.stderr
        assert node.schedules()["@daily"] == id_
        assert set(node.schedules()) == {"@daily", "@hourly"}
    assert node.keep_schedule().returncode == 0
    assert node.schedules() == {"@daily": id_}
    assert node.backups() == 1, "what stays where it goes needs no new beginning"

    assert node.keep_schedule(incremental="@hourly").returncode == 0
    node.rows(f"ALTER BACKUP SCHEDULE {id_} EXECUTE FULL IMMEDIATELY")
    wait_until(60, "incremental ones begin", lambda: node.backups() == 2)
    moved = node.keep_schedule(uri="nodelocal://1/elsewhere", incremental="@hourly")
    assert moved.returncode == 0, moved.stderr
    wait_until(60, "elsewhere it begins with a full one", lambda: node.backups("nodelocal://1/elsewhere") == 1)

    refused = node.keep_schedule(schedule="@hourly", incremental="@daily")
    assert refused.returncode != 0
    assert "more often" in refused.stderr
    node.rows(script([], {}, None, []))
    assert node.schedules() == {}


def test_the_newest_backup_comes_back(node: Node) -> None:
    node.rows(f"BACKUP INTO '{URI}'")
    outcome, problems, report = node.drill()
    assert (outcome, problems) == (Outcome.GOOD, [])
    (database,) = report["databases"]
    (accounts,) = database["tables"]
    assert accounts == {"table": "public.accounts", "restored": 2, "then": 2, "stated": 2, "differs": []}


def test_of_several_layers_contents_are_compared_as_well(node: Node) -> None:
    node.rows(f"BACKUP INTO LATEST IN '{URI}'")
    outcome, problems, report = node.drill()
    assert (outcome, problems) == (Outcome.GOOD, [])
    assert [backup["kind"] for backup in report["backups"]] == ["full", "incremental"]
    (accounts,) = report["databases"][0]["tables"]
    assert accounts == {"table": "public.accounts", "restored": 2, "then": 2, "stated": None, "differs": []}


def test_what_was_written_since_is_not_held_against_a_backup(node: Node) -> None:
    """A cluster that keeps old versions compares; the stand-in, which keeps none, counts."""
    node.rows(f"BACKUP INTO '{URI}'")
    node.rows("UPDATE bank.public.accounts SET amount = amount + 1 WHERE id = 1")
    outcome, problems, report = node.drill()
    assert (outcome, problems) == (Outcome.GOOD, [])
    (accounts,) = report["databases"][0]["tables"]
    assert accounts["differs"] == (None if accounts["then"] is None else [])
    assert accounts["restored"] == 2


def test_a_damaged_backup_does_not(node: Node) -> None:
    node.rows(f"BACKUP INTO '{URI}'")
    files = [file for file in (node.folder / "store" / "extern").rglob("*") if file.parent.name == "data"]
    before = {file: file.read_bytes() for file in files}
    assert before
    try:
        for file, content in before.items():
            file.write_bytes(content[:-20] + bytes(reversed(content[-20:])))
        outcome, problems, _ = node.drill()
    finally:
        for file, content in before.items():
            file.write_bytes(content)
    assert outcome is Outcome.LOST
    assert "bank: not restored" in problems[0]
    assert node.drill()[0] is Outcome.GOOD


def test_a_database_is_restored_where_none_is(node: Node) -> None:
    """By the program's own statements: its owner reads and writes; a second time, nothing changes."""
    node.rows(f"BACKUP INTO '{URI}'")
    before = node.rows("SELECT * FROM bank.public.accounts ORDER BY id")
    wanted = {"uri": URI, "database": "bank_restored", "from_database": "bank", "namespace": "", "host": "", "node": {}}
    statement = restore_statement(cast(RestoredDatabaseArgs, wanted))
    copy = Database("bank_restored", "app", (), "us-east1", ("us-east1",), "zone", restored_by="a-job")
    for text in (f"{statement}\n", script([copy], {}, None, [])):
        done = node.run_file(text)
        assert done.returncode == 0, done.stderr
    assert node.rows("SELECT * FROM bank_restored.public.accounts ORDER BY id") == before
    tables = node.rows("SELECT table_name, grantee, privilege_type FROM [SHOW GRANTS ON TABLE bank_restored.public.*]")
    assert ["accounts", "app", "ALL"] in tables

    again = node.run_file(statement)
    assert again.returncode != 0
    assert 'database "bank_restored" already exists' in again.stderr
    assert node.rows("SELECT * FROM bank_restored.public.accounts ORDER BY id") == before
    node.rows("DROP DATABASE bank_restored CASCADE")


def test_a_restore_to_a_moment_is_of_the_grammar(node: Node) -> None:
    """Which is CockroachDB's own; the stand-in understands it, and can't do it."""
    wanted = {"uri": URI, "database": "copy", "from_database": "bank", "backup": "2026/11/26-030000.00"}
    moment = {**wanted, "at": "2026-11-26 03:10:00"}
    done = node.run_file(restore_statement(cast(RestoredDatabaseArgs, moment)))
    assert "AS OF SYSTEM TIME" in done.stderr, "named as what it can't do"
    assert "syntax" not in done.stderr
    assert "no backup" in node.run_file(restore_statement(cast(RestoredDatabaseArgs, wanted))).stderr


def test_none_does_not_either(node: Node) -> None:
    outcome, problems, _ = node.drill("nodelocal://1/nowhere")
    assert outcome is Outcome.LOST
    assert "can't be read" in problems[0]
