"""The drill: what it asks of a database, what it makes of the answers, and what it leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drill import __main__ as command
from drill import manifests, restore, verdict
from drill.verdict import Outcome
from tests.unit.database.pod_security import violations

URI = "nodelocal://1/b"
END = "2026-11-26 03:00:00"
FULL = [
    ["", "", "bank", "database", "full", END, ""],
    ["bank", "public", "accounts", "table", "full", END, "3"],
    ["other", "public", "ledger", "table", "full", END, "9"],
]
PRINTS = [["accounts_pkey", "71"], ["accounts_amount_idx", "-5"]]
LATER = "2026-11-26 04:00:00"
INCREMENTAL = [[*row[:4], "incremental", LATER, "1"] for row in FULL]


class Database:
    """Answers by the statement's first words; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "SHOW": FULL,
            "RESTORE": [],
            "DROP": [],
            "then": [["3"]],
            "restored": [["3"]],
            "contents then": PRINTS,
            "contents": PRINTS,
            **answers,
        }
        self.asked: list[str] = []

    def query(self, statement: str) -> list[list[str]]:
        self.asked.append(statement)
        kind = next(
            kind
            for kind, words in {
                "SHOW": "SHOW BACKUP",
                "contents then": 'FROM TABLE "bank"',
                "contents": "FROM TABLE",
                "then": "AS OF SYSTEM TIME",
                "restored": "SELECT count",
                "RESTORE": "RESTORE",
                "DROP": "DROP",
            }.items()
            if words in statement
        )
        answer = self.answers[kind]
        if isinstance(answer, Exception):
            raise answer
        return answer


def drilled(database: Database) -> tuple[Outcome, list[str], dict[str, Any]]:
    report = restore.drill(database, URI, ["bank"], "cafe")
    json.dumps(report)
    return *verdict.judge(report), report


def test_a_good_drill_leaves_nothing() -> None:
    database = Database()
    outcome, problems, report = drilled(database)
    assert (outcome, problems) == (Outcome.GOOD, [])
    assert [table["table"] for table in report["databases"][0]["tables"]] == ["public.accounts"]
    assert database.asked[1] == (
        f"RESTORE DATABASE \"bank\" FROM LATEST IN '{URI}' WITH OPTIONS (new_db_name = 'drill_bank_cafe')"
    )
    assert database.asked[-1] == 'DROP DATABASE IF EXISTS "drill_bank_cafe" CASCADE'
    assert not any('"bank"' in asked for asked in database.asked if asked.startswith(("DROP", "ALTER", "UPDATE")))


def test_fewer_rows_than_there_were_differ() -> None:
    outcome, problems, _ = drilled(Database(restored=[["2"]]))
    assert (outcome, problems) == (Outcome.DIFFERS, ["bank.public.accounts: 2 rows came back of 3"])


def test_as_many_rows_with_other_contents_differ() -> None:
    changed = [PRINTS[0], ["accounts_amount_idx", "6"]]
    outcome, problems, _ = drilled(Database(contents=changed))
    assert outcome is Outcome.DIFFERS
    assert problems == ["bank.public.accounts: as many rows came back, and with other contents: accounts_amount_idx"]
    assert drilled(Database(contents=PRINTS[:1]))[0] is Outcome.DIFFERS, "an index is missing"


def test_a_copy_that_cannot_be_read_is_no_good_one() -> None:
    outcome, problems, _ = drilled(Database(contents=RuntimeError("checksum mismatch")))
    assert outcome is not Outcome.GOOD
    assert "checksum mismatch" in " ".join(problems)


def test_contents_are_those_of_the_backups_time() -> None:
    database = Database()
    drilled(database)
    shown = "SELECT index_name, fingerprint FROM [SHOW EXPERIMENTAL_FINGERPRINTS FROM TABLE"
    assert f'{shown} "drill_bank_cafe"."public"."accounts"]' in database.asked
    assert f'{shown} "bank"."public"."accounts"] AS OF SYSTEM TIME \'{END}\'' in database.asked


