"""The whole as one HTML page: nothing is fetched, no script runs, and it reads on a phone as on a wide screen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from . import cards
from .map import draw, link_words
from .map_layout import MEDIUM, NARROW, WIDE
from .model import SAME_NETWORK, Finding, Forward, Node, Region, Scene
from .theme import DARK, LIGHT, svg_style, variables
from .words import headline, network_lines, verdict_words

SIGNS = {"green": "✓", "degraded": "!", "red": "✕", "unknown": "?"}
"""A verdict's sign, for who can't tell its colour."""
ROOMY = 6
"""Regions up to which the matrix's columns have names."""
MANY = 9
"""Regions from which on their cards are folded."""
MOST_DOTS = 20
"""Nodes of a zone that are drawn one by one."""


def page(scene: Scene) -> str:
    """An HTML document, the same for the same scene."""
    style = (
        f":root{{{variables(LIGHT)}}}@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        f"{svg_style()}{(Path(__file__).parent / 'page.css').read_text(encoding='utf-8')}"
    )
    body = "\n".join([*_head(scene), *_health(scene), *_regions(scene), *_networks(scene), *_calls(scene)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escape(headline(scene))}</title>\n<style>\n{style}\n</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(scene: Scene) -> Iterator[str]:
    nodes = sum(len(region.nodes) for region in scene.regions)
    verdict = scene.verdict
    pill = f'<span class="pill {verdict}">{SIGNS[verdict]} {verdict}</span> ' if verdict else ""
    yield f"<h1>{escape(headline(scene))}</h1>"
    yield f'<p class="muted">strategy {escape(scene.strategy)} · {nodes} nodes</p>'
    yield f"<p>{pill}{escape(verdict_words(scene))}</p>"
    yield from (draw(scene, form) for form in (WIDE, MEDIUM, NARROW))


def _health(scene: Scene) -> Iterator[str]:
    if not scene.matrix:
        return
    names = list(scene.matrix)
    roomy = len(names) <= ROOMY
    yield '<h2 id="reach">Who reaches whom</h2>'
    yield '<p class="muted">From the region in a row, of the region in a column.</p>'
    heads = "".join(
        f'<th scope="col" title="{escape(name)}">{_number(scene.region(name))}'
        f"{f' <span>{escape(name)}</span>' if roomy else ''}</th>"
        for name in names
    )
    rows = "\n".join(
        f'<tr><th scope="row">{_number(scene.region(source))}{escape(source)}</th>'
        f"{''.join(_cell(scene, source, target) for target in names)}</tr>"
        for source in names
    )
    yield (
        f'<div class="scroll{" roomy" if roomy else ""}" tabindex="0" role="region" aria-labelledby="reach"><table>'
        f"<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )
    if scene.findings:
        yield "<h2>What verification found</h2>"
        yield f'<ul class="findings">{"".join(map(_finding, scene.findings))}</ul>'


def _cell(scene: Scene, source: str, target: str) -> str:
    word = scene.matrix[source][target]
    why = [
        f"{found.layer}: {found.symptom}"
        for found in scene.findings
        if any(seen in (None, source) and of in (None, target) and (seen or of) for seen, of in found.regions)
    ]
    words = escape("\n".join([f"{source} → {target}: {word}", *why[:4]]))
    return f'<td class="cell {word}" title="{words}"><span role="img" aria-label="{word}">{SIGNS[word]}</span></td>'


def _finding(found: Finding) -> str:
    return (
        f'<li class="{found.severity}"><span class="pill {found.severity}">{SIGNS[found.severity]} {found.severity}'
        f"</span> <strong>{escape(found.layer)}</strong> {escape(found.where)}"
        f"<p>{escape(found.subject)}: {_code(found.symptom)}</p>"
        f'<p class="muted">Likely fix: {_code(found.fix)}</p></li>'
    )


def _code(words: str) -> str:
    """What stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))


def _regions(scene: Scene) -> Iterator[str]:
    yield "<h2>Regions</h2>"
    many = len(scene.regions) > MANY
    yield f'<div class="cards">{"".join(_card(region, many) for region in scene.regions)}</div>'


def _card(region: Region, folded: bool) -> str:
    """`folded`: what a region has is shown when asked for, unless it needs a look."""
    down = cards.down(region)
    return "\n".join(
        [
            f'<article class="card"><header>{_number(region)}<h3>{escape(region.name)}</h3>{_pill(region)}</header>',
            f'<p class="muted">{escape(cards.where(region))}</p>',
            _reach(region),
            f'<p class="bad">down: {escape(", ".join(down))}</p>' if down else "",
            _zones(region),
            _facts(region, folded),
            _details(f"{len(region.nodes)} nodes", map(_node, region.nodes)) if region.nodes else "",
            _details(f"{len(region.forwards)} DNS forwards", map(_forward, region.forwards), few=3)
            if region.forwards
            else "",
            "</article>",
        ]
    )


def _facts(region: Region, folded: bool) -> str:
    facts = [*cards.ranges(region), ("namespace", region.namespace)]
    if region.private_zone:
        facts.append(("private zone", region.private_zone))
    groups = cards.balancer_groups(region)
    facts += [(words, "\n".join(found)) for words, found in groups.items() if len(found) <= cards.SHOWN_ADDRESSES]
    listed = f'<dl class="facts">{"".join(_fact(*fact) for fact in facts)}</dl>' + "".join(
        _details(f"{words}: {len(found)} addresses", map(_mono, found))
        for words, found in groups.items()
        if len(found) > cards.SHOWN_ADDRESSES
    )
    if not folded:
        return listed
    opened = " open" if region.health not in (None, "green") else ""
    return f"<details{opened}><summary>ranges and load balancers</summary>{listed}</details>"


def _pill(region: Region) -> str:
    if not region.running:
        return f'<span class="pill gone">{region.state}</span>'
    sign = f"{SIGNS[region.health]} " if region.health else ""
    return f'<span class="pill {region.health or ""}">{sign}{cards.status(region)}</span>'


def _reach(region: Region) -> str:
    if region.reaches is None:
        return ""
    whole = region.reaches[0] == region.reaches[1]
    kind = "muted" if whole else "bad" if region.health == "red" else "warn"
    return f'<p class="{kind}">{escape(cards.reach(region))}</p>'


def _fact(name: str, value: str) -> str:
    return f'<dt>{escape(name)}</dt><dd class="mono">{escape(value).replace(chr(10), "<br>")}</dd>'


def _zones(region: Region) -> str:
    """The nodes as planned: which of them the scheduler puts where is not known here."""
    if not region.nodes:
        return ""
    zones = [(zone.name, zone.nodes) for zone in region.zones] or [("zones as the nodes say", len(region.nodes))]
    items = "".join(
        f'<li>{escape(name)}<span class="dots {region.health or ""}" role="img" aria-label="{count} nodes">'
        f"{'●' * count if count <= MOST_DOTS else f'{count} nodes'}</span></li>"
        for name, count in zones
    )
    return f'<ul class="zones">{items}</ul>'


def _node(node: Node) -> str:
    where = f"{node.address}:{node.port}" if node.address else "at its pod's or host's address, which run time decides"
    return f'{escape(node.name)}<span class="mono">{escape(where)}</span>'


def _forward(forward: Forward) -> str:
    return f'{escape(forward.zone)}<span class="mono">→ {escape(", ".join(forward.addresses))}</span>'


def _mono(words: str) -> str:
    return f'<span class="mono">{escape(words)}</span>'


def _details(summary: str, items: Iterable[str], few: int = 0) -> str:
    """A list to be opened; open from the start where it has few items."""
    listed = [f"<li>{item}</li>" for item in items]
    opened = " open" if len(listed) <= few else ""
    return f"<details{opened}><summary>{escape(summary)}</summary><ul>{''.join(listed)}</ul></details>"


def _number(region: Region) -> str:
    health = (region.health or "") if region.running else "gone"
    return f'<span class="number {health}">{region.number}</span>'


def _networks(scene: Scene) -> Iterator[str]:
    lines = network_lines(scene)
    if not lines:
        return
    yield "<h2>Networks</h2>"
    yield "".join(f"<p>{escape(line)}</p>" for line in lines)
    by_kind: dict[str, list[str]] = {}
    for pair in scene.pairs:
        if pair.link not in (None, SAME_NETWORK):
            by_kind.setdefault(link_words(pair.link), []).append(f"{pair.one} and {pair.other}")
    for kind, pairs in by_kind.items():
        yield _details(f"{kind}: {len(pairs)}", map(escape, pairs), few=6)


def _calls(scene: Scene) -> Iterator[str]:
    yield "<h2>What regions call in each other</h2>"
    yield f"<ul>{''.join(f'<li>{escape(port)}</li>' for port in scene.ports)}</ul>"
    if scene.join:
        yield _details(f"join list: {len(scene.join)} addresses", map(_mono, scene.join))
    yield "<footer>Drawn by <code>python -m topology</code>. Coastlines: Natural Earth.</footer>"
