"""Where each region's marker and name go: as near as can be to where it is, and none upon another. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .geometry import Box, text_width

RADIUS = 10.5
GAP = 3.0
"""Pixels between a marker and what is beside it."""
APART = 7.0
"""Pixels between a name and the markers that it is not of."""
LABEL_HEIGHT = 15.0


Lines = Callable[[Sequence[tuple[float, float]]], Iterable[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Point:
    """A region to be placed: what its marker stands for, what it is called, where it truly is."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Marker:
    """A placed one: a circle around (x, y). `label` None: there is no room for the name."""

    name: str
    x: float
    y: float
    true: tuple[float, float]
    label: Box | None

    @property
    def box(self) -> Box:
        return Box(self.x - RADIUS, self.y - RADIUS, 2 * RADIUS, 2 * RADIUS)

    @property
    def moved(self) -> bool:
        """Whether it isn't where the region is."""
        return math.dist((self.x, self.y), self.true) > 1


def placed(points: Sequence[Point], frame: Box, size: float, lines: Lines = lambda _: ()) -> list[Marker]:
    """Markers in the order of `points`, with names of font size `size` where there is room beside them.

    `lines`: of placed markers' middles, the points of what is drawn between them, which names stay off if they can.
    Raises ValueError where the frame can't hold so many.
    """
    spots: list[tuple[float, float]] = []
    boxes: list[Box] = []
    for point in points:
        spot = next(
            (
                at
                for at in _around(point.x, point.y, frame)
                if _circle(at).inside(frame) and not any(_circle(at).overlaps(box, GAP) for box in boxes)
            ),
            None,
        )
        if spot is None:
            raise ValueError(f"{len(points)} markers do not fit into {frame.width:g} by {frame.height:g}")
        spots.append(spot)
        boxes.append(_circle(spot))
    drawn = list(lines(spots))
    labels: dict[int, Box] = {}
    for index, point in enumerate(points):
        width = text_width(point.name, size, bold=True)
        for label in sorted(_beside(spots[index], width), key=lambda box: sum(box.holds(x, y) for x, y in drawn)):
            others = (box for place, box in enumerate(boxes) if place != index)
            near = any(label.overlaps(box, APART) for box in others) or any(
                label.overlaps(box, GAP) for box in labels.values()
            )
            if label.inside(frame) and not near:
                labels[index] = label
                break
    return [
        Marker(point.name, *spots[index], (point.x, point.y), labels.get(index)) for index, point in enumerate(points)
    ]


def _circle(at: tuple[float, float]) -> Box:
    return Box(at[0] - RADIUS, at[1] - RADIUS, 2 * RADIUS, 2 * RADIUS)


def _around(x: float, y: float, frame: Box) -> Iterator[tuple[float, float]]:
    """The point itself, then on wider and wider rings around it until all of the frame has been tried."""
    yield x, y
    step = RADIUS + GAP
    for ring in range(1, int(math.hypot(frame.width, frame.height) / step) + 2):
        count = 6 * ring
        for part in range(count):
            angle = 2 * math.pi * part / count
            yield x + ring * step * math.cos(angle), y + ring * step * math.sin(angle)


def _beside(at: tuple[float, float], width: float) -> Iterator[Box]:
    """To the right, to the left, above, below, and at the corners."""
    x, y = at
    near, half = RADIUS + GAP + 1, LABEL_HEIGHT / 2
    for left, top in (
        (x + near, y - half),
        (x - near - width, y - half),
        (x - width / 2, y - near - LABEL_HEIGHT),
        (x - width / 2, y + near),
        (x + RADIUS + 1, y - LABEL_HEIGHT - 3),
        (x + RADIUS + 1, y + 3),
        (x - RADIUS - 1 - width, y - LABEL_HEIGHT - 3),
        (x - RADIUS - 1 - width, y + 3),
    ):
        yield Box(left, top, width, LABEL_HEIGHT)
