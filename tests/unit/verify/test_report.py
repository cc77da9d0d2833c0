"""The matrix and the JSON object, as goldens: a changed one is a changed contract with whoever reads it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.verify import world
from tests.unit.verify.world import CENTRAL, EAST, WEST, entries
from verify import judge, report
from verify.target import Target

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
GOLDENS = Path(__file__).parent / "goldens"


def green(measured: world.World) -> None:
    """All is well."""


def degraded(measured: world.World) -> None:
    world.stop_node(measured, WEST, 1)
    world.lose_zone(measured, EAST, 0)


def red(measured: world.World) -> None:
    world.cut(measured, EAST, WEST)
    world.cut(measured, WEST, EAST)
    for source in (EAST, WEST):
        for entry in entries(measured, "peers", source, CENTRAL):
            entry["seen"] = "10.9.9.9"


def unknown(measured: world.World) -> None:
    world.unreachable(measured, WEST)


STATES = [green, degraded, red, unknown]


def verdict(aim: Target, state) -> tuple[list, judge.Verdict]:
    measured = world.measure(aim)
    state(measured)
    return list(measured.values()), judge.judge(aim, measured.values())


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_the_matrix_for_people(state) -> None:
    aim = world.target()
    text = report.to_text(aim, *verdict(aim, state), 4.21, now=NOW) + "\n"
    golden = GOLDENS / f"{state.__name__}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_a_draining_region_and_those_left_out_are_named() -> None:
    aim = world.target(draining=(WEST,))
    aim = type(aim)(aim.strategy, aim.regions, {"asia-east1": "lost"}, aim.tools_image, aim.max_offset_ms)
    text = report.to_text(aim, *verdict(aim, green), 1.0)
    assert "us-west1 (draining)" in text
    assert "left out: asia-east1 (lost)" in text


def test_colours_are_only_there_when_asked_for() -> None:
    aim = world.target()
    found = verdict(aim, red)
    assert "\x1b" not in report.to_text(aim, *found, 1.0)
    painted = report.to_text(aim, *found, 1.0, colour=True)
    assert "\x1b[1;31mRED route" in painted
    assert "\x1b[32mok" in painted


def test_the_json_object() -> None:
    aim = world.target()
    measured, result = verdict(aim, degraded)
    found = report.to_json(aim, measured, result, "run1", 4.214, NOW)
    assert [len(one["nodes"]) for one in found.pop("measurements")] == [9] * 5
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDENS / "degraded.json").write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads((GOLDENS / "degraded.json").read_text())


def test_the_certificate_that_ends_first_is_first() -> None:
    aim = world.target()
    measured, _ = verdict(aim, green)
    for one in (each for region in measured for each in region.reports):
        for node in one["nodes"]:
            node["tls"]["daysLeft"] = 40.0 + node["node"] if node["region"] == WEST else 300.0
    found = report.certificates(measured, NOW)
    assert [(name, days) for name, _, days in found][:2] == [
        ("nodes of us-west1", 40.0),
        ("nodes of us-central1", 300.0),
    ]
    assert found[0][1] == datetime(2027, 1, 5, 12, tzinfo=UTC)
    assert found[-1][0] == "authority"
