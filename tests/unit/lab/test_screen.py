"""A terminal's text after what real programs write: bars that are redrawn, lines that are erased, colours."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from lab import record
from lab.paths import LabPaths
from lab.screen import Line, Screen
from lab.shell import LabError


def shown(*written: str) -> list[str]:
    """The screen's lines after pieces that arrive a second apart."""
    return [line.text for line in screen(*written).lines]


def screen(*written: str) -> Screen:
    made = Screen()
    for second, text in enumerate(written):
        made.write(text.encode(), second)
    return made


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (["one\r\ntwo"], ["one", "two"]),
        (["\x1b[1;32mgreen\x1b[0m \x1b]8;;https://x\x07link\x1b]8;;\x07"], ["green link"]),
        (["10 %\r100 %"], ["100 %"]),
        (["long line\rshort\x1b[K"], ["short"]),
        (["a\r\nb\r\nc\r\n\x1b[2A\x1b[2Knew"], ["a", "new", "c"]),
        (["a\r\nb\r\nc\x1b[1A\r\x1b[J"], ["a"]),
        (["cut in \x1b", "[1", "mtwo"], ["cut in two"]),
        (["\x1b[?25lno cursor\x1b[?25h"], ["no cursor"]),
        (["a\tb\x1b[1Gc\x1b[3C|"], ["c   |   b"]),
        (["ab\x1b[1Kc"], ["  c"]),
    ],
)
def test_what_is_seen(written: list[str], lines: list[str]) -> None:
    assert shown(*written) == lines


def test_a_line_has_the_second_of_its_last_change() -> None:
    seen = screen("bar 1\r\nrest\r\n", "\x1b[2A\x1b[2Kbar 2\r\n\n", "\x1b[3A\x1b[2Kbar 2\x1b[1B").lines
    assert seen[:2] == [Line("bar 2", 1), Line("rest", 0)], "a line that is written again as it was has not changed"
    assert screen("same", "\rsame").lines == [Line("same", 0)]


def test_bars_stand_as_they_were_at_last() -> None:
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=60, height=20, color_system="truecolor")
    with Progress(console=console, auto_refresh=False) as bars:
        tasks = [bars.add_task(name, total=2) for name in ("us-east1", "us-west1")]
        bars.refresh()
        for task in tasks * 2:
            bars.advance(task)
            bars.refresh()
    bars_shown = [line for line in shown(terminal.getvalue().replace("\n", "\r\n")) if line]
    assert [line.split()[0] for line in bars_shown] == ["us-east1", "us-west1"]
    assert all("100%" in line for line in bars_shown)


def test_a_command_is_seen_as_a_terminal_has_it() -> None:
    command = "test -t 1 && stty size && printf 'half\\rwhole\\n' && (sleep 20 &) ; exit 3"
    taken = record.take(command, 0.0)
    assert [line.text for line in taken.lines] == [f"{record.ROWS} {record.COLUMNS}", "whole"]
    assert taken.code == 3
    assert taken.ended - taken.began < 15, "what it left running is not waited for"


def test_the_page_tells_when_and_what_and_nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Line(f"line {number}", number) for number in range(200)]
    path = f"{record.PROJECT}/.lab/dev/topology.html"
    takes = [record.Take("make up", 0, 101.6, 0, many), record.Take("make down", 102, 106, 2, [Line(), Line(path, 3)])]
    text = record.page(takes, date(2026, 11, 26), 2, 0.6)
    assert "| `make up` | 0 | 102 | 102 | 0 |\n| `make down` | 102 | 106 | 4 | 2 |\n" in text
    assert "\n   0  line 0\n" in text
    assert f"\n  29  line 29\n      … {200 - record.HEAD - record.TAIL} more lines\n" in text
    assert text.endswith("\n```\n   3  .lab/dev/topology.html\n```\n")
    monkeypatch.setattr(record.socket, "gethostname", lambda: "line 199")
    with pytest.raises(ValueError, match="tells of this machine: line 199"):
        record.page(takes, date(2026, 11, 26), 2, 0.6)
    monkeypatch.setattr(record.socket, "gethostname", lambda: "ine")
    assert record.page(takes, date(2026, 11, 26), 2, 0.6) == text, "a part of a word is nobody's name"


def test_a_command_without_output_says_so() -> None:
    assert record.transcript(record.Take("true", 0, 1, 0, [Line()])) == "It prints nothing.\n"


def test_a_lab_that_is_up_is_not_taken_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(record, "lab_paths", lambda name: LabPaths(name, tmp_path))
    with pytest.raises(LabError, match="'dev' is up: `make down` first"):
        record.main()


def test_the_committed_page_is_of_these_commands() -> None:
    text = record.PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^## \d+ s: `(.+)`$", text, re.MULTILINE) == list(record.COMMANDS)
    codes = re.findall(r"^\| `.+` \|.*\| (\d+) \|$", text, re.MULTILINE)
    failing = [command for command, code in zip(record.COMMANDS, codes, strict=True) if code != "0"]
    assert failing == ["make verify"], "of a region that is cut off"
