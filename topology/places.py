"""Where on Earth a region is: by the name of a cloud's region, or as the user says.

`places.json` has the regions of Google Cloud (its documentation, «Regions and zones»), AWS («AWS Regions») and Azure
(«List of Azure regions»), each with its town or one near it, to a tenth of a degree or so: enough to draw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ZONE_ENDINGS = (r"(?<=\d)[a-z]$", r"-[a-z0-9]+$")
"""What a zone's name has after its region's: us-east-1a on AWS, us-east1-b on Google Cloud, westeurope-1 on Azure."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map, in degrees: latitude north, longitude east."""

    town: str
    latitude: float
    longitude: float


@cache
def known() -> Mapping[str, Place]:
    """The clouds' regions by name."""
    table = json.loads((Path(__file__).parent / "places.json").read_text(encoding="utf-8"))
    return {name: Place(*entry) for name, entry in table.items()}


def place_of(name: str, zones: Sequence[str], given: Mapping[str, Place]) -> Place | None:
    """The place of the region called `name`: as given, else of the cloud's region that its zones or its name say.

    None where neither is a cloud's region.
    """
    if name in given:
        return given[name]
    of_zones = [re.sub(ending, "", zone) for zone in zones for ending in ZONE_ENDINGS]
    return next((known()[each] for each in (*of_zones, name) if each in known()), None)


def given_place(text: str) -> tuple[str, Place]:
    """`NAME=LATITUDE,LONGITUDE` in degrees. Raises ValueError."""
    found = re.fullmatch(r"([a-z0-9-]+)=(-?[0-9.]+),(-?[0-9.]+)", text)
    if not found:
        raise ValueError(f"{text}: use NAME=LATITUDE,LONGITUDE in degrees, such as dc-1=50.1,8.7")
    name, latitude, longitude = found[1], float(found[2]), float(found[3])
    if abs(latitude) > 85 or abs(longitude) > 180:
        raise ValueError(f"{text}: latitudes are from -85 to 85 degrees, longitudes from -180 to 180")
    return name, Place("", latitude, longitude)
