"""The site of `mkdocs.yml`: the repository's Markdown pages at their own paths, so that links serve code hosts too.

Its navigation is docs/README.md: a heading of the second level is a section, and the links below it are its pages. A
page that is not linked there fails the strict build, and so does a link to no page or no heading.
"""

import re
import subprocess
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
INDEX = "docs/README.md"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
URL = re.compile(r"https?://[^\s)>\"'`|,]+")
ITEM = re.compile(r"(?:[-*]|\d+\.) ")


def listed() -> list[str]:
    """Every file of the repository, new ones that git does not ignore among them."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({name for name in found if name and (ROOT / name).is_file()})


def targets(name: str, text: str) -> list[str]:
    """Paths from the root that the page `name` links to, in order: no URLs, no anchors."""
    links = (link.partition("#")[0] for link in LINK.findall(FENCE.sub("", text)) if not re.match("[a-z]+:", link))
    return [_plain(PurePosixPath(name).parent / link) for link in links if link]


def _plain(path: PurePosixPath) -> str:
    """`docs/../lab/README.md` -> `lab/README.md`."""
    kept: list[str] = []
    for part in path.parts:
        if part == ".." and kept:
            kept.pop()
        elif part != ".":
            kept.append(part)
    return "/".join(kept)


def sections(index: str) -> list[tuple[str, list[str]]]:
    """Of the index's text: each section's heading and the pages that it links to, each page where it comes first."""
    made: list[tuple[str, list[str]]] = []
    seen = {INDEX}
    for part in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        pages = [page for page in dict.fromkeys(targets(INDEX, text)) if page.endswith(".md") and page not in seen]
        seen.update(pages)
        made.append((heading, pages))
    return made


def spaced(markdown: str) -> str:
    """With an empty line before each list, which code hosts do without and Python-Markdown does not."""
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        before = lines[-1] if lines else ""
        starts = ITEM.match(line) and before and not ITEM.match(before) and not before.startswith((" ", "#"))
        if starts and not fenced:
            lines.append("")
        fenced ^= line.lstrip().startswith("```")
        lines.append(line)
    return "\n".join(lines) + "\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation, from the index."""
    parts = sections((ROOT / INDEX).read_text(encoding="utf-8"))
    config.nav = [{"All pages": INDEX}, *({heading: pages} for heading, pages in parts)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Every page of the repository, and what pages link to, at its own path; the theme's files as they are."""
    names = listed()
    pages = [name for name in names if name.endswith(".md")]
    linked = {target for page in pages for target in targets(page, (ROOT / page).read_text(encoding="utf-8"))}
    chosen = [*pages, *sorted(linked & set(names) - set(pages))]
    docs = Path(config.docs_dir)
    theme = [file for file in files if not Path(file.abs_src_path or "").is_relative_to(docs)]
    return Files([*theme, *(File.generated(config, name, abs_src_path=str(ROOT / name)) for name in chosen)])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lists as code hosts show them."""
    return spaced(markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """`external-links.txt` beside the pages: every URL and the page that has it. Nothing is fetched."""
    found = sorted(
        {(url.rstrip(".;:"), name) for name in listed() if name.endswith(".md") for url in _urls(name)},
    )
    text = "".join(f"{url}\t{name}\n" for url, name in found)
    (Path(config.site_dir) / "external-links.txt").write_text(text, encoding="utf-8")


def _urls(name: str) -> list[str]:
    """Outside of code, where addresses are examples."""
    return URL.findall(CODE.sub("", FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))))
