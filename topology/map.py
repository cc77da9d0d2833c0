"""The map as SVG: land, the regions' markers, a line for each pair of regions that call each other, a legend."""

from __future__ import annotations

from collections.abc import Iterator

from . import svg
from .geometry import Box, shortened, text_width
from .land import rings
from .map_layout import MANY_PAIRS, Form, MapLayout, bend, layout
from .markers import RADIUS
from .model import LINKS, SAME_NETWORK, Finding, Pair, Region, Scene
from .projection import Projection

DASHES = {"peering": "8 4", "transit-gateway": "12 4 2 4", "vpn": "1.5 5"}
"""How a pair's line is drawn, by what joins the two; solid for networks that were there, broad for one VPC."""
MARKED = 14
"""Faulty pairs that get a sign of their own; with more of them the colour and the width have to do."""
SIGNS = {
    "red": "M-3.5,-3.5L3.5,3.5M3.5,-3.5L-3.5,3.5",
    "degraded": "M0,-4.5V1M0,3.5V4.5",
    "unknown": "M-2.5,-2C-2.5,-5 2.5,-5 2.5,-2C2.5,0 0,0 0,2M0,3.8V4.6",
}
SOUTH_POLE = -60.0
"""Latitude below which land is left out: no cloud has a region there."""


def draw(scene: Scene, form: Form) -> str:
    """The map in one form, as an image of its own."""
    content, height = parts(scene, form)
    name = f"Map of {len(scene.regions)} regions"
    return svg.document(form.width, height, name, describe(scene), content, class_=f"map {form.name}")


def parts(scene: Scene, form: Form) -> tuple[str, float]:
    """What the map is made of, and how high it is, its legend included."""
    arranged = layout(scene, form)
    legend, height = _legend(scene, form, arranged.height + 8)
    body = [*_earth(arranged.earth, form), *_pairs(scene, arranged), *_rest(arranged), *_markers(scene, arranged)]
    return "".join([*body, *legend]), height


def describe(scene: Scene) -> str:
    """The map in words."""
    parts = [f"{region.number} {region.name}: {region.health or region.state}" for region in scene.regions]
    faulty = [f"{pair.one} and {pair.other}: {pair.health}" for pair in scene.pairs if _faulty(pair)]
    return "; ".join(parts) + (f". Pairs that are not green: {'; '.join(faulty)}" if faulty else "")


def _faulty(pair: Pair) -> bool:
    return pair.health not in (None, "green")


def _earth(earth: Projection | None, form: Form) -> Iterator[str]:
    if earth is None:
        return
    frame, name = earth.frame, f"frame-{form.name}"
    yield svg.element("clipPath", svg.box(frame, ""), id=name)
    yield svg.box(frame, "sea")
    across, down = earth.spans
    step = 5 if down < 40 else 15 if down < 90 else 30
    path = []
    for degrees in range(-180 * 2, 180 * 2 + 1, step):
        if abs(degrees - earth.longitude) <= across / 2:
            path.append(f"M{svg.number(earth.flat(degrees, 0)[0])},0V{svg.number(frame.height)}")
    for degrees in range(-90, 91, step):
        if abs(degrees - earth.latitude) <= down / 2:
            path.append(f"M0,{svg.number(earth.flat(0, degrees)[1])}H{svg.number(frame.width)}")
    clip = f"url(#{name})"
    yield svg.element("path", d="".join(path), class_="grid", clip_path=clip)
    yield svg.element("path", d="".join(_coasts(earth)), class_="land", clip_path=clip)


