"""The table of strategies and acceptance tests: no cell is empty, and no failure looks like a pass."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.plan import ConfigError, Problem
from components.strategies import AVAILABLE
from tests.acceptance import __main__ as acceptance
from tests.acceptance import figures, growth
from tests.acceptance.outcome import Outcome, from_json, from_junit, to_json, whole
from tests.acceptance.report import LATENCY, TESTS, page
from tests.lab import test_strategies

GREEN, KILLED, MOVED, CUT, LOST, *_ = TESTS
WAY = figures.WAY
JUNIT = f"""
<testsuites><testsuite name="pytest">
  <testcase name="{GREEN}[pod-ip]"><properties><property name="resources" value="151" /></properties></testcase>
  <testcase name="{LATENCY}[pod-ip]"><properties>
    <property name="connect from alpha" value="{{'p50': 0.7, 'p99': 1.9}}" />
  </properties></testcase>
  <testcase name="{KILLED}[pod-ip]" time="9.9"><properties>
    <property name="outage" value="8.1" /><property name="recovered" value="12.4" />
  </properties></testcase>
  <testcase name="{MOVED}[pod-ip]">
    <properties><property name="outage" value="6.6" /><property name="recovered" value="7.7" /></properties>
    <failure message="AssertionError: not within 120 s&#10;more">…</failure>
  </testcase>
  <testcase name="{CUT}[pod-ip]"><properties>
    <property name="outage" value="8.2" /><property name="recovered" value="0.0" />
    <property name="lasted" value="9.0" />
  </properties></testcase>
  <testcase name="{LOST}[pod-ip]"><skipped message="nothing to lose">…</skipped></testcase>
  <testcase name="{WAY}[pod-ip]"><properties>
    <property name="connections" value="2" /><property name="rewritten" value="1" />
    <property name="routers" value="6" />
  </properties></testcase>
</testsuite></testsuites>
"""
SEEN = from_junit(JUNIT, "abc1234")
TAKEN = growth.Size([140, 380, 1100], 2, pods=2, cpu=60, memory=96, sidecars=1, sidecar_cpu=10, sidecar_memory=32)
COUNTED = {"pod-ip": TAKEN, "istio": replace(TAKEN, resources=[None, None, None], pods=0, sidecars=0)}


def cells(text: str, name: str) -> list[list[str]]:
    """A strategy's rows."""
    rows = (line for line in text.splitlines() if line.startswith((f"| `{name}`", f"| [`{name}`]")))
    return [[cell.strip() for cell in row.strip("|").split("|")[1:]] for row in rows]


def test_every_column_is_a_test() -> None:
    assert all(callable(getattr(test_strategies, name)) for name in TESTS)
    assert {name for name in vars(test_strategies) if name.startswith("test_")} == set(TESTS)


def test_what_a_run_measured_is_kept() -> None:
    green, latency, killed, moved, *_ = SEEN
    assert green.measured == {"resources": 151}
    assert latency.measured == {"connect from alpha": {"p50": 0.7, "p99": 1.9}}
    assert killed.measured == {"outage": 8.1, "recovered": 12.4}
    assert (moved.result, moved.why) == ("failed", "AssertionError: not within 120 s")
    assert [from_json(to_json(one)) for one in SEEN] == SEEN


def test_what_pytest_did_not_tell_of_has_failed() -> None:
    told = whole(SEEN, TESTS, "ended with -9", "abc1234")
    assert {one.test for one in told if one.why == "ended with -9"} == {*TESTS[5:]} - {LATENCY, WAY}
    assert {one.result for one in whole([], TESTS, "ended with -9", "abc1234")} == {"failed"}


def test_the_table_has_no_empty_cell() -> None:
    text = page({"pod-ip": SEEN, "istio": ()})
    assert cells(text, "pod-ip") == [
        ["`abc1234`", "yes", "yes", "**failed** (1)", "yes", "not here (2)", "not run", "not run", "yes"]
    ]
    assert cells(text, "istio") == [["", *["not run"] * 8]]
    assert "\n1. AssertionError: not within 120 s\n2. nothing to lose\n" in text


