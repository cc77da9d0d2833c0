"""Coastlines: Natural Earth's land at 1:50 million (public domain), as world-atlas 2.0.2 packages it (ISC licence).

`land.json` is made by mapshaper 0.6.113 from world-atlas' `land-50m.json`:

    mapshaper land-50m.json -simplify weighted 10% keep-shapes -filter-islands min-area=3000km2 remove-empty \
        -filter-fields -o precision=0.1 format=geojson land.json
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

Ring = Sequence[tuple[float, float]]


@cache
def rings() -> tuple[Ring, ...]:
    """Closed lines of (longitude, latitude) in degrees; holes (the Caspian Sea) among them, for fill-rule evenodd.

    A line that crosses the 180th meridian goes on beyond ±180.
    """
    document = json.loads((Path(__file__).parent / "land.json").read_text(encoding="utf-8"))
    return tuple(
        _unrolled(ring)
        for geometry in document["geometries"]
        for polygon in ([geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"])
        for ring in polygon
    )


def _unrolled(ring: Sequence[Sequence[float]]) -> Ring:
    turn, before, points = 0, ring[0][0], []
    for longitude, latitude in ring:
        turn -= 360 * round((longitude - before) / 360)
        before = longitude
        points.append((longitude + turn, latitude))
    middle = sum(longitude for longitude, _ in points) / len(points)
    back = 360 * round(middle / 360)
    return tuple((longitude - back, latitude) for longitude, latitude in points)
