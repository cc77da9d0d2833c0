"""The whole as one SVG: the map, and below it a card for each region. For pages that show images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import cards, svg
from . import map as map_
from .geometry import Box
from .map_layout import WIDE
from .model import Region, Scene
from .theme import svg_style
from .words import headline, network_lines, subtitle

MARGIN = 24.0
GAP = 16.0
COLUMNS = 3


def picture(scene: Scene) -> str:
    """An SVG document, the same for the same scene."""
    chart, high = map_.parts(scene, WIDE)
    top = MARGIN + 62 + 18 * len(network_lines(scene))
    places = card_boxes(scene.regions, top + high + GAP)
    width = WIDE.width + 2 * MARGIN
    height = max(box.bottom for box in places) + MARGIN
    body = "".join(
        [
            svg.element("style", svg_style()),
            svg.box(Box(0, 0, width, height), "paper", 0),
            *_head(scene),
            svg.element("g", chart, transform=f"translate({svg.number(MARGIN)},{svg.number(top)})"),
            *(cards.draw(region, box) for region, box in zip(scene.regions, places, strict=True)),
        ]
    )
    return (
        svg.document(
            width, height, headline(scene), map_.describe(scene), body, xmlns="http://www.w3.org/2000/svg"
        ).replace("><", ">\n<")
        + "\n"
    )


def card_boxes(regions: Sequence[Region], top: float) -> list[Box]:
    """Three in a row, and all of a row as high as its highest."""
    made: list[Box] = []
    for first in range(0, len(regions), COLUMNS):
        row = regions[first : first + COLUMNS]
        high = max(map(cards.height, row))
        made += [Box(MARGIN + place * (cards.WIDTH + GAP), top, cards.WIDTH, high) for place in range(len(row))]
        top += high + GAP
    return made


def _head(scene: Scene) -> Iterator[str]:
    y = MARGIN + 22
    yield svg.text(MARGIN, y, headline(scene), "ink bold", 22)
    yield svg.text(MARGIN, y + 24, subtitle(scene), f"text-{scene.verdict}" if scene.verdict else "muted", 14)
    for place, line in enumerate(network_lines(scene), 1):
        yield svg.text(MARGIN, y + 24 + 18 * place, line, "muted", 13)
