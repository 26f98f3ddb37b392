"""Holds what a fleet shows: one line a host on a terminal, one line in all in a file, nothing that a host made up."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.fleet.control import screen
from bench.fleet.control.screen import Display, Lines, Row, in_a_line, picture
from bench.fleet.control.shares import State

ROWS = [
    Row("alpha", State.MEASURING, 1, 3, 4, 20.4),
    Row("beta", State.MEASURING, 0, 3, 6, 31.0),
    Row("gamma", State.SETTING_UP, 0, 3),
    Row("delta", State.GONE, 0, 3, text="its worker is gone"),
]


def drawn(rows: list[Row], height: int = 24) -> list[str]:
    """The lines of a drawing."""
    console = Console(file=io.StringIO(), width=100, height=height)
    console.print(picture(rows, height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_all_hosts_in_one_line() -> None:
    """Hosts are counted by what they do; of those that measure, the rounds and the longest time left are there."""
    assert in_a_line(ROWS) == "4 hosts: 1 gone, 2 measuring (round 4 to 6, 31 s left), 1 setting up"
    assert in_a_line([Row("a", State.MEASURING, 0, 1, 0)]) == "1 host: 1 measuring (calibration)"
    assert in_a_line([Row("a", State.MEASURING, 0, 1)]) == "1 host: 1 measuring"


def test_a_drawing_has_a_line_for_each_host() -> None:
    """Name, state, runs that are back, round and time left, or the reason."""
    lines = drawn(ROWS)
    assert lines[0] == in_a_line(ROWS)
    assert lines[1].split() == ["alpha", "measuring", "1/3", "round", "4,", "20", "s", "left"]
    assert lines[4].split(None, 3) == ["delta", "gone", "0/3", "its worker is gone"]


def test_a_thousand_hosts_fit_on_the_screen() -> None:
    """Where there is no room for all, hosts that need a look come first, and the others are counted."""
    many = [Row(f"host{number}", State.DONE, 1, 1) for number in range(1000)]
    lines = drawn([*many, Row("odd", State.FAILED, 0, 1, text="no space left")])
    assert len(lines) <= 24
    assert lines[1].split(None, 3) == ["odd", "failed", "0/1", "no space left"]
    assert lines[-1] == "and 981 more"


def test_what_a_host_says_cannot_move_the_cursor() -> None:
    """Names and texts of hosts are shown with all of them visible."""
    (_, line) = drawn([Row("a\x1b[2Jb", State.FAILED, 0, 1, text="[bold]x\u202e")])
    assert "a\\x1b[2Jb" in line
    assert "[bold]x\\u202e" in line


def test_a_file_gets_a_line_when_something_has_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same states are one line for a while; a change is told soon, and what stays is told again later."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    lines = Lines()

    def said(rows: list[Row]) -> int:
        lines.update(rows)
        return len(capsys.readouterr().err.splitlines())

    assert said([]) == 0
    assert said(ROWS) == 1
    now += screen.LINE_S + 1
    assert said(ROWS) == 0
    assert said(ROWS[:2]) == 1
    assert said(ROWS) == 0
    now += screen.QUIET_LINE_S + 1
    assert [said(ROWS), said(ROWS)] == [1, 0]


def test_messages_stand_above_the_drawing() -> None:
    """A terminal keeps messages; the drawing is gone at the end, and is not drawn more often than once a second."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    display = Display(console)
    for _ in range(5):
        display.update(ROWS)
    display.message("alpha: is \x1b[31mgone")
    display.close()
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "alpha: is \\x1b[31mgone" in text
    assert text.count("gamma") <= 3


def test_what_is_shown_follows_the_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Quiet shows nothing, without progress messages stay, and what is no terminal gets lines."""
    quiet, silent, lines = screen.choose(True, True), screen.choose(False, False), screen.choose(True, False)
    for one in (quiet, silent, lines):
        one.message(type(one).__name__)
        one.update(ROWS)
        one.close()
    assert capsys.readouterr().err.splitlines() == ["Silent", "Lines", in_a_line(ROWS)]
