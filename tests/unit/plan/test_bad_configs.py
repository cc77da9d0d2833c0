"""Every bad config is stopped with the message in its golden file, and every rule is needed for one of them."""

from pathlib import Path

import pytest

from components.plan import ConfigError, problems_of
from components.plan.rules import STACK_RULES, VALUE_RULES
from stacks.settings import raw_from_stack_file
from tests.golden.cases import FOLDER, golden_file, messages, stack_files

REGENERATE = "if the new message is right, run: python -m tests.golden.regenerate"


@pytest.mark.parametrize("stack_file", stack_files(), ids=lambda path: path.stem)
def test_message(stack_file: Path) -> None:
    golden = golden_file(stack_file)
    assert golden.exists(), REGENERATE
    assert messages(stack_file) == golden.read_text(encoding="utf-8"), REGENERATE


def test_there_are_many_and_none_is_stale() -> None:
    assert len(stack_files()) >= 60
    assert set(FOLDER.glob("*.txt")) == {golden_file(stack_file) for stack_file in stack_files()}


@pytest.mark.parametrize("stack_file", stack_files(), ids=lambda path: path.stem)
def test_form(stack_file: Path) -> None:
    """One line per problem: `path: what was given; what would be right`, without a Python word or a secret."""
    for line in golden_file(stack_file).read_text(encoding="utf-8").splitlines():
        path, _, message = line.partition(": ")
        assert path
        assert message
        assert "; " in message, line
        assert "None" not in message
        assert "VERYSECRET" not in line
        assert "4711" not in line


@pytest.fixture(scope="module")
def loaded() -> list[tuple[dict[str, object], str]]:
    cases = []
    for stack_file in stack_files():
        try:
            raw = raw_from_stack_file(stack_file)
        except ConfigError:
            continue
        cases.append((raw, golden_file(stack_file).read_text(encoding="utf-8")))
    return cases


@pytest.mark.parametrize(
    ("rules", "name"),
    [(rules, name) for rules in (VALUE_RULES, STACK_RULES) for name in rules],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_rule_is_needed(
    monkeypatch: pytest.MonkeyPatch, loaded: list[tuple[dict[str, object], str]], rules: dict[str, object], name: str
) -> None:
    """With one rule switched off, the golden message of some bad config is missed."""
    # That a secret is in the clear is told beside the rules, by who reads the stack file.
    before = [(raw, text) for raw, golden in loaded if golden.startswith(text := _text(raw))]
    monkeypatch.setitem(rules, name, lambda _: None)
    assert any(_text(raw) != text for raw, text in before), f"no bad config needs the rule {name}"


def _text(raw: dict[str, object]) -> str:
    try:
        return "".join(f"{problem}\n" for problem in problems_of(raw))
    except Exception as error:  # a rule that guards others was off
        return repr(error)
