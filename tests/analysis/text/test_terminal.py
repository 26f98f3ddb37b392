"""Texts on a terminal and on standard error: letters, whatever they hold."""

from __future__ import annotations

import io
import re

import pytest

from analysis.__main__ import main
from analysis.text.notes import print_note
from analysis.text.terminal import TableConsole, shown

HOSTILE = "a\x1b]0;x\x07[/bold]:warning:\\\u202e\ud800"
SPELLED = r"a\x1b]0;x\x07[/bold]:warning:\\u202e\ud800"


def test_lines_and_tables_hold_no_markup_and_no_controls() -> None:
    """Brackets, names of pictures and escape sequences stand in lines and cells as they were written, spelled out."""
    stream = io.StringIO()
    console = TableConsole(stream)
    table = console.table(["x"], ["x"])
    table.add_row(shown(HOSTILE))
    console.say(HOSTILE)
    console.print(table)
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [SPELLED, "x", SPELLED]


def test_notes_are_letters_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A note on standard error is one line, its controls spelled out."""
    print_note(f"{HOSTILE}\nmore")
    assert capsys.readouterr().err == f"{SPELLED} more\n"


def test_an_error_names_a_hostile_place_safely(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of an error on standard error spells out what a path may hold."""
    assert main(["summary", "no\x1b[2J\u202eplace"]) == 2
    assert capsys.readouterr().err.startswith(r"analysis summary: no\x1b[2J\u202eplace: does not exist")


@pytest.mark.parametrize(
    ("width", "dropped", "line"),
    [
        (40, [], "a name  1 ms (1 to 2)  99 ms      fine"),
        (36, ["tail"], "a name  1 ms (1 to 2)      fine"),
        (26, ["tail", "verdict"], "a name  1 ms (1 to 2)"),
    ],
)
def test_a_narrow_terminal_gets_whole_cells_of_fewer_columns(width: int, dropped: list[str], line: str) -> None:
    """Columns go in the order told until names and intervals fit in one line; wide enough, none goes."""
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    console = TableConsole(stream)
    console.width, console.no_color = width, True
    table = console.table(["cell", "median\n(95 %)", "tail", "verdict\nof it"], ["cell"])
    table.add_row("a name", "1 ms (1 to 2)", "99 ms", "fine")
    found = console.print_fitting(table, ["tail", "verdict of it", "median (95 %)"])
    assert found == [{"verdict": "verdict of it"}.get(name, name) for name in dropped]
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip() for text in stream.getvalue().splitlines()]
    assert lines[-1].split() == line.split()
    assert max(map(len, lines)) <= width
