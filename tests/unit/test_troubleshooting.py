"""docs/troubleshooting.md quotes what is really said: a message that changes fails here."""

import ast

import pytest

from tests.pages import findings, messages

PAGE = findings.PAGE.read_text(encoding="utf-8")
ENGINE = "The engine stops"
"""Pulumi's own words, which tests/engine/test_messages.py looks for."""
VERIFY = "What `verify` finds"
QUOTED = [message for section, message in messages.rows(PAGE) if section not in (ENGINE, VERIFY)]


def test_there_are_some() -> None:
    assert len(QUOTED) > 40
    assert len(set(QUOTED)) == len(QUOTED)


@pytest.mark.parametrize("message", QUOTED)
def test_the_sources_can_say_it(message: str) -> None:
    assert messages.fixed(message) >= 12, "too little to find anything by"
    assert messages.said(message), "no text of the program, its Jobs or the lab is like it"


def test_every_finding_is_there() -> None:
    assert findings.written(PAGE) == PAGE, "run: python -m tests.pages.findings"
    codes = {message for section, message in messages.rows(PAGE) if section == VERIFY}
    assert {"route-cut", "snat", "dns-forward-dead", "quorum-lost"} <= codes


def test_a_message_that_nobody_says_is_seen() -> None:
    assert not messages.said("the DNS load balancer was planted at …")
    assert not messages.said("… but has …: which every other region forwards to"), "parts in another order"
    source = 'f"a {b} c " "d" + e + f"{g}!"'
    assert messages.template(ast.parse(source, mode="eval").body) == "a … c d……!"
    assert messages.rows("## One\n| `a …` | `b` |\n| ``c `d` `` … `e` | f |\n") == [
        ("One", "a …"),
        ("One", "c `d`"),
        ("One", "e"),
    ]
