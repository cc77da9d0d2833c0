"""Databases from a backup: what is told to CockroachDB, when, and what follows."""

from __future__ import annotations

from typing import Any, cast

import pytest

from components.database.restore import RestoredDatabaseArgs, job_name, restore_statement
from tests.unit.database.examples import node
from tests.unit.recording import Recording
from tests.unit.stacks.test_multiregion import config, run

URI = "gs://bank/backups?AUTH=implicit"


def args(**more: Any) -> RestoredDatabaseArgs:
    given = {"namespace": "us-east1", "host": "cockroachdb-0.example", "node": node(), "database": "bank", "uri": URI}
    return cast(RestoredDatabaseArgs, {**given, **more})


@pytest.mark.parametrize(
    ("more", "statement"),
    [
        ({}, f"RESTORE DATABASE \"bank\" FROM LATEST IN '{URI}';"),
        ({"from_database": "bank"}, f"RESTORE DATABASE \"bank\" FROM LATEST IN '{URI}';"),
        (
            {"from_database": "o'bank", "backup": "2026/11/26-030000.00", "at": "2026-11-26 03:10:00"},
            f"RESTORE DATABASE \"o'bank\" FROM '2026/11/26-030000.00' IN '{URI}' "
            "AS OF SYSTEM TIME '2026-11-26 03:10:00' WITH new_db_name = 'bank';",
        ),
        ({"uri": "gs://o'brien/x"}, "RESTORE DATABASE \"bank\" FROM LATEST IN 'gs://o''brien/x';"),
    ],
)
def test_the_statement(more: dict[str, str], statement: str) -> None:
    assert restore_statement(args(**more)) == statement


def test_a_job_is_that_of_its_statement() -> None:
    assert job_name(args()) == job_name(args(node=node(image="other:v26.2.6"), host="another.example"))
    others = ({"database": "books"}, {"from_database": "books"}, {"uri": "gs://other/x"}, {"at": "2026-11-26 03:10:00"})
    assert len({job_name(args(**more)) for more in ({}, *others)}) == 1 + len(others)


@pytest.fixture
def _servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


def bank(**more: Any) -> dict[str, Any]:
    return {"name": "bank", "owner": "app", **more}


def made(*databases: dict[str, Any]) -> Recording:
    return run(config(backup={"uri": URI}, databases=list(databases)))


def texts(recording: Recording, component: str) -> list[str]:
    """Statements of the ConfigMaps in components of this kind."""
    parents = {one.urn for one in recording.of(f":{component}")}
    return [one.inputs["data"]["statements.sql"] for one in recording.of("core/v1:ConfigMap") if one.parent in parents]


@pytest.mark.usefixtures("_servers")
class TestStack:
    def test_nothing_is_restored_unless_asked(self) -> None:
        recording = made(bank())
        assert not recording.of(":RestoredDatabase")
        assert "restored" not in "".join(texts(recording, "Databases"))

    def test_restores_follow_the_rollouts_side_by_side_and_come_before_the_sql(self) -> None:
        recording = made(
            bank(restoredFrom={}), bank(name="books", restoredFrom={"database": "ledger"}), bank(name="new")
        )
        one, other = recording.of(":RestoredDatabase")
        jobs = {each.parent: each for each in recording.of("batch/v1:Job")}
        accounts = {jobs[each.urn].inputs["spec"]["template"]["spec"]["serviceAccountName"] for each in (one, other)}
        assert len(accounts) == 2
        assert {each.inputs["metadata"]["name"] for each in recording.of(":ServiceAccount")} >= accounts
        for each, beside in ((one, other), (other, one)):
            reached = recording.reaches(each.urn)
            assert {rollout.urn for rollout in recording.of(":Rollout")} <= reached
            assert beside.urn not in reached
        (databases,) = recording.of(":Databases")
        assert {jobs[one.urn].urn, jobs[other.urn].urn} <= recording.reaches(databases.urn)
        assert sorted(texts(recording, "RestoredDatabase")) == [
            f"RESTORE DATABASE \"bank\" FROM LATEST IN '{URI}';\n",
            f"RESTORE DATABASE \"ledger\" FROM LATEST IN '{URI}' WITH new_db_name = 'books';\n",
        ]

    def test_a_preview_shows_the_same_graph(self) -> None:
        raw = config(databases=[bank(restoredFrom={"uri": URI})])
        assert run(raw, preview=True, known=False).graph() == run(raw).graph()

    def test_a_restore_is_not_tried_again_by_itself(self) -> None:
        (job,) = (one for one in made(bank(restoredFrom={})).of("batch/v1:Job") if "-restore-" in one.name)
        assert job.inputs["spec"]["backoffLimit"] == 0

    def test_the_owner_gets_the_tables_after_each_restore(self) -> None:
        """The same database, dropped and restored again: what was run after the first time is run again."""
        sources: tuple[dict[str, Any] | None, ...] = (
            None,
            {},
            {"uri": "gs://other/x?AUTH=implicit"},
            {"at": "2026-11-26 03:10:00"},
            {"backup": "2026/11/26-030000.00"},
        )
        ran = {text for source in sources for text in texts(made(bank(restoredFrom=source)), "Databases")}
        assert len(ran) == len(sources)
        grants = [text for text in ran if 'GRANT ALL ON ALL TABLES IN SCHEMA public TO "app";' in text]
        assert len(grants) == len(sources) - 1
        assert all(text.index('USE "bank";') < text.index("GRANT ALL") for text in grants)
