"""The schedule of backups: its statements, and the script that makes or alters it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from components.database.backup import BackupScheduleArgs, alter_commands, backup_pod, create_statement, texts
from tests.unit.database.examples import node
from tests.unit.database.test_small_scripts import calls, shell
from tests.unit.recording import Recording
from tests.unit.stacks.test_multiregion import config, run

URI = "gs://bank/backups?AUTH=implicit"


def args(**more: Any) -> BackupScheduleArgs:
    given = {"namespace": "us-east1", "host": "cockroachdb-0.example", "node": node(), "uri": URI, "schedule": "@daily"}
    return cast(BackupScheduleArgs, {**given, **more})


def test_full_backups_alone() -> None:
    assert create_statement(args()).startswith(
        f"CREATE SCHEDULE 'cockroachdb-multiregion' FOR BACKUP INTO '{URI}' RECURRING '@daily' FULL BACKUP ALWAYS "
        "WITH SCHEDULE OPTIONS first_run = 'now'"
    )
    assert alter_commands(args()).endswith("SET RECURRING '@daily', SET FULL BACKUP ALWAYS;")


def test_incremental_backups_between() -> None:
    between = args(incremental="0 * * * *", revision_history=True)
    assert f"INTO '{URI}' WITH revision_history RECURRING '0 * * * *' FULL BACKUP '@daily'" in create_statement(between)
    assert alter_commands(between) == (
        "SET WITH revision_history = true, SET RECURRING '0 * * * *', SET FULL BACKUP '@daily';"
    )


def test_a_uri_is_quoted() -> None:
    assert "INTO 'gs://o''brien/x'" in create_statement(args(uri="gs://o'brien/x"))


IDS = 'case "$*" in *"SELECT id"*) printf "id\\n%s" "$ids";; *"SELECT recurrence"*) printf "recurrence\\n@daily\\n";;'
ALREADY = IDS + ' *"count(*)"*) printf "count\\n1\\n";; esac'


def script(tmp_path: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    for name, text in texts(args()).items():
        (tmp_path / name).write_text(text)
    given = {"LABEL": "mine", "RECURRENCES": "@daily", "SQL_DIR": str(tmp_path), **environment}
    return shell(tmp_path, "backup.sh", program, **given)


class TestScript:
    def test_a_schedule_that_is_not_there_is_made(self, tmp_path: Path) -> None:
        done = script(tmp_path, "ids=\n" + ALREADY)
        assert done.returncode == 0, done.stderr
        (made,) = (call for call in calls(tmp_path) if "SCHEDULE" in call and "SHOW" not in call)
        assert "CREATE SCHEDULE 'cockroachdb-multiregion'" in made

    def test_one_that_is_there_is_altered_and_stays_where_it_goes(self, tmp_path: Path) -> None:
        done = script(tmp_path, "ids='123\n124\n'\n" + ALREADY)
        assert done.returncode == 0, done.stderr
        (altered,) = (call for call in calls(tmp_path) if "ALTER" in call)
        assert "ALTER BACKUP SCHEDULE 123 SET WITH" in altered
        assert "INTO" not in altered, "SET INTO begins with a full backup, whatever was there"

    def test_one_that_goes_elsewhere_is_moved(self, tmp_path: Path) -> None:
        done = script(tmp_path, "ids='123\n'\n" + ALREADY.replace("count\\n1", "count\\n0"))
        assert done.returncode == 0, done.stderr
        (altered,) = (call for call in calls(tmp_path) if "ALTER" in call)
        assert f"ALTER BACKUP SCHEDULE 123 SET INTO '{URI}', SET WITH" in altered

    def test_a_schedule_that_is_not_as_asked_is_an_error(self, tmp_path: Path) -> None:
        done = script(tmp_path, "ids='123\n'\n" + ALREADY, RECURRENCES="@daily\n@hourly")
        assert done.returncode == 1
        assert "run at: @daily; the config says: @daily\n@hourly" in done.stderr

    def test_a_refused_statement_is_an_error(self, tmp_path: Path) -> None:
        done = script(tmp_path, "ids=\n" + ALREADY.replace("esac", '*CREATE*) echo "no bucket" >&2; exit 1;; esac'))
        assert done.returncode == 1
        assert "no bucket" in done.stderr


def test_recurrences_are_as_show_schedules_sorts_them() -> None:
    pod = backup_pod(args(schedule="@daily", incremental="*/30 * * * *"), "x")
    (env,) = (one["value"] for one in pod.containers[0]["env"] if one["name"] == "RECURRENCES")
    assert env == "*/30 * * * *\n@daily"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


def statements(recorded: Recording) -> str:
    (found,) = (
        one.inputs["data"]["statements.sql"]
        for one in recorded.of("core/v1:ConfigMap")
        if "statements.sql" in one.inputs["data"]
    )
    return found


@pytest.mark.usefixtures("servers")
def test_the_schedule_follows_the_databases_and_goes_with_the_config() -> None:
    with_backups, without = run(config(backup={"uri": URI})), run(config())
    (job,) = (one for one in with_backups.of("batch/v1:Job") if "cockroachdb-backup-" in one.name)
    (databases,) = with_backups.of("index:Databases")
    assert databases.urn in with_backups.reaches(job.urn)
    assert "DROP SCHEDULES" not in statements(with_backups)
    assert not without.of("index:BackupSchedule")
    assert "DROP SCHEDULES SELECT id FROM [SHOW SCHEDULES] WHERE label = 'cockroachdb-multiregion'" in statements(
        without
    )
