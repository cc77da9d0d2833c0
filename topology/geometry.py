"""Boxes, and how wide a text will be at most, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

NARROW, WIDE = set("ijltfrI.,:;|'!()[]/ -"), set("mwMW@%—→")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: left upper corner and size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def overlaps(self, other: Box, gap: float = 0) -> bool:
        """Whether less than `gap` is between the two."""
        return (
            self.x < other.right + gap
            and other.x < self.right + gap
            and self.y < other.bottom + gap
            and other.y < self.bottom + gap
        )

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is in it."""
        return self.x <= x <= self.right and self.y <= y <= self.bottom

    def inside(self, other: Box) -> bool:
        """Whether no part of it is outside of `other`."""
        return self.x >= other.x and self.y >= other.y and self.right <= other.right and self.bottom <= other.bottom


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Of one line in the widest of the fonts that `system-ui` may be (DejaVu Sans): others take less."""
    units = sum(0.42 if c in NARROW else 1.0 if c in WIDE else 0.72 if c.isupper() else 0.64 for c in text)
    return units * size * (1.1 if bold else 1.0)


def shortened(text: str, width: float, size: float, bold: bool = False, keep_end: bool = False) -> str:
    """As much of the text as fits, with an ellipsis for the rest: the end of it, or the beginning."""
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(text + "…", size, bold) > width:
        text = text[1:] if keep_end else text[:-1]
    return "…" + text if keep_end else text + "…"
