"""The app team's example beside a running stack: each region's app writes and reads, whatever becomes of another's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from lab import app
from lab.paths import PROJECT
from stacks.contract import closed, promised
from tests.lab.stack import Json, RunningStack, in_a_lab, region, small_config, wait_until

NAMES = ("alpha", "beta", "gamma")
CUT = "gamma"
PRIVATE = "PRIVATE KEY"

MOST_TIME_WITHOUT_A_PAYMENT = timedelta(seconds=20)
"""In the regions that stay: a statement of theirs may wait for its time-out (5 s), and then for a new leader."""
PAYMENTS = 20
"""Of each pod that stays while the region is cut off: one in about a second."""
IN_FLIGHT = timedelta(seconds=2)
"""What was agreed on before the cut may be told just after it."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def config() -> Json:
    databases = [{"name": "bank", "owner": "app", "primaryRegion": "alpha", "survive": "region"}]
    return {**small_config(*(region(name, "coredns", 1) for name in NAMES)), "databases": databases}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with in_a_lab("app-team", config()) as running:
        running.up()
        deployed(running)
        yield running


def deployed(stack: RunningStack) -> str:
    """`make app` without its set-up; what it printed."""
    argv = [sys.executable, "-m", "lab.app", "--stack", stack.paths.name, "--name", stack.paths.name]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def pods(stack: RunningStack, region: str) -> dict[str, Json]:
    """The app's pods by name."""
    words = ("pods", "-n", "ledger", "-l", "app.kubernetes.io/component=app")
    return {pod["metadata"]["name"]: pod for pod in stack.get(region, *words)["items"]}


def events(stack: RunningStack, region: str) -> dict[str, list[Json]]:
    """Pod -> what it has logged, for the app's pods in a region."""
    return {
        pod: [json.loads(line) for line in stack.kubectl(region, "logs", "-n", "ledger", pod).splitlines()]
        for pod in pods(stack, region)
    }


def paid(stack: RunningStack, region: str) -> dict[str, list[Json]]:
    """Pod -> its acknowledged payments."""
    return {
        pod: [event for event in logged if event["event"] == "paid"] for pod, logged in events(stack, region).items()
    }


def at(event: Json) -> datetime:
    return datetime.fromisoformat(event["time"])


def acknowledged(stack: RunningStack) -> dict[str, str]:
    """Payment -> the region where it was made, for all that any pod was told are there."""
    return {event["id"]: name for name in NAMES for payments in paid(stack, name).values() for event in payments}


def present(stack: RunningStack, folder: Path) -> dict[str, str]:
    """Payment -> the region where its row lives, as the database has them."""
    return {row[0]: row[1] for row in answered(stack, folder, "SELECT id, region::STRING FROM payments")[1:]}


def statuses(stack: RunningStack) -> dict[str, list[Json]]:
    """Region -> what its pods answer."""
    told = app.statuses(stack.paths)
    return {name: [one for one in told if one["region"] == name] for name in NAMES}


def answered(stack: RunningStack, folder: Path, statement: str) -> list[list[str]]:
    """Rows that alpha's nodes answer to the app's own user, without heads."""
    host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
    done = stack.sql(host, stack.certificates(folder, "app"), "app", f"USE bank; {statement}")
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines() if line not in ("SET", "BEGIN", "COMMIT")]


