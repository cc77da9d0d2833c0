"""What the sources can say, as texts in which `…` stands for a value, to compare a page's messages with."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docs.hooks import ROOT
from tests.golden.cases import FOLDER

HOLE = "…"
SOURCES = ("components", "stacks", "verify", "policy", "lab")
CODE = re.compile(r"(?<!`)(`+)(?!`) ?(.+?) ?(?<!`)\1(?!`)")


@cache
def templates() -> tuple[str, ...]:
    """Every text of the program and the lab, and every line of the golden refusals."""
    found = [text for folder in SOURCES for text in _of_folder(ROOT / folder)]
    found += [line for file in FOLDER.glob("*.txt") for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple(dict.fromkeys(found))


def _of_folder(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        yield from filter(None, map(template, ast.walk(tree)))
    for file in sorted(folder.rglob("*.sh")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield re.sub(r"\$\{?\w+\}?", HOLE, line)


def template(node: ast.AST) -> str | None:
    """A text literal with a hole for each value; None for all else."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            ends = template(left), template(right)
            return None if ends == (None, None) else "".join(end or HOLE for end in ends)
        case _:
            return None


def pattern(message: str) -> re.Pattern[str]:
    """What a page's message is looked for by: its fixed parts in their order, inside of one text."""
    parts = [re.escape(part.strip()) for part in message.split(HOLE) if part.strip()]
    return re.compile(".*?".join(parts), re.DOTALL)


def fixed(message: str) -> int:
    """Letters of a message that stand for themselves."""
    return len(re.sub(r"[^a-z]", "", message.lower()))


def said(message: str) -> bool:
    """Whether the sources can say it."""
    wanted, first = pattern(message), next(part.strip() for part in message.split(HOLE) if part.strip())
    return any(first in text and wanted.search(text) for text in templates())


def rows(page: str) -> list[tuple[str, str]]:
    """(section, message) of the page's tables: the code that the first cell of each row is."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        section, _, text = part.partition("\n")
        lines = [line for line in text.splitlines() if line.startswith("| `")]
        found += [(section, span[1]) for line in lines for span in CODE.findall(line.split(" | ")[0])]
    return found
