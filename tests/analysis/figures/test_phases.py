"""The figure of the phases: what it says of calls that are known, and what it draws where two things overlap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.patches import Rectangle

from analysis.figures import NoPicture, style
from analysis.figures.causes import phases
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FORK = FakeCell(scenario="phases", level="told", total_ns=100_000.0)
SPAWN = replace(
    FORK, mechanism="subprocess_run", work="exec", total_ns=200_000.0, call_share=1.0, ready_share=0.25, path="vfork"
)


def analysed(results: Path, *cells: FakeCell) -> AnalysedRun:
    """A run of these cells, in which every call of a cell is alike."""
    return AnalysedRun(load_run(write_run(results, FakeRun(cells, noise=QUIET))))


def test_the_sentence_says_where_the_time_goes_and_what_telling_adds(tmp_path: Path) -> None:
    """Moments in time and share; an overlap is called one; the price has its interval, or the way to get it."""
    plain = replace(FORK, scenario="parent", level="bare", total_ns=80_000.0, ready_share=None)
    said = phases.says(phases.data(analysed(tmp_path / "a", plain, FORK, SPAWN)))
    assert said == (
        "Where the time of a call goes: `os_fork`: the child begins after 80.0 µs (80 %), the creating call returns "
        "after 60.0 µs (60 %), all is over after 100 µs; `subprocess_run`: the child begins after 50.0 µs (25 %; "
        "inside the creating call), the creating call returns after 200 µs (100 %), all is over after 200 µs. "
        "Because its child tells, the call takes 1.25 (1.25 to 1.25) times as long."
    )
    assert "is not known" in phases.says(phases.data(analysed(tmp_path / "b", FORK)))


def test_overlapping_phases_are_drawn_one_above_the_other(tmp_path: Path) -> None:
    """From 25 % to 100 % of the call two bars are there, of half the height; elsewhere bars are whole."""
    frame = phases.data(analysed(tmp_path, FORK, SPAWN))
    with style.look():
        bars = phases.draw(frame).axes[0]
    drawn = [
        (
            round(bar.get_x()),
            round(bar.get_x() + bar.get_width()),
            round(float(bar.get_height()), 6),
            bar.get_facecolor(),
        )
        for bar in bars.patches
        if isinstance(bar, Rectangle) and bar.get_width() > 0
    ]
    assert [(left, right, height) for left, right, height, _ in drawn] == [
        (0, 60, 0.74),
        (60, 80, 0.74),
        (80, 100, 0.74),
        (0, 25, 0.74),
        (25, 100, 0.37),
        (25, 100, 0.37),
    ]
    assert drawn[4][3] != drawn[5][3]


def test_a_parent_that_is_not_bare_is_named_and_one_interpreter_shown(tmp_path: Path) -> None:
    """A combination has its parent beside the mechanism; of several interpreters the first is drawn, and named."""
    big = replace(FORK, scenario="rss+phases", level="1MiB+told")
    frame = phases.data(analysed(tmp_path, big, replace(FORK, python="3.9.18")))
    assert frame["label"].tolist() == ["os_fork rss=1MiB"]
    assert phases.says(frame).startswith("Where the time of a call goes (Python 3.11.7): `os_fork rss=1MiB`: the child")


def test_a_run_without_telling_cells_says_how_to_measure_them(tmp_path: Path) -> None:
    """The reason is the option that makes children tell."""
    with pytest.raises(NoPicture, match="--scenario phases=told"):
        phases.data(analysed(tmp_path, replace(FORK, scenario="parent", level="bare")))
