"""The table of day-two operations: each is a test, and no cell is empty."""

from __future__ import annotations

import inspect

from tests.acceptance import day_two
from tests.acceptance.outcome import Outcome
from tests.lab import test_day_two

SEEN = Outcome(
    "test_more_nodes",
    "passed",
    "",
    "abc1234",
    {"longest": 1.5, "statements": 90, "errors": 0, "restarted": "nobody", "seconds": 61},
)


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| operation")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_row_is_a_test_and_every_test_a_row() -> None:
    tests = [name for name, value in vars(test_day_two).items() if name.startswith("test_") and callable(value)]
    assert list(day_two.OPERATIONS) == tests, "in the order in which they run"


def test_every_figure_is_written_down() -> None:
    source = inspect.getsource(test_day_two.operation)
    assert all(f'record("{key}"' in source for key in day_two.FIGURES)


def test_a_row_says_what_was_seen_and_another_one_why_not() -> None:
    failed = Outcome("test_fewer_nodes", "failed", "AssertionError: not within 60 s", "abc1234")
    found = rows(day_two.page([SEEN, failed]))
    assert found[0] == ["a node more", "`abc1234`", "1.5", "90", "0", "nobody", "61"]
    assert found[1][2:] == ["**failed** (1)"] * len(day_two.FIGURES)
    assert found[2][2:] == ["not run"] * len(day_two.FIGURES)
    assert "1. AssertionError: not within 60 s" in day_two.page([SEEN, failed])


def test_the_committed_page_is_that_of_the_results_and_nothing_failed() -> None:
    outcomes = day_two.read()
    assert day_two.PAGE.read_text(encoding="utf-8") == day_two.page(outcomes)
    assert outcomes
    assert {outcome.result for outcome in outcomes} == {"passed"}
    assert all("dirty" not in outcome.commit for outcome in outcomes)
