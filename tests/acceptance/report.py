"""The table of strategies and acceptance tests. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def page(rows: Mapping[str, Sequence[Outcome]]) -> str:
    """Markdown: what was seen of every strategy, and why not where it was not."""
    commits = sorted({f"`{outcome.commit}`" for outcomes in rows.values() for outcome in outcomes})
    lines = [
        "# What every strategy was seen to do",
        "",
        "Made by `make acceptance` from the runs of `tests/lab/test_strategies.py`; seen at "
        f"{', '.join(commits) or 'no commit yet'}. Three regions in the lab, as far apart as the strategy can stand: "
        "without routes between their pods where it needs none.",
        "Seconds are from the fault, or from its end where that is what heals, until every region reaches every other "
        "again, a verification of some seconds included.",
        "",
        f"| strategy | {' | '.join(COLUMNS.values())} |",
        f"|---|{'---|' * len(COLUMNS)}",
    ]
    notes: list[str] = []
    for strategy, outcomes in rows.items():
        seen = {outcome.test: outcome for outcome in outcomes}
        cells = [_cell(seen.get(test), notes) for test in COLUMNS]
        lines.append(f"| [`{strategy}`]({strategy}.md) | {' | '.join(cells)} |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    return "\n".join(lines).rstrip() + "\n"


def _cell(outcome: Outcome | None, notes: list[str]) -> str:
    if outcome is None:
        return _noted("not run", "not run yet", notes)
    if outcome.result == "passed":
        seconds = outcome.measured.get("recovered") or outcome.measured.get("up")
        return "yes" if seconds is None else f"yes, {seconds:.0f} s"
    return _noted("**no**" if outcome.result == "failed" else "not here", outcome.why, notes)


def _noted(word: str, why: str, notes: list[str]) -> str:
    if why not in notes:
        notes.append(why)
    return f"{word} ({notes.index(why) + 1})"
