"""Every test that docs/dangers.md names is there, and no danger is without one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    re.split(r"\s*\|\s*", line)[1:-1]
    for line in (ROOT / "docs" / "dangers.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| danger")
]


def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def test_there_are_many() -> None:
    assert len(ROWS) > 20


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_danger_is_shown_by_tests_that_are_there(row: list[str]) -> None:
    _danger, _stopped, _allowed, shown = row
    named = re.findall(r"`([^`]+)`", shown)
    assert named
    for name in named:
        path, _, function = name.partition("::")
        file = ROOT / path
        assert file.exists(), name
        if file.suffix == ".yaml":
            assert file.with_suffix(".txt").exists(), name
        elif function:
            assert function in functions_of(file), name
        else:
            assert any(found.startswith("test_") for found in functions_of(file)), name