def test_rows_changed_since_do_not_count() -> None:
    """What runs has moved on; what was there at the backup's time is what counts."""
    database = Database(then=[["3"]])
    drilled(database)
    assert f'"bank"."public"."accounts" AS OF SYSTEM TIME \'{END}\'' in " ".join(database.asked)


def test_a_time_that_is_gone_is_the_backups_own_word() -> None:
    gone = RuntimeError("batch timestamp must be after replica GC threshold")
    outcome, problems, report = drilled(Database(then=gone))
    assert outcome is Outcome.GOOD
    said = verdict.to_text(report, outcome, problems, datetime.now(UTC))
    assert "bank: in 1 of 1 tables only rows were compared" in said
    assert drilled(Database(then=gone, restored=[["1"]]))[0] is Outcome.DIFFERS


def test_and_of_several_layers_there_is_none() -> None:
    outcome, problems, report = drilled(Database(SHOW=[*FULL, *INCREMENTAL], then=RuntimeError("gone")))
    assert outcome is Outcome.DIFFERS
    assert "can't be known any more" in problems[0]
    assert [backup["kind"] for backup in report["backups"]] == ["full", "incremental"]


def test_nothing_comes_back_of_a_damaged_backup() -> None:
    database = Database(RESTORE=RuntimeError("checksum mismatch"))
    outcome, problems, _ = drilled(database)
    assert (outcome, problems) == (Outcome.LOST, ["bank: not restored: checksum mismatch"])
    assert database.asked[-1].startswith("DROP"), "of a restore that broke off, too"


def test_no_backup_is_no_backup() -> None:
    outcome, problems, _ = drilled(Database(SHOW=RuntimeError("no backups in /b")))
    assert (outcome, problems) == (Outcome.LOST, ["the newest backup can't be read: no backups in /b"])


def test_a_copy_that_stays_is_told_of() -> None:
    outcome, problems, _ = drilled(Database(DROP=RuntimeError("no quorum")))
    assert (outcome, problems) == (Outcome.DIFFERS, ["drill_bank_cafe was not dropped: no quorum"])


def test_how_it_is_told() -> None:
    outcome, problems, report = drilled(Database())
    report["databases"][0]["seconds"] = 2.1
    now = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
    assert verdict.to_text(report, outcome, problems, now).splitlines() == [
        f"newest backup: {END} UTC, 12:30:00 old (full)",
        "bank: 1 tables, 3 rows, restored in 2.1 s",
        "good: it came back as it was",
    ]
    assert verdict.to_json(report, outcome, problems, now)["ageSeconds"] == 45_000


def test_the_pod_is_restricted_and_has_what_it_imports() -> None:
    body = manifests.pod("us-east1", "python:3", "cafe", 60, "uid")
    assert list(violations(body["spec"])) == []
    (volume,) = (one for one in body["spec"]["volumes"] if one["name"] == "drill")
    paths = {item["path"] for item in volume["configMap"]["items"]}
    assert {"restore.py", "input.json", "probe/__init__.py", "probe/wire.py", "probe/dns.py"} <= paths
    keys = {item["key"] for item in volume["configMap"]["items"]}
    given = manifests.given(URI, ["bank"], "host", 26257, "cafe")
    assert keys == set(manifests.config_map("us-east1", "cafe", given, "me", 0)["data"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "backup: the stack has none"),
        ("\n  cockroachdb-multiregion:backup: {uri: 'nodelocal://1/b'}", "databases: the stack has none"),
    ],
)
def test_a_stack_without_it_is_refused(
    config: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[3] / "Pulumi.dev.yaml").read_text()
    stack_file = tmp_path / "Pulumi.x.yaml"
    stack_file.write_text(text.partition("  cockroachdb-multiregion:databases:")[0].rstrip() + config + "\n")
    assert command.main([str(stack_file)]) == Outcome.COULD_NOT_RUN
    assert said in capsys.readouterr().err
