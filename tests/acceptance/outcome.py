"""What one acceptance test saw of one strategy, from pytest's own report. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Outcome:
    """One cell of the table."""

    test: str
    """The test's name, without its parameter."""
    result: str
    """`passed`, `failed` or `skipped`."""
    why: str
    """Why it was skipped, or the first line of its failure."""
    commit: str
    """Of the project, when it was seen."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """What the test wrote down: seconds, percentiles, counts."""


def from_junit(text: str, commit: str) -> list[Outcome]:
    """The outcomes in a file that `pytest --junitxml` wrote, in the tests' order."""
    cases = ElementTree.fromstring(text).iter("testcase")  # noqa: S314 (our own file)
    return [_outcome(case, commit) for case in cases]


def whole(outcomes: Sequence[Outcome], tests: Sequence[str], why: str, commit: str) -> list[Outcome]:
    """With a failure for every test that was not told of."""
    told = {outcome.test for outcome in outcomes}
    return [*outcomes, *(Outcome(test, "failed", why, commit) for test in tests if test not in told)]


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Plain values."""
    return asdict(outcome)


def from_json(said: Mapping[str, Any]) -> Outcome:
    """What `to_json` made."""
    return Outcome(**said)


def _outcome(case: ElementTree.Element, commit: str) -> Outcome:
    result, why = "passed", ""
    for child in case:
        if child.tag in ("failure", "error", "skipped"):
            result = "skipped" if child.tag == "skipped" else "failed"
            why = (child.get("message") or "").partition("\n")[0]
    measured = {one.get("name", ""): _value(one.get("value", "")) for one in case.iter("property")}
    return Outcome(re.sub(r"\[.*", "", case.get("name", "")), result, why, commit, measured)


def _value(text: str) -> Any:
    """What pytest wrote with `str`: a number or a mapping of numbers, else text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
