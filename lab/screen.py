"""What a terminal shows after all that programs wrote to it: redrawn lines as they are at last, without colour."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\x1b\[(?P<numbers>[?\d;]*)(?P<letter>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78cDEHMNOZ]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


@dataclass
class Line:
    """One line, and when it last changed."""

    text: str = ""
    second: float = 0.0


class Screen:
    """A terminal that is as high as it has to be. Of control sequences (ECMA-48) it knows those that move the cursor
    by lines and columns, and those that erase; any other changes nothing."""

    def __init__(self) -> None:
        self.lines = [Line()]
        self._row = self._column = 0
        self._rest = ""

    def write(self, text: str, second: float) -> None:
        """What arrived at that second; a sequence may be cut in two by its end."""
        text, at = self._rest + text, 0
        while found := _TOKEN.match(text, at):
            at = found.end()
            if found["text"]:
                self._put(found["text"], second)
            elif found["control"]:
                self._control(found["control"])
            elif found["letter"]:
                self._sequence(found["numbers"], found["letter"], second)
        self._rest = text[at:]

    def _put(self, text: str, second: float) -> None:
        line = self.lines[self._row]
        start = line.text[: self._column].ljust(self._column)
        after = self._column + len(text)
        self._change(start + text + line.text[after:], second)
        self._column = after

    def _change(self, text: str, second: float) -> None:
        line = self.lines[self._row]
        if text.rstrip() != line.text.rstrip():
            line.second = second
        line.text = text

    def _control(self, character: str) -> None:
        match character:
            case "\n":
                self._down(1)
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)
            case "\t":
                self._column += 8 - self._column % 8
            case _:
                pass

    def _down(self, count: int) -> None:
        self._row += count
        self.lines.extend(Line() for _ in range(self._row + 1 - len(self.lines)))

    def _sequence(self, numbers: str, letter: str, second: float) -> None:
        first = numbers.partition(";")[0]
        given = int(first) if first.isdecimal() else None
        count = given or 1
        match letter:
            case "A":
                self._row = max(0, self._row - count)
            case "B":
                self._down(count)
            case "C":
                self._column += count
            case "D":
                self._column = max(0, self._column - count)
            case "G":
                self._column = count - 1
            case "K":
                self._erase(given or 0, second)
            case "J" if not given:
                self._erase(0, second)
                del self.lines[self._row + 1 :]
            case _:
                pass

    def _erase(self, which: int, second: float) -> None:
        """Of the cursor's line: 0 what follows it, 1 what is before it, 2 all."""
        text = self.lines[self._row].text
        kept = text[: self._column] if which == 0 else ""
        self._change(kept + (" " * self._column + text[self._column :] if which == 1 else ""), second)
