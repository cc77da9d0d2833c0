"""The window onto the Earth that shows all places."""

import pytest

from topology.geometry import Box
from topology.places import Place
from topology.projection import fit

FRAME = Box(0, 0, 360, 240)


@pytest.mark.parametrize(
    "longitudes",
    [[0, 40], [0, 40, -1.8e-242], [170, -170], [-180, 180, 0], [12]],
    ids=["a pair", "a hair west of 0", "across the date line", "the date line from both sides", "one"],
)
def test_every_place_is_in_the_frame(longitudes: list[float]) -> None:
    earth = fit([Place("", 0, longitude) for longitude in longitudes], FRAME, (26, 30))
    for longitude in longitudes:
        x, y = earth.point(longitude, 0)
        assert 0 <= x <= FRAME.width
        assert 0 <= y <= FRAME.height
