"""A recording has what a command said, when, and how it ended; nothing of this machine."""

import re
import sys
from pathlib import Path

import pytest

from lab import record
from lab.paths import PROJECT


def test_a_command_is_recorded_with_its_times_and_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "said.txt"
    script = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    assert record.main([str(file), sys.executable, "-uc", script]) == 3
    first, *said, last = file.read_text().splitlines()
    assert first.startswith("$ ")
    assert [re.sub(r"^ +\d+\.\d  ", "", line) for line in said] == ["one", "two"]
    assert re.fullmatch(r" +\d+\.\d  exit code 3", last)
    assert capsys.readouterr().out == "one\ntwo\n"


def test_what_a_terminal_would_have_hidden_is_gone() -> None:
    assert record.clean("working\rdone \x1b[32mok\x1b[0m \n") == "done ok"
    assert record.clean(f"wrote {PROJECT}/.lab/dev/topology.html in {PROJECT}") == "wrote .lab/dev/topology.html in ."


def test_long_runs_of_lines_that_begin_alike_are_cut_in_the_middle() -> None:
    lines = [(0.5, "begin"), *((float(n), f" +  thing-{n} created ({n}.00s)") for n in range(1, 31)), (31.0, "end")]
    assert list(record.trimmed(lines)) == [
        (0.5, "begin"),
        (1.0, " +  thing-1 created (1.00s)"),
        (2.0, " +  thing-2 created (2.00s)"),
        (3.0, "… 26 more lines like these"),
        (29.0, " +  thing-29 created (29.00s)"),
        (30.0, " +  thing-30 created (30.00s)"),
        (31.0, "end"),
    ]


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert record.main([]) == 2
    assert "usage" in capsys.readouterr().err
