"""`python -m stacks.picture Pulumi.STACK.yaml > docs/architecture.svg`: a stack's address plan as a drawing.

Left to right the regions that run; in each its nodes, its load balancers and its DNS, whose forwards lead to the other
regions' DNS load balancers. Every address in the picture is the plan's, so the picture cannot say what is not so.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

from components.plan import AddressPlan
from components.plan.defaults import HTTP_PORT, SQL_PORT
from components.plan.model import RegionPlan
from components.plan.rules import RUNNING

from .settings import from_stack_file

CARD, GAP, MARGIN = 330, 90, 30
"""Widths in pixels: of a region, between two, around all."""
ROW, PAD = 24, 14
TOP = 66
COLOURS = ("#1f6feb", "#b35900", "#1a7f37", "#8250df", "#bf3989", "#57606a")
SHOWN_NODES = 6
"""Nodes of a region that are drawn one by one; further ones are counted."""


def picture(plan: AddressPlan) -> str:
    """The drawing as an SVG document, the same for the same plan."""
    regions = [region for region in plan.regions if region.state in RUNNING]
    nodes = max(min(len(region.nodes), SHOWN_NODES) for region in regions)
    forwards = max(len(region.forwards) for region in regions)
    layout = _Layout(nodes, forwards, len(regions))
    body = [_title(plan, layout)]
    body += [_card(layout, index, region) for index, region in enumerate(regions)]
    body += [_wire(layout, regions, one, other) for one in range(len(regions)) for other in range(len(regions))]
    body.append(_mesh(layout, len(regions)))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.width} {layout.height}" '
            f'width="{layout.width}" height="{layout.height}" font-family="ui-sans-serif, system-ui, sans-serif" '
            'font-size="13" role="img" aria-label="Regions, their addresses and who asks whom">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *(line for line in body if line),
            "</svg>\n",
        ]
    )


class _Layout:
    """Where things are, in pixels. All regions have the same rows, so that they can be compared."""

    def __init__(self, nodes: int, forwards: int, regions: int) -> None:
        self.nodes_top = TOP + 62 + PAD
        self.sql_top = self.nodes_top + 26 + nodes * ROW + PAD
        self.dns_top = self.sql_top + 40 + PAD
        self.balancer_top = self.dns_top + 28 + max(forwards, 1) * ROW + PAD
        self.card_bottom = self.balancer_top + 40 + PAD
        self.lanes_top = self.card_bottom + 16
        lanes = max(0, regions * (regions - 1) - 2 * (regions - 1))
        self.mesh_top = self.lanes_top + lanes * 7 + 22
        self.height = self.mesh_top + 58
        self.width = 2 * MARGIN + regions * CARD + (regions - 1) * GAP

    def left(self, index: int) -> int:
        """The left edge of a region's card."""
        return MARGIN + index * (CARD + GAP)

    def forward_row(self, place: int) -> int:
        """The baseline of a forward in the DNS box."""
        return self.dns_top + 44 + place * ROW


