"""The matrix and the JSON object, as goldens: a changed one is a changed contract with whoever reads it."""

import json
from pathlib import Path

import pytest

from tests.unit.verify import world
from tests.unit.verify.world import CENTRAL, EAST, WEST, entries
from verify import judge, report
from verify.target import Target

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
    assert report.to_text(aim, verdict(aim, state)[1], 4.21) + "\n" == (GOLDENS / f"{state.__name__}.txt").read_text()


def test_a_draining_region_and_those_left_out_are_named() -> None:
    aim = world.target(draining=(WEST,))
    aim = type(aim)(aim.strategy, aim.regions, {"asia-east1": "lost"}, aim.tools_image, aim.max_offset_ms)
    text = report.to_text(aim, verdict(aim, green)[1], 1.0)
    assert "us-west1 (draining)" in text
    assert "left out: asia-east1 (lost)" in text


def test_colours_are_only_there_when_asked_for() -> None:
    aim = world.target()
    result = verdict(aim, red)[1]
    assert "\x1b" not in report.to_text(aim, result, 1.0)
    painted = report.to_text(aim, result, 1.0, colour=True)
    assert "\x1b[1;31mRED route" in painted
    assert "\x1b[32mok" in painted


def test_the_json_object() -> None:
    aim = world.target()
    measured, result = verdict(aim, degraded)
    found = report.to_json(aim, measured, result, "run1", 4.214)
    assert [len(one["nodes"]) for one in found.pop("measurements")] == [9] * 5
    assert found == json.loads((GOLDENS / "degraded.json").read_text())
