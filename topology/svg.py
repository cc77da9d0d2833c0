"""Elements of SVG as text."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from .geometry import Box


def element(tag: str, content: str = "", **attributes: object) -> str:
    """An element. `class_` is `class`, and `_` in names is `-`. `content` is markup; None leaves an attribute out."""
    words = "".join(
        f" {name.rstrip('_').replace('_', '-')}={quoteattr(number(value))}"
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{words}>{content}</{tag}>" if content else f"<{tag}{words}/>"


def number(value: object) -> str:
    """Numbers to a tenth of a pixel; everything else as text."""
    return f"{round(value, 1):g}" if isinstance(value, float) else str(value)


def text(x: float, y: float, words: str, classes: str = "ink", size: float = 13, anchor: str | None = None) -> str:
    """A line of text, whose baseline is at `y`."""
    return element("text", escape(words), x=x, y=y, class_=classes, font_size=size, text_anchor=anchor)


def box(at: Box, classes: str, radius: float = 8) -> str:
    """A rectangle with round corners."""
    return element("rect", x=at.x, y=at.y, width=at.width, height=at.height, rx=radius, class_=classes)


def title(words: str) -> str:
    """What is shown on hover, and read aloud."""
    return element("title", escape(words))


def document(width: float, height: float, name: str, described: str, body: str, **attributes: object) -> str:
    """An `svg` with a name and a description for who doesn't see it."""
    return element(
        "svg",
        f"{title(name)}{element('desc', escape(described))}{body}",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        **attributes,
    )
