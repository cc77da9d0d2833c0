"""What a terminal shows after all that programs wrote to it: redrawn lines as they are at last, without colour."""

from __future__ import annotations

from dataclasses import dataclass

import pyte

COLUMNS, ROWS = 400, 5000
"""Wider and higher than anything that is written: no line is wrapped, none scrolls away."""


@dataclass
class Line:
    """One line, and when it last changed."""

    text: str = ""
    second: float = 0.0


class Screen:
    """pyte's terminal, which also remembers when each line changed."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        """Down to the lowest that was ever written to."""
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._screen.dirty.clear()

    def write(self, data: bytes, second: float) -> None:
        """What arrived at that second; a character or a sequence may be cut in two by its end."""
        self._stream.feed(data)
        for row in sorted(self._screen.dirty):
            cells = self._screen.buffer[row]
            text = "".join(cells[column].data for column in range(COLUMNS)).rstrip()
            if text:
                self.lines += [Line() for _ in range(row + 1 - len(self.lines))]
            if row < len(self.lines) and text != self.lines[row].text:
                self.lines[row] = Line(text, second)
        self._screen.dirty.clear()
