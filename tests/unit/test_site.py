"""The documentation as a site: it builds without a warning, and what is wrong with a page fails the build."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.hooks import ROOT, listed, sections, spaced, targets


def built(folder: Path, into: Path) -> tuple[int, str]:
    """Exit code and words of a build of the pages in `folder`."""
    build = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(into)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository of its own with the pages that are here, and what they link to."""
    pages = [name for name in listed() if name.endswith(".md")]
    linked = [target for page in pages for target in targets(page, (ROOT / page).read_text(encoding="utf-8"))]
    for name in {*pages, *linked, "docs/hooks.py", "mkdocs.yml"}:
        if (ROOT / name).is_file():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "copy" / name)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path / "copy", check=True)
    return tmp_path / "copy"


def test_it_builds(tmp_path: Path) -> None:
    code, said = built(ROOT, tmp_path)
    assert code == 0, said
    assert "WARNING" not in said
    assert {"tutorial/index.html", "config/index.html"} <= {
        str(page.relative_to(tmp_path / "docs")) for page in (tmp_path / "docs").rglob("*.html")
    }
    assert (tmp_path / "docs" / "topology.svg").exists()
    listing = (tmp_path / "external-links.txt").read_text(encoding="utf-8").splitlines()
    assert "https://keepachangelog.com/en/1.1.0/\tCHANGELOG.md" in listing
    home = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not any(f'src="{scheme}' in home for scheme in ("http:", "https:", "//")), "a reader's browser fetches"


@pytest.mark.parametrize(
    ("page", "text", "said"),
    [
        ("docs/tutorial.md", "\n[gone](gone.md)\n", "gone.md"),
        ("docs/tutorial.md", "\n[gone](config.md#no-such-heading)\n", "no-such-heading"),
        ("docs/nowhere-listed.md", "# A page\n", "nowhere-listed.md"),
        ("docs/README.md", "\n## More\n[gone](gone.md)\n", "gone.md"),
    ],
    ids=["no such page", "no such heading", "a page that the index lacks", "an index of no page"],
)
def test_what_is_wrong_fails_the_build(copy: Path, tmp_path: Path, page: str, text: str, said: str) -> None:
    file = copy / page
    file.write_text((file.read_text(encoding="utf-8") if file.exists() else "") + text, encoding="utf-8")
    code, words = built(copy, tmp_path / "site")
    assert code != 0
    assert said in words


def test_the_index_is_the_navigation() -> None:
    index = "# Pages\n[none](a.md)\n## One\n| [a](a.md) | [a](a.md#b) |\n[c](../c.md)\n## Two\n[d](d/e.md), [a](a.md)\n"
    assert sections(index) == [("One", ["docs/a.md", "c.md"]), ("Two", ["docs/d/e.md"])]


def test_lists_stand_apart_outside_of_fences() -> None:
    assert spaced("text\n- one\n  more\n- two\n") == "text\n\n- one\n  more\n- two\n"
    assert spaced("```\ntext\n- one\n```\n") == "```\ntext\n- one\n```\n"
    assert spaced("# heading\n- one\n") == "# heading\n- one\n"


def test_links_are_from_the_root() -> None:
    text = "[a](../README.md#x) [b](https://b.example) ![c](c.svg)\n```\n[d](d.md)\n```\n[e](#here)"
    assert targets("docs/page.md", text) == ["README.md", "docs/c.svg"]
