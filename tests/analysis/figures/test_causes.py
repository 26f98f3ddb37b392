"""Figures of what goes with the time of a call: what they draw and say of runs whose times and faults are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis.figures import NoPicture, style
from analysis.figures.causes import blocked, page_faults, where_time_goes
from analysis.figures.marks import marks_of
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests import fake_run
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FORK = FakeCell(total_ns=100_000.0, ready_share=None)
SPAWN = replace(FORK, mechanism="subprocess_run", work="exec", total_ns=2e5, call_share=0.99, parent_faults=0)


def analysed(results: Path, cells: Sequence[FakeCell]) -> AnalysedRun:
    """A run of these cells, in which every call of a cell is alike."""
    few = [replace(cell, calls=2, blocks=1) for cell in cells]
    return AnalysedRun(load_run(write_run(results, FakeRun(few, rounds=6, noise=QUIET))))


def bars(axes: Axes) -> list[tuple[float, float, float]]:
    """Left end, right end and height of every bar that can be seen."""
    drawn = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_width() > 0]
    return [
        (bar.get_x(), bar.get_x() + bar.get_width(), round(float(bar.get_height() / where_time_goes.BAR), 6))
        for bar in drawn
    ]


def test_bars_end_at_the_moments_of_a_call(tmp_path: Path) -> None:
    """A bar ends where the call returned, where the child began if that is known, and where it was reaped."""
    told = replace(FORK, mechanism="fork_exec", work="exec", ready_share=0.8)
    frame = where_time_goes.data(analysed(tmp_path, [FORK, told]))
    with style.look():
        picture = where_time_goes.draw(frame)
    untold, known = picture.axes[0], picture.axes[2]
    assert bars(untold) == [(0, 60_000, 1), (60_000, 100_000, 1)]
    assert bars(known) == [(0, 60_000, 1), (60_000, 80_000, 1), (80_000, 100_000, 1)]
    assert bars(picture.axes[1]) == [(0, 40, 1), (40, 97, 1)]
    first = marks_of(picture)[0]
    assert (first.series, first.name) == ("os_fork", "os_fork, in the creating call")
    assert first.value == "until 60.0 µs (60.0 to 60.0), 12 calls"


def test_a_child_that_runs_inside_the_call_lies_beside_it(tmp_path: Path) -> None:
    """From its start to the end of the creating call, the child's half lies below the parent's."""
    inside = replace(SPAWN, call_share=0.75, ready_share=0.25)
    with style.look():
        picture = where_time_goes.draw(where_time_goes.data(analysed(tmp_path, [inside])))
    assert bars(picture.axes[0]) == [
        (0, 50_000, 1), (50_000, 150_000, 0.5), (50_000, 150_000, 0.5), (150_000, 200_000, 1),
    ]  # fmt: skip


def test_all_words_of_the_legend_are_inside_of_the_figure(tmp_path: Path) -> None:
    """The most words that the legend can hold, those for a child that is not counted among them, leave a margin."""
    told = replace(FORK, mechanism="fork_exec", work="exec", ready_share=0.8)
    frame = where_time_goes.data(analysed(tmp_path, [FORK, told])).assign(child_counted=False)
    with style.look():
        picture = where_time_goes.draw(frame)
        box = picture.legends[0].get_window_extent()
    assert box.x0 > 2
    assert box.x1 < picture.bbox.x1 - 2


def test_the_share_of_the_creating_call_is_said(tmp_path: Path) -> None:
    """The core mechanisms are named with their share; a mechanism of another work is never drawn as a start."""
    cells = [FORK, SPAWN, replace(SPAWN, mechanism="popen"), replace(FORK, mechanism="noop", work="baseline")]
    frame = where_time_goes.data(analysed(tmp_path, cells))
    assert frame["mechanism"].tolist() == ["os_fork", "popen", "subprocess_run"]
    assert where_time_goes.says(frame) == (
        "The creating call takes 60 % of the 100 µs of `os_fork` and 99 % of the 200 µs of `subprocess_run`; what is "
        "left passes until the child is reaped. Borders are medians of moments, so that what lies between two of them "
        "is not the median of a part."
    )
    with pytest.raises(NoPicture, match="no way to start a process"):
        where_time_goes.data(analysed(tmp_path / "none", [cells[3]]))


def test_faults_of_a_child_that_are_not_counted_are_no_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel counts neither time nor faults for the child, the bar says so, and the point is hollow."""
    for name in ("child_user_ns", "child_sys_ns"):
        monkeypatch.setitem(fake_run.USAGE, name, 0.0)
    run = analysed(tmp_path, [replace(FORK, mechanism="mp_forkserver", work="python_call", child_faults=0)])
    with style.look():
        picture = where_time_goes.draw(where_time_goes.data(run))
        points = page_faults.draw(page_faults.data(run))
    assert where_time_goes.NOT_COUNTED in [text.get_text().strip() for text in picture.axes[1].texts]
    assert [mark.value for mark in marks_of(points)] == [
        "40.0 page faults of the parent, 100 µs (100 to 100), 12 calls"
    ]
    dots = [line for line in points.axes[0].lines if line.get_linestyle() == "None"]
    assert [dot.get_markerfacecolor() for dot in dots] == ["none"]


def test_faults_that_do_not_tell_the_time_are_named(tmp_path: Path) -> None:
    """Six cells of which the one with the fewest faults takes longest; those without a fault are left out."""
    levels = [("rss", "1GiB", 9e6, 41.0)] + [
        ("fds", str(count), 1e5 * count, 40.0 + count * 10) for count in range(1, 6)
    ]
    cells = [
        replace(FORK, scenario=scenario, level=level, total_ns=total, parent_faults=faults, child_faults=0)
        for scenario, level, total, faults in levels
    ]
    none = replace(FORK, mechanism="noop", work="baseline", parent_faults=0, child_faults=0)
    frame = page_faults.data(analysed(tmp_path, [*cells, none]))
    assert frame["left_out"].unique().tolist() == [1]
    assert page_faults.says(frame) == (
        "Cells with more page faults take neither more nor less time (rank correlation 0.14 over 6 cells). But with "
        "about as many faults, `os_fork fds=1` (50) takes 100 µs and `os_fork rss=1GiB` (41) 9.00 ms."
    )


def test_the_call_that_waits_and_the_one_that_returns_first_are_named(tmp_path: Path) -> None:
    """One of two ways blocks its parent to the end; the times of a first write are not those of a fork."""
    write = replace(FORK, mechanism="rewrites", work="first_write", call_share=0.01)
    frame = blocked.data(analysed(tmp_path, [FORK, SPAWN, write]))
    assert frame["mechanism"].tolist() == ["os_fork", "subprocess_run"]
    assert blocked.says(frame) == (
        "In 1 of 2 cells the creating call returns when 95 % of the time has passed, or later, as with "
        "`subprocess_run`. The smallest part of it passes before that with `os_fork`: 60.0 µs (60.0 to 60.0) of "
        "100 µs (100 to 100)."
    )
    with style.look():
        assert [mark.name for mark in marks_of(blocked.draw(frame))] == ["os_fork", "subprocess_run"]
