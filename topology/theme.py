"""Colours, light and dark. Every text has a contrast of at least 4.5 to 1 to what it is on (a test counts)."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

LIGHT = {
    "paper": "#ffffff",
    "surface": "#f6f8fa",
    "sea": "#f3f6fa",
    "land": "#dfe5ec",
    "grid": "#e3e9f0",
    "line": "#d0d7de",
    "ink": "#1f2328",
    "muted": "#57606a",
    "link": "#57606a",
    "green": "#1a7f37",
    "degraded": "#8a5d00",
    "red": "#c11f2b",
    "unknown": "#6639ba",
    "plain": "#0757ba",
    "on": "#ffffff",
}
DARK = {
    "paper": "#0d1117",
    "surface": "#161b22",
    "sea": "#10161e",
    "land": "#2a323d",
    "grid": "#1a212b",
    "line": "#3d444d",
    "ink": "#e6edf3",
    "muted": "#9aa4af",
    "link": "#9aa4af",
    "green": "#4ac26b",
    "degraded": "#e3b341",
    "red": "#ff7b72",
    "unknown": "#c297ff",
    "plain": "#79b8ff",
    "on": "#0d1117",
}
HEALTHS = ("green", "degraded", "red", "unknown", "plain")
"""Words of verify's, and one for what was not verified."""

_RULES = Template("""
.paper{fill:$paper}.surface{fill:$surface;stroke:$line}.sea{fill:$sea}.land{fill:$land}.grid{stroke:$grid}
.ink{fill:$ink}.muted{fill:$muted}.on{fill:$on}.leader{stroke:$muted}.divider{stroke:$line}
.pair{stroke:$link}.halo{stroke:$sea;stroke-width:3;stroke-linejoin:round;paint-order:stroke}.rim{stroke:$paper;stroke-width:4;stroke-linejoin:round;paint-order:stroke}.gone{fill:$sea;stroke:$muted}
""")
_HEALTH = Template("""
.fill-$health{fill:$colour}.line-$health{stroke:$colour}.text-$health{fill:$colour}.hollow-$health{fill:$paper;stroke:$colour}
""")
_SHAPES = """
text{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.bold{font-weight:650}.grid,.pair,.leader,.divider{fill:none}.land{fill-rule:evenodd}
.hover{stroke:transparent;stroke-width:11;fill:none;pointer-events:stroke}
"""


def svg_style() -> str:
    """The rules for drawings, light ones first, dark ones where the reader prefers that."""
    return f"{_SHAPES}{_colours(LIGHT)}@media(prefers-color-scheme:dark){{{_colours(DARK)}}}"


def variables(theme: Mapping[str, str]) -> str:
    """The colours as CSS variables, for pages."""
    return "".join(f"--{name}:{colour};" for name, colour in theme.items())


def _colours(theme: Mapping[str, str]) -> str:
    rules = _RULES.substitute(theme)
    return rules + "".join(_HEALTH.substitute(theme, health=health, colour=theme[health]) for health in HEALTHS)