def _coasts(earth: Projection) -> Iterator[str]:
    """The land that is in the frame, once for every turn of the Earth that is; to the pixel."""
    for ring in rings():
        if max(latitude for _, latitude in ring) < SOUTH_POLE:
            continue
        for turn in (-360, 0, 360):
            points: list[tuple[int, int]] = []
            for longitude, latitude in ring:
                x, y = earth.flat(longitude + turn, latitude)
                if not points or points[-1] != (round(x), round(y)):
                    points.append((round(x), round(y)))
            xs, ys = [x for x, _ in points], [y for _, y in points]
            seen = (
                max(xs) > earth.frame.x
                and min(xs) < earth.frame.right
                and max(ys) > earth.frame.y
                and min(ys) < earth.frame.bottom
            )
            if seen and len(points) > 2:
                yield "M" + "L".join(f"{x},{y}" for x, y in points) + "Z"


def _rest(arranged: MapLayout) -> Iterator[str]:
    if arranged.caption is not None:
        words = "not at a place that is known here" if arranged.earth is None else "not on the map"
        yield svg.text(*arranged.caption, words, "muted rim", arranged.form.font - 1)


def _pairs(scene: Scene, arranged: MapLayout) -> Iterator[str]:
    """Healthy pairs first, so that none is drawn over a faulty one."""
    order = {"green": 0, None: 0, "unknown": 1, "degraded": 2, "red": 3}
    many = len(scene.pairs) > MANY_PAIRS
    faulty = sum(map(_faulty, scene.pairs))
    signs = []
    for pair in sorted(scene.pairs, key=lambda each: order[each.health]):
        one, other = arranged.marker(pair.one), arranged.marker(pair.other)
        off_the_map = any(scene.region(name).place is None for name in (pair.one, pair.other))
        if many and not _faulty(pair) and off_the_map and arranged.earth:
            continue
        control = bend((one.x, one.y), (other.x, other.y))
        path = f"M{_at(one.x, one.y)}Q{_at(*control)} {_at(other.x, other.y)}"
        line = _line(
            path,
            pair.link,
            pair.health,
            _width(pair, many),
            (arranged.form.hint if many and not _faulty(pair) else None),
        )
        hover = ""
        if arranged.form.hover:
            hover = svg.element("path", svg.title(pair_words(scene, pair)), d=path, class_="hover")
        yield svg.element("g", line + hover)
        if _faulty(pair) and faulty <= MARKED:
            middle = ((one.x + 2 * control[0] + other.x) / 4, (one.y + 2 * control[1] + other.y) / 4)
            signs.append(_sign(*middle, pair.health or ""))
    yield from signs


def _width(pair: Pair, many: bool) -> float:
    """Of a pair's line: the more, the thinner, but for those that need a look."""
    if many:
        return {"red": 2.2, "degraded": 1.2, "unknown": 1.2}.get(pair.health or "", 0.8)
    return 2.4 if _faulty(pair) else 1.8


def _line(path: str, link: str | None, health: str | None, width: float, opacity: float | None = None) -> str:
    return svg.element(
        "path",
        d=path,
        class_=f"pair line-{health}" if health else "pair",
        stroke_width=width * (1.8 if link == SAME_NETWORK else 1),
        stroke_dasharray=DASHES.get(link or ""),
        stroke_linecap="round" if link == "vpn" else None,
        opacity=opacity,
    )


def pair_words(scene: Scene, pair: Pair) -> str:
    """What a pair's line says on hover: what joins it, its health, and why."""
    found = [each for each in scene.findings if _about(each, pair)]
    why = "".join(f"\n{each.severity}, {each.layer}, {each.where}: {each.symptom}" for each in found[:4])
    return f"{pair.one} and {pair.other}: {link_words(pair.link)}, {pair.health or 'not verified'}{why}"


def link_words(link: str | None) -> str:
    """What joins two regions, in words."""
    if link is None:
        return "existing network"
    return LINKS.get(link, link)


def _about(found: Finding, pair: Pair) -> bool:
    ends = {pair.one, pair.other, None}
    return any(source in ends and target in ends and (source or target) for source, target in found.regions)


def _sign(x: float, y: float, health: str) -> str:
    circle = svg.element("circle", r=8, class_=f"hollow-{health}", stroke_width=1.6)
    stroke = svg.element(
        "path", d=SIGNS[health], class_=f"grid line-{health}", stroke_width=1.8, stroke_linecap="round"
    )
    return svg.element("g", circle + stroke, transform=f"translate({_at(x, y)})")


