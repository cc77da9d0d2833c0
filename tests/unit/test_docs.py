"""What the Markdown pages point at is there: files, headings, make targets, modules."""

import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
MAKE = re.compile(r"\bmake ((?:[A-Z_]+=\S+ )*)([a-z][a-z-]*)")
MODULE = re.compile(r"\bpython3? -m ([a-z_]+(?:\.[a-z_]+)*)")


def pages() -> list[Path]:
    """The tracked Markdown files that are there."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def code(text: str) -> str:
    """The fenced blocks and code spans of a page, a line each."""
    return "\n".join([*FENCE.findall(text), *CODE.findall(FENCE.sub("", text))])


def anchors(page: Path) -> Iterator[str]:
    """The names that a page's headings have as link targets."""
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.fixture(scope="module", params=pages(), ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_are_pages() -> None:
    names = {str(page.relative_to(ROOT)) for page in pages()}
    assert {"README.md", "CONTRIBUTING.md", "docs/README.md", "docs/tutorial.md", "lab/README.md"} <= names


def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in set(anchors(target))):
            broken.append(link)
    assert broken == []


def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = {target for _, target in MAKE.findall(code(page.read_text(encoding="utf-8")))}
    assert named - targets == set()


def test_modules_can_be_run(page: Path) -> None:
    named = set(MODULE.findall(code(page.read_text(encoding="utf-8"))))
    assert {module for module in named if not runnable(module)} == set()


def runnable(module: str) -> bool:
    """Whether `python -m module` finds something to run."""
    try:
        found = find_spec(module)
        return found is not None and (
            found.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None
        )
    except ModuleNotFoundError:
        return False


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text(encoding="utf-8"))}
    assert {page for page in pages() if page.is_relative_to(ROOT / "docs") and page != index} - linked == set()


def test_decisions_are_numbered_in_a_row() -> None:
    records = sorted(page for page in pages() if page.parent.name == "decisions")
    assert [int(page.name[:4]) for page in records] == list(range(1, len(records) + 1))
    for number, page in enumerate(records, 1):
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. ")


def test_the_checks_see_what_is_wrong() -> None:
    text = "prose: make sure; `make nowhere` and `make LAB_NAME=x down`\n\n```sh\npython -m lab.nowhere up\n```\n"
    assert {target for _, target in MAKE.findall(code(text))} == {"nowhere", "down"}
    assert MODULE.findall(code(text)) == ["lab.nowhere"]
    assert not runnable("lab.nowhere")
    assert not runnable("nowhere")
    assert not runnable("components.plan"), "a package without __main__"
    assert runnable("stacks.plan")
    assert runnable("lab")
