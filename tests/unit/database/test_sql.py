"""The SQL texts: read them in golden/. `UPDATE_GOLDEN=1` writes them anew."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database.sql import Database, database_statements, identifier, literal, script, set_cluster_setting

GOLDEN = Path(__file__).parent / "golden"
REGIONS = ("us-east1", "us-central1", "us-west1")


def bank(**changes: Any) -> Database:
    args: dict[str, Any] = {
        "name": "bank",
        "owner": "app",
        "users": ("reporting",),
        "primary_region": "us-east1",
        "regions": REGIONS,
        "survive": "region",
        **changes,
    }
    return Database(**args)


CASES: dict[str, str] = {
    "three-regions": script([bank()], {"kv.rangefeed.enabled": "true"}, "Example Inc.", REGIONS),
    "no-databases": script([], {}, None, REGIONS),
    "a-region-leaves": script([bank(regions=("us-east1", "us-central1"), survive="zone", users=())], {}, None, REGIONS),
    "restored": script([bank(restored_by="cockroachdb-restore-0123456789")], {}, None, REGIONS),
    "another-primary": script([bank(primary_region="us-west1", users=())], {}, None, REGIONS),
}


@pytest.mark.parametrize("case", CASES)
def test_text(case: str) -> None:
    file = GOLDEN / f"{case}.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(CASES[case], encoding="utf-8")
    assert CASES[case] == file.read_text(encoding="utf-8")


def position(statements: list[str], words: str) -> int:
    (found,) = (index for index, statement in enumerate(statements) if words in statement)
    return found


@given(st.sampled_from(REGIONS), st.sets(st.sampled_from(REGIONS)), st.sampled_from(["zone", "region"]))
def test_cockroachdb_would_accept_the_order(primary: str, others: set[str], survive: str) -> None:
    """ADD REGION needs a primary region; PRIMARY REGION an added one; SURVIVE REGION three; DROP REGION comes last."""
    regions = tuple(sorted({primary, *others}))
    statements = database_statements(
        bank(primary_region=primary, regions=regions, survive=survive, users=()), set(REGIONS) - set(regions)
    )
    first = position(statements, f'CREATE DATABASE IF NOT EXISTS "bank" PRIMARY REGION "{primary}"')
    becomes_primary = position(statements, f'ALTER DATABASE "bank" PRIMARY REGION "{primary}";')
    goal = position(statements, f"SURVIVE {survive.upper()} FAILURE")
    added = [index for index, statement in enumerate(statements) if "ADD REGION" in statement]
    dropped = [index for index, statement in enumerate(statements) if "DROP REGION" in statement]
    assert first < min(added) < becomes_primary < goal
    assert max(added) < goal
    assert all(index > goal for index in dropped)
    assert len(dropped) == len(set(REGIONS) - set(regions))


def test_every_statement_may_run_again() -> None:
    """CREATE, ADD and DROP fail the second time unless they say otherwise; the others set what is set already."""
    lines = [
        line
        for text in CASES.values()
        for line in text.splitlines()
        if line.startswith(("CREATE", "ALTER DATABASE"))
        and any(word in line for word in ("CREATE ", "ADD REGION", "DROP REGION"))
    ]
    for word in ("CREATE ", "ADD REGION", "DROP REGION"):
        assert any(word in line for line in lines), word
    assert [line for line in lines if "IF NOT EXISTS" not in line and "IF EXISTS" not in line] == []


@given(st.text(min_size=1))
def test_no_name_ends_its_quotes(text: str) -> None:
    for quoted, mark in ((identifier(text), '"'), (literal(text), "'")):
        assert quoted[0] == quoted[-1] == mark
        assert quoted[1:-1].replace(mark * 2, "").count(mark) == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [("true", "true"), ("12", "12"), ("-1.5", "-1.5"), ("64MiB", "'64MiB'"), ("o'clock", "'o''clock'"), ("", "''")],
)
def test_values_of_settings(value: str, shown: str) -> None:
    assert set_cluster_setting("a.b_c", value) == f"SET CLUSTER SETTING a.b_c = {shown};"


@pytest.mark.parametrize("name", ["a", "a.b; DROP DATABASE bank", "A.b", "a..b", "", "a.b = 1"])
def test_a_name_that_is_no_settings_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no cluster setting"):
        set_cluster_setting(name, "1")
