"""What holds for the drawing of every plan: nothing lies upon anything else, and all of it is in the picture."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.plan import plan
from tests.property.configs import configs
from topology import cards
from topology.geometry import Box
from topology.map_layout import MEDIUM, NARROW, WIDE, Form, layout
from topology.model import Scene
from topology.picture import card_boxes
from topology.places import Place, known
from topology.scene import scene

PLACES = st.one_of(
    st.sampled_from(sorted(known().values(), key=str)),
    st.builds(Place, st.just(""), st.floats(-85, 85), st.floats(-180, 180)),
)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Of any plan, with each region anywhere or nowhere; some of up to 40 regions that are where others are."""
    topology = plan(draw(configs(most=9)))[1].to_json()
    regions = topology["regions"]
    if draw(st.booleans()):
        copies = draw(st.integers(1, 40))
        again: list[dict[str, Any]] = [{**regions[n % len(regions)], "name": f"copy-{n}"} for n in range(copies)]
        topology = {**topology, "regions": [*regions, *again]}
    places = {region["name"]: draw(PLACES) for region in topology["regions"] if draw(st.booleans())}
    return scene(topology, places=places)


@pytest.mark.parametrize("form", [WIDE, MEDIUM, NARROW], ids=lambda form: form.name)
@given(drawn=scenes())
def test_no_marker_or_name_lies_upon_another(form: Form, drawn: Scene) -> None:
    arranged = layout(drawn, form)
    boxes = [marker.box for marker in arranged.markers]
    boxes += [marker.label for marker in arranged.markers if marker.label is not None]
    apart(boxes, Box(0, 0, form.width, arranged.height))
    assert {marker.name for marker in arranged.markers} == {region.name for region in drawn.regions}


@given(drawn=scenes())
def test_no_card_or_row_of_one_lies_upon_another(drawn: Scene) -> None:
    places = card_boxes(drawn.regions, 0)
    apart(places, Box(0, 0, WIDE.width + 48, max(box.bottom for box in places)))
    for region, place in zip(drawn.regions, places, strict=True):
        apart(cards.boxes(region, place), place)


def apart(boxes: list[Box], frame: Box) -> None:
    """None overlaps another, and all are in the frame."""
    assert [box for box in boxes if not box.inside(frame)] == []
    assert [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])] == []
