"""The table of strategies and acceptance tests: no cell is empty, and no failure looks like a pass."""

from __future__ import annotations

from tests.acceptance.outcome import from_json, from_junit, to_json
from tests.acceptance.report import COLUMNS, page
from tests.lab import test_strategies

GREEN, KILLED, MOVED, *_ = COLUMNS
JUNIT = f"""
<testsuites><testsuite name="pytest">
  <testcase name="{GREEN}[pod-ip]"><properties><property name="resources" value="151" /></properties></testcase>
  <testcase name="{KILLED}[pod-ip]" time="9.9"><properties>
    <property name="recovered" value="12.4" /><property name="cold" value="{{'p50': 0.7, 'p99': 1.9}}" />
  </properties></testcase>
  <testcase name="{MOVED}[pod-ip]"><failure message="AssertionError: not within 120 s&#10;more">…</failure></testcase>
</testsuite></testsuites>
"""


def test_every_column_is_a_test() -> None:
    assert all(callable(getattr(test_strategies, name)) for name in COLUMNS)


def test_what_a_run_measured_is_kept() -> None:
    green, killed, moved = from_junit(JUNIT, "abc1234")
    assert green.measured == {"resources": 151}
    assert killed.measured == {"recovered": 12.4, "cold": {"p50": 0.7, "p99": 1.9}}
    assert (moved.result, moved.why) == ("failed", "AssertionError: not within 120 s")
    assert [from_json(to_json(one)) for one in (green, killed, moved)] == [green, killed, moved]


def test_the_table_has_no_empty_cell() -> None:
    lines = page({"pod-ip": from_junit(JUNIT, "abc1234")}).splitlines()
    row = next(line for line in lines if line.startswith("| [`pod-ip`]"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:4] == ["yes", "yes, 12 s", "**no** (1)"]
    assert set(cells[4:]) == {"not run (2)"}
    assert "1. AssertionError: not within 120 s" in lines
