"""The table of strategies and acceptance tests. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.acceptance.outcome import Outcome

COLUMNS = {
    "test_every_region_reaches_every_other": "green N x N",
    "test_a_killed_pod_comes_back_as_itself": "pod restarted",
    "test_a_pod_that_moves_is_the_same_node": "pod moved to another host",
    "test_a_cut_region_is_named_and_heals": "region cut off and healed",
    "test_lost_addressing_is_named_and_heals": "DNS or balancer lost",
    "test_one_node_more_joins_and_restarts_nobody": "one node more",
    "test_a_certificate_is_refused_under_another_regions_name": "wrong name refused",
    "test_no_node_talks_in_the_clear": "no plain text",
}
"""Test -> the words over its column."""
LATENCY = "test_names_and_connections_take"
TESTS = (*COLUMNS, LATENCY)
"""All that a strategy's run has to tell of."""

Rows = Mapping[str, Sequence[Outcome]]
"""Strategy -> what each test saw."""
Words = Callable[[Outcome], str]
"""What a cell says of a test that passed."""


def page(rows: Rows) -> str:
    """Markdown: what was seen of every strategy, and why not where it was not."""
    notes: list[str] = []
    lines = [
        "# What every strategy was seen to do",
        "",
        "Made by `make acceptance` from the runs of `tests/lab/test_strategies.py`. Three regions in the lab, as far "
        "apart as the strategy can stand: without routes between their pods where it needs none. How long each took "
        "is in [choosing.md](../choosing.md#measured).",
        "",
        f"| strategy | seen at | {' | '.join(COLUMNS.values())} |",
        f"|---|---|{'---|' * len(COLUMNS)}",
    ]
    for strategy, outcomes in rows.items():
        cells = [cell(outcomes, test, notes, lambda _: "yes") for test in COLUMNS]
        lines.append(f"| [`{strategy}`]({strategy}.md) | {_commits(outcomes)} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *numbered(notes)]).rstrip() + "\n"


def cell(outcomes: Sequence[Outcome], test: str, notes: list[str], words: Words) -> str:
    """What a strategy's row has of a test: `words` where it passed, else why not, by the number of its note."""
    told = [outcome for outcome in outcomes if outcome.test == test]
    if not told:
        return "not run"
    outcome = max(told, key=lambda each: each.result == "failed")
    if outcome.result == "passed":
        return words(outcome)
    if outcome.why not in notes:
        notes.append(outcome.why)
    return f"{'**failed**' if outcome.result == 'failed' else 'not here'} ({notes.index(outcome.why) + 1})"


def numbered(notes: Sequence[str]) -> list[str]:
    """The notes as a list in Markdown."""
    return [f"{number}. {note}" for number, note in enumerate(notes, 1)]


def _commits(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(sorted({f"`{outcome.commit}`" for outcome in outcomes}))
