"""A region as a card of SVG: rows of fixed heights, so that where each is can be said beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.plan.defaults import SQL_PORT

from . import svg
from .geometry import Box, shortened, text_width
from .map import marker
from .model import PLATFORMS, Balancer, Forward, Region, listing

WIDTH = 376.0
PAD = 16.0
LINE = 20.0
SHOWN_FORWARDS = 4
SHOWN_ADDRESSES = 3
MOST_DOTS = 10
"""Nodes of a zone that are drawn one by one; more are counted."""

KINDS = {
    "sql": "SQL load balancer",
    "dns": "DNS load balancer",
    "node": "load balancer per node",
    "join": "join load balancer",
    "proxy": "proxies",
    "gateway": "gateway",
}
"""The plan's kinds of load balancers, in words."""


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a card: how high it is, and what draws it into its box."""

    height: float
    draw: Callable[[Box], str]


def rows(region: Region) -> list[Row]:
    """All of a card, from the top."""
    return [
        _heading(region),
        *_facts(region),
        *([_zones(region)] if region.nodes else []),
        *([_note(f"down: {listing(down(region))}")] if down(region) else []),
        *(_balancers(region)),
        *(_forwards(region)),
    ]


def height(region: Region) -> float:
    """Of a card."""
    return 2 * PAD + sum(row.height for row in rows(region))


def boxes(region: Region, at: Box) -> list[Box]:
    """Where the rows of a card at `at` are."""
    top, made = at.y + PAD, []
    for row in rows(region):
        made.append(Box(at.x + PAD, top, at.width - 2 * PAD, row.height))
        top += row.height
    return made


def draw(region: Region, at: Box) -> str:
    """The card in its box, which may be higher than it needs."""
    content = "".join(row.draw(place) for row, place in zip(rows(region), boxes(region, at), strict=True))
    return svg.element("g", svg.box(at, "surface") + content)


def status(region: Region) -> str:
    """Of a region in a word or two."""
    if not region.running:
        return region.state
    words = [region.health] if region.health else []
    if region.state != "active" or not words:
        words.append(region.state)
    return ", ".join(words)


def where(region: Region) -> str:
    """Platform and town."""
    town = region.place.town if region.place else ""
    return " · ".join(filter(None, (PLATFORMS.get(region.platform, region.platform), town)))


def kind(balancer: Balancer) -> str:
    """What a load balancer is for."""
    return KINDS.get(balancer.kind, balancer.kind)


def balancer_groups(region: Region) -> dict[str, list[str]]:
    """Kind in words -> all addresses of the load balancers of that kind."""
    groups: dict[str, list[str]] = {}
    for balancer in region.balancers:
        port = f":{SQL_PORT}" if balancer.kind == "sql" else ""
        groups.setdefault(kind(balancer), []).extend(f"{address}{port}" for address in balancer.addresses)
    return groups


def down(region: Region) -> list[str]:
    """Names of the nodes that verify found down."""
    return [node.name for node in region.nodes if node.down]


def reach(region: Region) -> str:
    """How many of the others it talks with, if that was measured."""
    return f"reaches {region.reaches[0]} of {region.reaches[1]} others" if region.reaches else ""


def _heading(region: Region) -> Row:
    def drawn(at: Box) -> str:
        word = status(region)
        size = text_width(word, 13, bold=True)
        health = region.health or "plain"
        far = reach(region)
        name = shortened(region.name, at.width - size - 46, 17, bold=True)
        return (
            marker(at.x + 11, at.y + 11, region)
            + svg.text(at.x + 32, at.y + 17, name, "ink bold", 17)
            + svg.text(at.right, at.y + 16, word, f"text-{health} bold" if region.running else "muted", 13, "end")
            + svg.text(at.x, at.y + 42, shortened(where(region), at.width - text_width(far, 13) - 10, 13), "muted")
            + (svg.text(at.right, at.y + 42, far, _reach_class(region), 13, "end") if far else "")
        )

    return Row(52, drawn)


def _reach_class(region: Region) -> str:
    if region.reaches is None or region.reaches[0] == region.reaches[1]:
        return "muted"
    return "text-red" if region.health == "red" else "text-degraded"


def _facts(region: Region) -> Iterator[Row]:
    for name, value in ranges(region):
        yield _fact(name, value)


def ranges(region: Region) -> Iterator[tuple[str, str]]:
    """The region's range, the network that it's in, and what is cut from it."""
    yield "range", region.cidr
    if region.network:
        yield "VPC", region.network
    if region.pod_cidr == region.node_cidr:
        yield "nodes, pods", region.pod_cidr
    else:
        yield "nodes", region.node_cidr
        yield "pods", region.pod_cidr
    yield "services", region.service_cidr


def _fact(name: str, value: str) -> Row:
    def drawn(at: Box) -> str:
        left = at.x + 92
        shown = shortened(value, at.right - left, 13)
        return svg.text(at.x, at.y + 14, name, "muted") + svg.text(left, at.y + 14, shown)

    return Row(LINE, drawn)


def _note(words: str) -> Row:
    return Row(LINE, lambda at: svg.text(at.x, at.y + 14, shortened(words, at.width, 13, bold=True), "text-red bold"))


def _zones(region: Region) -> Row:
    """A box for each zone with a dot for each node; without zones, one for all."""
    zones = [(zone.name, zone.nodes) for zone in region.zones] or [("zones as the nodes say", len(region.nodes))]
    columns = min(len(zones), 3)
    lines = -(-len(zones) // columns)
    per_zone = max(count for _, count in zones)
    dots = 2 if per_zone > MOST_DOTS // 2 else 1
    high = 30 + 16 * dots

    def drawn(at: Box) -> str:
        made = []
        wide = (at.width - 8 * (columns - 1)) / columns
        for index, (name, count) in enumerate(zones):
            cell = Box(at.x + (index % columns) * (wide + 8), at.y + 8 + (index // columns) * (high + 8), wide, high)
            made.append(svg.box(cell, "surface", 6))
            made.append(
                svg.text(cell.x + 8, cell.y + 17, shortened(name, wide - 16, 11.5, keep_end=True), "muted", 11.5)
            )
            made.append(_dots(region, cell, count, int((wide - 16) // 15)))
        return "".join(made)

    return Row(8 + lines * (high + 8), drawn)


def _dots(region: Region, cell: Box, count: int, across: int) -> str:
    if count > min(MOST_DOTS, 2 * across):
        return svg.text(cell.x + 8, cell.y + 36, f"{count} nodes", "ink bold", 13)
    return "".join(
        svg.element(
            "circle",
            cx=cell.x + 14 + (place % across) * 15,
            cy=cell.y + 32 + (place // across) * 16,
            r=5,
            class_=f"fill-{region.health or 'plain'}",
        )
        for place in range(count)
    )


def _balancers(region: Region) -> Iterator[Row]:
    for words, addresses in balancer_groups(region).items():
        for place, address in enumerate(addresses[:SHOWN_ADDRESSES]):
            yield _pair(words if place == 0 else "", address)
        if len(addresses) > SHOWN_ADDRESSES:
            yield _pair("", f"and {len(addresses) - SHOWN_ADDRESSES} more")


def _forwards(region: Region) -> Iterator[Row]:
    if not region.forwards:
        return
    yield Row(30, lambda at: svg.text(at.x, at.y + 22, "DNS forwards", "muted"))
    for forward in region.forwards[:SHOWN_FORWARDS]:
        yield _forward(forward)
    more = len(region.forwards) - SHOWN_FORWARDS
    if more > 0:
        yield Row(LINE, lambda at: svg.text(at.x, at.y + 14, f"and {more} more zones", "muted"))


def _forward(forward: Forward) -> Row:
    first, *others = forward.addresses or ("nobody",)
    return _pair(forward.zone, f"→ {first}{f' +{len(others)}' if others else ''}", "ink")


def _pair(left: str, right: str, classes: str = "muted") -> Row:
    """Two texts at the ends of a line; the left one gives way."""

    def drawn(at: Box) -> str:
        value = shortened(right, at.width * 0.75, 13)
        room = at.width - text_width(value, 13) - 10
        return svg.text(at.x, at.y + 14, shortened(left, room, 13), classes) + svg.text(
            at.right, at.y + 14, value, "ink", 13, "end"
        )

    return Row(LINE, drawn)
