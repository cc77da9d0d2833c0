"""From degrees to pixels: equirectangular, true to scale at the middle latitude of what is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .geometry import Box
from .places import Place

CONTEXT = (12.0, 8.0)
"""Degrees of longitude and latitude around the places that are shown at least: coastlines to know a place by."""
MOST_STRETCH = 0.35
"""Least cosine of the middle latitude: nearer to the poles shapes are squeezed."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A window onto the Earth, whose middle is in the middle of `frame`."""

    frame: Box
    longitude: float
    latitude: float
    per_degree: float
    """Pixels to a degree of latitude."""
    squeeze: float
    """Pixels to a degree of longitude, in those."""

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        """The pixel of a place, the nearest way round from the middle."""
        east = (longitude - self.longitude + 540) % 360 - 180
        return self.flat(self.longitude + east, latitude)

    def flat(self, longitude: float, latitude: float) -> tuple[float, float]:
        """The pixel of a point whose longitude may be beyond ±180: a coastline goes on where it was."""
        return (
            self.frame.x + self.frame.width / 2 + (longitude - self.longitude) * self.per_degree * self.squeeze,
            self.frame.y + self.frame.height / 2 - (latitude - self.latitude) * self.per_degree,
        )

    @property
    def spans(self) -> tuple[float, float]:
        """Degrees of longitude and of latitude that the frame shows."""
        return self.frame.width / (self.per_degree * self.squeeze), self.frame.height / self.per_degree


def fit(places: Sequence[Place], frame: Box, margin: tuple[float, float]) -> Projection:
    """The nearest view of all `places` that leaves `margin` pixels free at the sides, and above and below."""
    west, span = _narrowest(place.longitude for place in places)
    south, north = min(p.latitude for p in places), max(p.latitude for p in places)
    middle = (south + north) / 2
    squeeze = max(math.cos(math.radians(middle)), MOST_STRETCH)
    across = max(frame.width - 2 * margin[0], frame.width / 4)
    down = max(frame.height - 2 * margin[1], frame.height / 4)
    per_degree = min(
        across / squeeze / max(span, 0.1),
        down / max(north - south, 0.1),
        frame.width / squeeze / (span + 2 * CONTEXT[0]),
        frame.height / (north - south + 2 * CONTEXT[1]),
    )
    return Projection(frame, west + span / 2, middle, per_degree, squeeze)


def _narrowest(longitudes: Iterable[float]) -> tuple[float, float]:
    """Where the narrowest band that holds all begins, and how wide it is: the whole circle but its widest gap."""
    # Twice, for floats: what is just west of 0 would come out as 360.
    ordered = sorted({longitude % 360 % 360 for longitude in longitudes})
    gaps = [(after - before) % 360 or 360 for before, after in zip(ordered, [*ordered[1:], ordered[0]], strict=True)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    return ordered[(widest + 1) % len(ordered)], 360 - gaps[widest]