def _title(plan: AddressPlan, layout: _Layout) -> str:
    text = f"strategy {plan.strategy}: one CockroachDB cluster, each region's DNS asks the others'"
    return _text(layout.width // 2, 36, text, size=17, weight=600, anchor="middle")


def _card(layout: _Layout, index: int, region: RegionPlan) -> str:
    left, colour = layout.left(index), COLOURS[index % len(COLOURS)]
    inner, width = left + PAD, CARD - 2 * PAD
    lines = [
        _box(left, TOP, CARD, layout.card_bottom - TOP, colour, fill="#f6f8fa", thick=2),
        _text(inner, TOP + 24, region.name, size=16, weight=700, fill=colour),
        _text(left + CARD - PAD, TOP + 24, str(region.state), anchor="end", fill="#57606a"),
        _text(inner, TOP + 44, f"{region.platform} · {region.cidr} · pods {region.pod_cidr}", size=12, fill="#57606a"),
        _text(inner, TOP + 60, f"zones {', '.join(region.zones) or 'as its nodes say'}", size=12, fill="#57606a"),
        _box(inner, layout.nodes_top, width, layout.sql_top - layout.nodes_top - PAD, "#8c959f"),
        _text(
            inner + 10,
            layout.nodes_top + 18,
            f"nodes, in namespace {region.namespace}",
            weight=600,
        ),
    ]
    for place, node in enumerate(region.nodes[:SHOWN_NODES]):
        more = len(region.nodes) - SHOWN_NODES if place == SHOWN_NODES - 1 else 0
        tail = f" and {more} more" if more > 0 else ""
        baseline = layout.nodes_top + 42 + place * ROW
        lines.append(f'<circle cx="{inner + 18}" cy="{baseline - 4}" r="6" fill="{colour}"/>')
        lines.append(_text(inner + 32, baseline, f"{node.name}{tail}"))
    lines += [
        _box(inner, layout.sql_top, width, 40, colour),
        _text(inner + 10, layout.sql_top + 25, f"SQL load balancer {region.sql_address}:{SQL_PORT}"),
        _box(inner, layout.dns_top, width, layout.balancer_top - layout.dns_top - PAD, "#8c959f"),
        _text(inner + 10, layout.dns_top + 19, "cluster DNS forwards", weight=600),
    ]
    for place, (zone, addresses) in enumerate(region.forwards.items()):
        lines.append(_text(inner + 10, layout.forward_row(place), f"{zone} → {', '.join(addresses)}", size=12))
    lines += [
        _box(inner, layout.balancer_top, width, 40, colour, fill="#ffffff", thick=2),
        _text(inner + 10, layout.balancer_top + 25, f"DNS load balancer {', '.join(region.dns_addresses)}", weight=600),
    ]
    return "\n".join(lines)


def _wire(layout: _Layout, regions: list[RegionPlan], one: int, other: int) -> str:
    """From a forward of region `one` to the DNS load balancer of region `other`, in the colour of who answers."""
    target = regions[other]
    zones = list(regions[one].forwards)
    if one == other or target.dns_zone not in zones:
        return ""
    right = other > one
    y = layout.forward_row(zones.index(target.dns_zone)) - 4
    x = layout.left(one) + (CARD - PAD if right else PAD)
    colour = COLOURS[other % len(COLOURS)]
    if abs(other - one) == 1:
        end = layout.left(other) + (PAD if right else CARD - PAD)
        bend = GAP * 0.8 if right else -GAP * 0.8
        end_y = layout.balancer_top + 20
        path = f"M {x} {y} C {x + bend:g} {y}, {end - bend:g} {end_y}, {end} {end_y}"
        tip = (end, end_y, 1 if right else -1, 0)
    else:
        lane = layout.lanes_top + 7 * _lane(len(regions), one, other)
        shift = PAD + 16 + 6 * zones.index(target.dns_zone)
        side = x + (shift if right else -shift)
        end = layout.left(other) + CARD // 2 + (-12 if right else 12) * abs(other - one)
        end_y = layout.balancer_top + 40
        path = f"M {x} {y} H {side} V {lane} H {end} V {end_y}"
        tip = (end, end_y, 0, -1)
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>\n{_arrow(*tip, colour)}'


def _lane(count: int, one: int, other: int) -> int:
    """A lane of its own below the cards for each pair that are no neighbours."""
    far = [(a, b) for a in range(count) for b in range(count) if abs(a - b) > 1]
    return far.index((one, other))


def _mesh(layout: _Layout, count: int) -> str:
    """What every pair of nodes does, said once instead of drawn many times."""
    width = layout.width - 2 * MARGIN
    words = "every node dials every other by its name in its region's zone"
    ports = (
        f"mutual TLS on {SQL_PORT} (SQL and RPC), TLS on {HTTP_PORT} (console, health), DNS by TCP and UDP; "
        "nothing else"
    )
    return "\n".join(
        [
            _box(MARGIN, layout.mesh_top, width, 44, "#8c959f", fill="#f6f8fa"),
            _text(layout.width // 2, layout.mesh_top + 19, f"routed network: {words}", weight=600, anchor="middle"),
            _text(layout.width // 2, layout.mesh_top + 36, ports, size=12, anchor="middle", fill="#57606a")
            if count > 1
            else "",
        ]
    )


def _box(x: int, y: int, width: int, height: int, stroke: str, fill: str = "#ffffff", thick: float = 1) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="{thick:g}"/>'
    )


def _arrow(x: float, y: float, dx: int, dy: int, colour: str) -> str:
    points = [(x, y), (x - 9 * dx - 4 * dy, y - 9 * dy - 4 * dx), (x - 9 * dx + 4 * dy, y - 9 * dy + 4 * dx)]
    return f'<polygon points="{" ".join(f"{a:g},{b:g}" for a, b in points)}" fill="{colour}"/>'


def _text(
    x: int, y: int, text: str, size: int = 13, weight: int = 400, anchor: str = "start", fill: str = "#1f2328"
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}">'
        f"{escape(text)}</text>"
    )


def main(arguments: list[str]) -> int:
    """Write the picture of a stack file to stdout; returns the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m stacks.picture Pulumi.STACK.yaml > docs/architecture.svg\n")
        return 2
    sys.stdout.write(picture(from_stack_file(Path(arguments[0]))[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
