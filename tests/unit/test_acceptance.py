"""The table of strategies and acceptance tests: no cell is empty, and no failure looks like a pass."""

from __future__ import annotations

from tests.acceptance import figures, growth
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


def test_what_was_not_run_or_has_nothing_to_resolve_is_said() -> None:
    rows = {"pod-ip": from_junit(JUNIT, "abc1234")}
    lines = figures.section(rows, {"pod-ip": [140, 380, 1100], "istio": [None, None, None]}).splitlines()
    assert "| `pod-ip` | 0.7 / 1.9 | nothing to resolve | nothing to resolve |" in lines
    assert "| `istio` | not run | not run | not run |" in lines
    assert "| `pod-ip` | 12 | nothing to lose | nothing to lose | nothing to lose | not run |" in lines
    assert "| `pod-ip` | 140 | 380 | 1100 | 40.0 |" in lines
    assert "| `istio` | refused | refused | refused |  |" in lines


def test_a_region_more_is_so_many_resources_more_at_any_number() -> None:
    three, four, five = (growth.resources("load-balancer-per-node", count) for count in (3, 4, 5))
    assert three is not None and four is not None and five is not None
    assert five - four == four - three > 20
