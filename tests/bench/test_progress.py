"""Holds what a run shows: on a terminal, in a pipe, and when nothing is wanted."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from bench import progress
from bench.progress import Display, Lines, Silent, choose, human_ns

NAMES = [("os_fork parent=bare 3.11.7", 123_456.0), ("mp_spawn parent=bare 3.11.7", 38e6)]


def test_a_pipe_gets_one_plain_line_a_round(capsys: pytest.CaptureFixture[str]) -> None:
    """Calibration and each round say once what is left and what was found, on standard error, without control codes."""
    shown = choose(True)
    for number in (-1, -1, 0, 0, 1):
        shown.update("os_fork", number, 12.3, lambda: NAMES)
    shown.message("something")
    shown.close()
    out, err = capsys.readouterr()
    figures = "os_fork parent=bare 3.11.7 123 µs  mp_spawn parent=bare 3.11.7 38 ms"
    assert err.splitlines() == [
        f"calibration, 12 s left  {figures}",
        f"round 1, 12 s left  {figures}",
        f"round 2, 12 s left  {figures}",
        "something",
    ]
    assert out == ""


def test_medians_are_asked_for_only_when_shown() -> None:
    """They cost time between blocks, so a round asks for them once."""
    asked: list[int] = []

    def medians() -> list[tuple[str, float]]:
        asked.append(1)
        return []

    shown = Lines()
    for _ in range(5):
        shown.update("x", 0, 1.0, medians)
        Silent().update("x", 0, 1.0, medians)
    assert len(asked) == 1


def test_not_wanted_is_silent_but_for_what_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """``--no-progress`` shows messages, such as errors, and nothing else."""
    shown = choose(False)
    shown.update("os_fork", 0, 1.0, lambda: NAMES)
    assert capsys.readouterr() == ("", "")
    shown.message("error: it failed")
    shown.close()
    assert capsys.readouterr().err == "error: it failed\n"


def test_lines_fit_and_no_time_is_negative(capsys: pytest.CaptureFixture[str]) -> None:
    """A line has what fits into 100 columns, one that comes late shows 0 s, and a long round gets more than one."""
    shown = Lines()
    shown.update("x", 0, -3.2, lambda: [(f"cell_{number:015}", 1e6) for number in range(8)])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("round 1, 0 s left  cell_")
    assert (line.count("cell_"), len(line) <= 100) == (3, True)
    shown._next = 0.0
    shown.update("x", 0, 1.0, list)
    assert capsys.readouterr().err == "round 1, 1 s left\n"


@pytest.mark.parametrize("width", [30, 80])
def test_a_drawing_is_never_wrapped(width: int) -> None:
    """A name too long for the terminal is cut, so that every cell has one line and its figure."""
    screen = io.StringIO()
    shown = Display(Console(file=screen, force_terminal=True, width=width, no_color=True))
    try:
        shown.update("x" * 90, 0, 1.0, lambda: [("y" * 90, 2e6)])
    finally:
        shown.close()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\n", screen.getvalue())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert len(lines) == 2 * 2  # it is drawn once more at the end
    assert lines[0].startswith("round 1 · 1 s left · ")
    assert lines[1].endswith("2 ms")
    assert max(map(len, lines)) <= width


def test_quiet_says_errors_and_where_a_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    """``--quiet`` shows neither progress nor warnings, but errors, and how an interrupted run goes on."""
    shown = progress.OnlyErrors()
    shown.update("os_fork", 0, 1.0, lambda: NAMES)
    for text in ("unfit machine: busy", "warning: x", "error: it failed", "interrupted; kept: a/b", "go on with it: c"):
        shown.message(text)
    assert capsys.readouterr().err.splitlines() == ["error: it failed", "interrupted; kept: a/b", "go on with it: c"]


def test_a_terminal_is_drawn_over_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the current figures are drawn, messages stay, and markup in names is text."""
    screen = io.StringIO()
    shown = Display(Console(file=screen, force_terminal=True, width=100))
    try:
        shown.update("os_fork", 2, 41.0, lambda: NAMES)
        shown.message("[red]error[/red]: text")
        monkeypatch.setattr(progress.Display, "every_s", 0.0)
        shown._next = 0.0
        shown.update("mp_spawn", 3, 40.0, lambda: NAMES)
    finally:
        shown.close()
    text = screen.getvalue()
    for expected in ("round 3", "41 s left", "os_fork parent=bare", "123 µs", "[red]error[/red]: text", "round 4"):
        assert expected in text
    assert text.endswith(("\x1b[?25h", "\n", "\x1b[2K", "\x1b[1A\x1b[2K"))
    assert "\x1b[?25h" in text  # the cursor is shown again


def test_drawing_is_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two drawings nothing is drawn, however many blocks end."""
    asked: list[int] = []
    shown = Display(Console(file=io.StringIO(), force_terminal=True))
    try:
        monkeypatch.setattr(progress.Display, "every_s", 1000.0)
        for _ in range(20):
            shown.update("x", 0, 1.0, lambda: asked.append(1) or NAMES)  # type: ignore[func-returns-value]
    finally:
        shown.close()
    assert len(asked) == 1


def test_a_terminal_is_chosen_by_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output may be a pipe that wants the directory; standard error decides."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = choose(True)
    shown.close()
    assert isinstance(shown, Display)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert isinstance(choose(True), Lines)


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0 ns"), (999, "999 ns"), (1000, "1 µs"), (123_456, "123 µs"), (38e6, "38 ms"), (1.5e9, "1.5 s")],
)
def test_times_are_readable(ns: float, text: str) -> None:
    """Three digits and the unit that fits."""
    assert human_ns(ns) == text


def test_nothing_that_another_program_said_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """In lines, and in names and messages of a drawing, controls are spelled out and markup stands as it is."""
    hostile, spelled = "a\x1b]0;x\x07[/bold]:warning:\u202e\ud800", r"a\x1b]0;x\x07[/bold]:warning:\u202e\ud800"
    Lines().update("x", 0, 1.0, lambda: [(hostile, 1.0)])
    assert capsys.readouterr().err == f"round 1, 1 s left  {spelled} 1 ns\n"
    screen = io.StringIO()
    shown = Display(Console(file=screen, force_terminal=True, width=200))
    try:
        shown.update(hostile, 0, 1.0, lambda: [(hostile, 1.0)])
        shown.message(hostile)
    finally:
        shown.close()
    assert screen.getvalue().count(spelled) >= 3
    assert not {"\x07", "\u202e", "\ud800", "⚠"} & set(screen.getvalue())
