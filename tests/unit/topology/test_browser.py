"""The pages in a real browser: no text lies upon another or is cut off, nothing is fetched, on phones and wide screens.

Needs Chromium (Debian's `chromium`, or any that is on PATH).
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.unit.topology.samples import many, multicloud, three, verdict
from topology.model import Scene
from topology.page import page
from topology.picture import picture
from topology.scene import scene

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH (Debian: apt-get install chromium)"),
]

FAULTS = """() => {
  const faults = [], lines = [], seen = (e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const clipped = (e) => e.closest('.scroll');
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const parent = node.parentElement, text = node.textContent.trim();
    if (!text || ['TITLE', 'title', 'desc', 'STYLE', 'style'].includes(parent.tagName) || !seen(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) if (box.width > 1) lines.push({text, box, parent});
    const frame = (parent.closest('svg') || clipped(parent)?.firstElementChild || document.documentElement);
    const box = range.getBoundingClientRect(), within = frame.getBoundingClientRect();
    if (box.left < within.left - 1 || box.right > within.right + 1 || box.bottom > within.bottom + 1)
      faults.push(`cut off: ${text}`);
  }
  for (let one = 0; one < lines.length; one++)
    for (let other = one + 1; other < lines.length; other++) {
      const a = lines[one], b = lines[other];
      const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      const slack = 0.25 * Math.min(a.box.height, b.box.height);
      if (across > 1 && down > slack) faults.push(`one upon another: ${a.text} | ${b.text}`);
    }
  for (const e of document.querySelectorAll('body *'))
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !(e instanceof SVGElement) && !clipped(e)
        && getComputedStyle(e).display !== 'inline')
      faults.push(`wider than its place: ${e.className || e.tagName} ${e.textContent.slice(0, 40)}`);
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  return {faults, lines: lines.length};
}"""
"""Line boxes of all visible text, compared. Boxes are higher than letters by a quarter or so, which may touch."""

SCENES: Mapping[str, Scene] = {
    "3 planned": scene(three()),
    "3 cut": scene(three(), verdict(three(), cut=["us-west1"], down=["us-east1"])),
    "4 on two clouds": scene(multicloud(), verdict(multicloud())),
    "27 green": scene(many(), verdict(many())),
    "27 cut": scene(many(), verdict(many(), cut=["eu-central-1"], down=["us-west1"])),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM)
        yield launched
        launched.close()


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920])
@pytest.mark.parametrize("name", SCENES)
def test_no_text_is_hidden(browser: Browser, name: str, width: int, tmp_path: Path) -> None:
    file = tmp_path / "topology.html"
    file.write_text(page(SCENES[name]), encoding="utf-8")
    assert looked_at(browser, file, width, "light", opened=False) == []
    assert looked_at(browser, file, width, "dark", opened=True) == []


@pytest.mark.parametrize("name", SCENES)
def test_no_text_of_the_picture_is_hidden(browser: Browser, name: str, tmp_path: Path) -> None:
    file = tmp_path / "topology.html"
    file.write_text(f"<!doctype html><body style='margin:0'>{picture(SCENES[name])}", encoding="utf-8")
    assert looked_at(browser, file, 1300, "light", opened=False) == []


def test_a_fault_would_be_found(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        "<!doctype html><body style='margin:0'><p>one</p><p style='margin-top:-30px'>other</p>"
        "<svg width=50 height=20><text y=10>much too long for this</text></svg><div style='width:9999px'>wide</div>"
    )
    found = looked_at(browser, file, 400, "light", opened=False)
    assert {fault.split(":")[0] for fault in found} == {"one upon another", "cut off", "the page scrolls sideways"}


def test_dark_is_dark(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "topology.html"
    file.write_text(page(SCENES["3 planned"]), encoding="utf-8")
    grounds = []
    for scheme in ("light", "dark"):
        shown = browser.new_page(color_scheme=scheme)
        shown.goto(file.as_uri())
        grounds.append(
            shown.evaluate(
                "[getComputedStyle(document.body).backgroundColor, "
                "getComputedStyle(document.querySelector('.land')).fill]"
            )
        )
        shown.close()
    assert grounds == [["rgb(255, 255, 255)", "rgb(223, 229, 236)"], ["rgb(13, 17, 23)", "rgb(42, 50, 61)"]]


def looked_at(browser: Browser, file: Path, width: int, scheme: Any, *, opened: bool) -> list[str]:
    """What is wrong with a page at that width; `opened`: with all that is folded shown."""
    shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file.as_uri())
    if opened:
        shown.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = shown.evaluate(FAULTS)
    shown.close()
    assert found["lines"] > 0
    return [*found["faults"], *(f"fetched: {url}" for url in asked if url != file.as_uri())]