def _markers(scene: Scene, arranged: MapLayout) -> Iterator[str]:
    for region in scene.regions:
        at = arranged.marker(region.name)
        if at.moved:
            yield svg.element("path", d=f"M{_at(*at.true)}L{_at(at.x, at.y)}", class_="leader", stroke_width=1.0)
            yield svg.element("circle", cx=at.true[0], cy=at.true[1], r=2, class_="muted")
    for region in scene.regions:
        at = arranged.marker(region.name)
        label = ""
        if at.label is not None:
            size = arranged.form.font
            words = shortened(region.name, at.label.width + 1, size, bold=True)
            baseline = at.label.y + at.label.height - 3.5
            label = svg.text(at.label.x, baseline, words, "ink bold halo", size)
        yield svg.element("g", svg.title(region_words(region)) + marker(at.x, at.y, region) + label, class_="region")


def region_words(region: Region) -> str:
    """What a region's marker says on hover."""
    town = f", {region.place.town}" if region.place and region.place.town else ""
    reach = f", reaches {region.reaches[0]} of {region.reaches[1]} others" if region.reaches else ""
    return f"{region.number} {region.name}{town}: {region.health or region.state}{reach}, {len(region.nodes)} nodes"


def marker(x: float, y: float, region: Region) -> str:
    """A region's sign: round if it is well or was not verified, square if it is red, with a ring if degraded."""
    if not region.running:
        shape = svg.element("circle", cx=x, cy=y, r=RADIUS - 1, class_="gone", stroke_dasharray="3 2")
        return shape + svg.text(x, y + 4, str(region.number), "muted bold", 11, "middle")
    health = region.health or "plain"
    if health == "red":
        shape = svg.box(Box(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS), "fill-red", 4)
    elif health in ("degraded", "unknown"):
        shape = svg.element("circle", cx=x, cy=y, r=RADIUS - 1, class_=f"hollow-{health}", stroke_width=2)
        shape += svg.element("circle", cx=x, cy=y, r=RADIUS - 3.5, class_=f"fill-{health}")
    else:
        shape = svg.element("circle", cx=x, cy=y, r=RADIUS, class_=f"fill-{health}")
    return shape + svg.text(x, y + 4, str(region.number), "on bold", 11, "middle")


def _legend(scene: Scene, form: Form, top: float) -> tuple[list[str], float]:
    """Only what is in the picture, in as many rows as it takes; and where it ends."""
    entries = [(_stroke(link, None), link_words(link)) for link in _links(scene)]
    entries += [(_stroke(None, health), f"pair {health}") for health in _healths(scene)]
    x, y, made = 12.0, top + 12, []
    for sample, words in entries:
        width = 38 + text_width(words, 12) + 16
        if x + width > form.width and x > 12:
            x, y = 12.0, y + 22
        made.append(svg.element("g", sample, transform=f"translate({_at(x, y)})"))
        made.append(svg.text(x + 38, y + 4, words, "muted", 12))
        x += width
    return made, (y + 14 if entries else top)


def _links(scene: Scene) -> list[str | None]:
    order = (SAME_NETWORK, "peering", "transit-gateway", "vpn", None)
    there = {pair.link for pair in scene.pairs}
    return [link for link in order if link in there]


def _healths(scene: Scene) -> list[str]:
    there = {pair.health for pair in scene.pairs}
    return [health for health in ("green", "degraded", "red", "unknown") if health in there]


def _stroke(link: str | None, health: str | None) -> str:
    line = _line("M0,0H30", link, health, 2.4 if health not in (None, "green") else 1.8)
    return line + (_sign(15, 0, health) if health in SIGNS else "")


def _at(x: float, y: float) -> str:
    return f"{svg.number(float(x))},{svg.number(float(y))}"
