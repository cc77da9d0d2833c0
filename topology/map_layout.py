"""What of the map goes where: regions with a place on it, the others in rows below. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .geometry import Box, text_width
from .markers import GAP, RADIUS, Marker, Point, placed
from .model import Region, Scene
from .projection import Projection, fit

ROW = 34.0
MANY_PAIRS = 30
"""With more of them, names cannot stay off the lines, and healthy pairs are only hinted at."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the map is drawn for: a wide screen, a medium or a narrow one. Pixels."""

    name: str
    width: float
    least: float
    """Height, of what is shown of the Earth."""
    most: float
    margin: tuple[float, float]
    font: float
    hint: float
    """Opacity of healthy pairs, where there are many."""
    names: int
    """Regions on the map up to which they have their names there; with more, their numbers have to do."""
    hover: bool
    """Whether pairs say on hover what they are."""


WIDE = Form("wide", 1160, 400, 520, (96, 50), 14, 0.3, 60, True)
MEDIUM = Form("medium", 720, 300, 420, (70, 40), 13, 0.2, 30, False)
NARROW = Form("narrow", 360, 240, 340, (26, 30), 12, 0.14, 12, False)


@dataclass(frozen=True, slots=True)
class MapLayout:
    """The map's parts. `earth` None: no region has a place."""

    form: Form
    earth: Projection | None
    caption: tuple[float, float] | None
    """Where the words before regions without a place begin."""
    markers: tuple[Marker, ...]
    height: float

    def marker(self, name: str) -> Marker:
        """The marker of a region. Raises StopIteration."""
        return next(marker for marker in self.markers if marker.name == name)


def layout(scene: Scene, form: Form) -> MapLayout:
    """Of a scene's map in one form."""
    there = [region for region in scene.regions if region.place is not None]
    markers: list[Marker] = []
    earth, bottom = None, 0.0
    if there:
        places = [region.place for region in there if region.place is not None]
        tall = Box(0, 0, form.width, form.most)
        first = fit(places, tall, form.margin)
        extent = (max(p.latitude for p in places) - min(p.latitude for p in places)) * first.per_degree
        room = len(there) * (2 * (RADIUS + GAP)) ** 2 * 4 / form.width
        frame = Box(0, 0, form.width, min(form.most, max(extent + 2 * form.margin[1], form.least)))
        frame = Box(0, 0, form.width, max(frame.height, room))
        earth = fit(places, frame, form.margin)
        points = [
            Point(region.name, *earth.point(place.longitude, place.latitude))
            for region, place in zip(there, places, strict=True)
        ]
        inner = Box(GAP, GAP, frame.width - 2 * GAP, frame.height - 2 * GAP)
        ordinals = {region.name: place for place, region in enumerate(there)}
        joined = [
            (ordinals[pair.one], ordinals[pair.other])
            for pair in scene.pairs
            if pair.one in ordinals and pair.other in ordinals
        ]
        names = len(there) <= form.names
        few = joined if len(joined) <= MANY_PAIRS else []
        made = placed(points, inner, form.font, lambda spots: _drawn(spots, few))
        markers += made if names else [replace(each, label=None) for each in made]
        bottom = frame.height
    elsewhere = [region for region in scene.regions if region.place is None]
    caption = None
    if elsewhere:
        caption = (12.0, bottom + 24)
        rows = _rows(elsewhere, form, bottom + 34)
        markers += rows
        bottom = max(marker.box.bottom for marker in rows) + 12
    return MapLayout(form, earth, caption, tuple(markers), bottom)


def bend(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The control point of the line between two regions: up, as the shortest way is on most maps."""
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2 - 0.16 * abs(other[0] - one[0])


def _drawn(spots: Sequence[tuple[float, float]], joined: Sequence[tuple[int, int]]) -> Iterator[tuple[float, float]]:
    """Points of the lines between them, close enough that none misses a name."""
    for one, other in joined:
        (x1, y1), (x2, y2) = spots[one], spots[other]
        across, up = bend(spots[one], spots[other])
        steps = int(math.dist(spots[one], spots[other]) / 4) + 1
        for step in range(steps + 1):
            t = step / steps
            yield (
                (1 - t) ** 2 * x1 + 2 * t * (1 - t) * across + t * t * x2,
                (1 - t) ** 2 * y1 + 2 * t * (1 - t) * up + t * t * y2,
            )


def _rows(regions: list[Region], form: Form, top: float) -> list[Marker]:
    """Cells as wide as the longest name, and at most as wide as the map."""
    longest = max(text_width(region.name, form.font, bold=True) for region in regions)
    cell = min(2 * RADIUS + longest + 30, form.width)
    columns = max(int(form.width // cell), 1)
    made = []
    for place, region in enumerate(regions):
        x = 12 + (place % columns) * (form.width - 24) / columns + RADIUS
        y = top + (place // columns) * ROW + RADIUS + 4
        left = x + RADIUS + GAP + 1
        width = min(text_width(region.name, form.font, bold=True), form.width - left)
        made.append(Marker(region.name, x, y, (x, y), Box(left, y - 7.5, width, 15)))
    return made