def test_of_what_has_no_figure_it_is_said_why() -> None:
    """A failed test's figures are none, and neither are those of one that was not run."""
    text = figures.section({"pod-ip": SEEN}, COUNTED, "def5678")
    assert cells(text, "pod-ip") == [
        [*["nothing to resolve"] * 4, "0.7 / 1.9"],
        ["2", "1", "6"],
        ["8.1 / 12.4", "**failed** (1)", "8.2 of 9 / 0", "not here (2)", "not run"],
        ["140", "380", "1100", "40.0", "40.0", "2"],
        ["2", "60 / 96", "1", "10 / 32"],
    ]
    refused = ["refused", "refused", "refused", "", "", "2"]
    assert cells(text, "istio") == [
        ["not run"] * 5,
        ["not run"] * 3,
        ["not run"] * 5,
        refused,
        ["none", "", "none", ""],
    ]
    assert "\n1. AssertionError: not within 120 s\n2. nothing to lose\n" in text
    assert "counted at `def5678`" in text


def test_a_failure_after_a_pass_is_a_failure() -> None:
    """As of a fixture that could not be taken down."""
    twice = [*SEEN, Outcome(GREEN, "failed", "down failed", "abc1234")]
    assert cells(page({"pod-ip": twice}), "pod-ip")[0][1] == "**failed** (1)"


def test_the_plot_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    figures.plot({"pod-ip": SEEN}, COUNTED, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").stat().st_size > 1000
    assert figures.measured({"pod-ip": SEEN}, "pod-ip", MOVED) == {}
    assert figures.measured({"pod-ip": SEEN}, "pod-ip", KILLED)["recovered"] == 12.4


def test_a_word_that_is_no_strategy_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        acceptance.main(["--strategies", "proxy,pod-pi"])
    assert ended.value.code == 2
    assert "no strategy pod-pi; there are: cloud-dns" in capsys.readouterr().err


def test_a_run_that_ends_without_a_word_is_a_row_of_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.CompletedProcess([sys.executable], -9)
    monkeypatch.setattr(acceptance.subprocess, "run", lambda *_, **__: killed)
    row = acceptance.run("proxy", "abc1234")
    assert {(one.result, one.why) for one in row} == {("failed", "pytest told nothing of it, and ended with -9")}
    assert [one.test for one in row] == list(TESTS)


def test_the_pages_say_what_was_seen() -> None:
    for file, text in acceptance.pages(acceptance.read()).items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: `python -m tests.acceptance --report`"


def test_a_region_more_is_so_many_resources_more_at_any_number() -> None:
    assert growth.size("load-balancer-per-node").node == 1
    three, four, five = (growth.resources("load-balancer-per-node", count) for count in (3, 4, 5))
    assert three is not None and four is not None and five is not None
    assert five - four == four - three > 20


@pytest.mark.parametrize(("path", "counted"), [("regions", True), ("regions[2].zones", False)])
def test_only_too_many_regions_are_counted_as_refused(
    monkeypatch: pytest.MonkeyPatch, path: str, counted: bool
) -> None:
    def refuse(_: Any) -> None:
        raise ConfigError([Problem(path, "no")])

    monkeypatch.setattr(growth, "plan", refuse)
    if counted:
        assert growth.resources("proxy", 3) is None
    else:
        with pytest.raises(ConfigError):
            growth.resources("proxy", 3)


def test_every_strategy_was_seen_at_everything() -> None:
    """In the table that is committed: what is not here has a reason, and nothing has failed or was left out."""
    rows = acceptance.read()
    seen = {name: {one.test: one.result for one in rows.get(name, ())} for name in AVAILABLE}
    assert {name: set(TESTS) - told.keys() for name, told in seen.items()} == {name: set() for name in AVAILABLE}
    assert [(name, test) for name, told in seen.items() for test, result in told.items() if result == "failed"] == []