def books(stack: RunningStack, folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Region -> [count, sum] of its payments, and what its account says of the same; at one time."""
    rows = answered(
        stack,
        folder,
        "BEGIN; SELECT region::STRING, count(*), sum(amount) FROM payments GROUP BY region; "
        "SELECT region::STRING, payments, balance FROM accounts; COMMIT",
    )
    heads = [index for index, row in enumerate(rows) if row[0] == "region"]
    summed, kept = (
        {row[0]: row[1:] for row in part if row[0] != "region"} for part in (rows[: heads[1]], rows[heads[1] :])
    )
    return {name: (summed[name], kept[name]) for name in NAMES}


def test_the_stacks_outputs_are_what_the_contract_promises(stack: RunningStack) -> None:
    outputs = stack.outputs(secrets=True)
    assert set(outputs) == set(promised())
    for name, output in promised().items():
        jsonschema.Draft202012Validator(closed(output["schema"])).validate(outputs[name])
    shown = stack.outputs()
    assert {name for name, value in shown.items() if value == "[secret]"} == {
        name for name, output in promised().items() if output["secret"]
    }


def test_the_login_stays_a_secret(stack: RunningStack) -> None:
    program = app.program(stack.paths)
    (state,) = (stack.paths.root / "pulumi").glob(f".pulumi/stacks/{program.project}/*.json")
    assert PRIVATE not in state.read_text()
    assert PRIVATE in app.engine.pulumi(stack.paths, program, "stack", "export", "--show-secrets"), "it is there"


def test_every_app_talks_to_its_own_regions_nodes(stack: RunningStack) -> None:
    told = statuses(stack)
    for name in NAMES:
        assert [one["gateway"] for one in told[name]] == [name, name]
        assert all(one["payments"] > 0 for one in told[name])
        assert all(set(one["accounts"]) == set(NAMES) for one in told[name]), "and reads every region's account"


def test_rows_live_where_they_were_written(stack: RunningStack, tmp_path: Path) -> None:
    """As the database says. The stand-in keeps all rows everywhere: where replicas and leases are it can't show."""
    tables = answered(stack, tmp_path, "SELECT table_name, locality FROM [SHOW TABLES] ORDER BY table_name")
    assert tables[1:] == [["accounts", "REGIONAL BY ROW AS region"], ["payments", "REGIONAL BY ROW AS region"]]
    written = acknowledged(stack)
    assert set(written.values()) == set(NAMES)
    assert written.items() <= present(stack, tmp_path).items()


def test_another_make_app_leaves_it_alone(stack: RunningStack) -> None:
    before = {name: set(pods(stack, name)) for name in NAMES}
    printed = deployed(stack)
    assert {name: set(pods(stack, name)) for name in NAMES} == before
    for name in NAMES:
        assert f"{name}  " in printed
    assert "What to do next" in printed


def test_a_cut_region_stops_nobody_else_and_nothing_is_lost(stack: RunningStack, tmp_path: Path) -> None:
    stay = [name for name in NAMES if name != CUT]
    before = datetime.now(UTC)
    stack.lab.run("fault", "cut", CUT)
    try:
        cut = datetime.now(UTC)
        for name in stay:
            wait_until(120, f"{name} goes on", lambda name=name: least_since(stack, name, cut) >= PAYMENTS)
        assert all(one["last_error"] for one in statuses(stack)[CUT]), "it can still say what stops it"
        healed = datetime.now(UTC)
    finally:
        stack.lab.run("fault", "heal")
    wait_until(120, f"{CUT} writes again", lambda: least_since(stack, CUT, healed) >= 1)

    for pod, payments in paid(stack, CUT).items():
        told = [event for event in payments if cut + IN_FLIGHT < at(event) < healed]
        assert told == [], f"{pod}: a minority acknowledges nothing"
    for name in stay:
        for pod, payments in paid(stack, name).items():
            during = [before, *(at(event) for event in payments if before < at(event) < healed), healed]
            longest = max(after - earlier for earlier, after in pairwise(during))
            assert longest < MOST_TIME_WITHOUT_A_PAYMENT, f"{name}: {pod}"

    written = acknowledged(stack)
    assert written.items() <= present(stack, tmp_path).items(), "nothing that was acknowledged is lost"
    for name, (summed, kept) in books(stack, tmp_path).items():
        assert summed == kept, f"{name}: each payment is booked once"


def least_since(stack: RunningStack, region: str, time: datetime) -> int:
    """Payments acknowledged since then, of the pod that has the fewest."""
    return min(sum(at(event) > time for event in payments) for payments in paid(stack, region).values())


def test_the_app_goes_and_its_rows_stay(stack: RunningStack, tmp_path: Path) -> None:
    written = acknowledged(stack)
    program = app.program(stack.paths)
    stack.run("pulumi", "-C", str(program.folder), "destroy", "--yes", "--skip-preview", "--stack", program.stack)
    assert stack.kubectl("alpha", "get", "namespace", "ledger", "--ignore-not-found") == ""
    assert written.items() <= present(stack, tmp_path).items()
