"""The figures of a run: found by themselves, drawn or refused with a reason, readable, and the same every time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from analysis import figures
from analysis.figures import NoPicture, calls, marks, mechanisms, palette, size, style, ticks, time_order
from analysis.figures.side_by_side import across_runs
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import summarise, summary_csv, write_summary
from analysis.summary.stored import summary_of
from tests.fake_kinds import KINDS, sized
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

# What only a run draws that asked for it.
ASKED_FOR = ["phases", "at_once", "first_write", "workers"]
NAMES = [
    "mechanisms", "where_time_goes", "calls", "pythons", "size", "page_faults", "blocked", "phases", "time_order",
     "at_once", "first_write", "workers",
]  # fmt: skip
# Figures of a kind of run that look otherwise than those of the usual one; for kinds that are not here, all.
DRAWN = {"partial": ["time_order"], "told": ["phases", "time_order", "page_faults"]}
# What one interpreter does not have.
OF_ONE = [*ASKED_FOR, "pythons"]


def _analysed(results: Path, fake: FakeRun | None = None) -> AnalysedRun:
    return AnalysedRun(load_run(write_run(results, fake or FakeRun())))


def _drawn(kind: figures.FigureKind, analysed: AnalysedRun) -> Figure:
    """The figure with its layout done, as it goes into a file."""
    with style.look():
        picture = kind.draw(kind.data(analysed))
        style.frame(picture, kind.title, kind.footnote(analysed))
        picture.draw_without_rendering()
        return picture


def _labels_outside(axes: Axes) -> Iterator[Text]:
    """Labels of ticks beyond the limits of their axis, which exist but are not drawn."""
    for axis in (axes.xaxis, axes.yaxis):
        lo, hi = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not lo <= tick.get_loc() <= hi:
                yield tick.label1


def _overlaps(picture: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that cover each other, or a text and the figure's edge that cuts it."""
    outside = {id(label) for axes in picture.axes for label in _labels_outside(axes)}
    texts = [text for text in picture.findobj(Text) if isinstance(text, Text)]
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in texts
        if text.get_visible() and id(text) not in outside and text.get_text().strip()
    ]
    edge = picture.bbox
    cut = [
        (name, "edge")
        for name, box in boxes
        if box.x0 < edge.x0 - 1 or box.x1 > edge.x1 + 1 or box.y0 < edge.y0 - 1 or box.y1 > edge.y1 + 1
    ]
    pairs = [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
    ]
    return cut + pairs


def test_a_figure_of_all_cells_names_no_parent(tmp_path: Path) -> None:
    """The small print of a figure says of which parent its cells are, where it leaves out the others."""
    analysed = _analysed(tmp_path, FakeRun(rounds=6))
    named = [kind.name for kind in figures.kinds() if "parent=bare" in kind.footnote(analysed)]
    assert named == ["mechanisms", "where_time_goes", "calls", "pythons"]


def test_figures_are_found_in_the_order_of_the_report() -> None:
    """Every module of the package is a figure, without a list of them anywhere."""
    assert [kind.name for kind in figures.kinds()] == NAMES
    assert all(kind.title and kind.draw.__doc__ for kind in figures.kinds())


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_is_drawn_without_overlap_or_refused_with_a_reason(
    kind_run: Callable[[str], Path], kind: str
) -> None:
    """Whatever the run is, a figure has a sentence and no text over another, or says why there is none."""
    analysed = AnalysedRun(load_run(kind_run(kind)))
    refused, reasons = [], []
    for figure in figures.kinds():
        try:
            frame = figure.data(analysed)
        except NoPicture as no_picture:
            refused.append(figure.name)
            reasons.append(str(no_picture))
            continue
        sentence = figure.says(frame)
        assert sentence.endswith(".")
        assert "nan" not in sentence
        if figure.name in DRAWN.get(kind, NAMES):
            assert _overlaps(_drawn(figure, analysed)) == []
    expected = {
        "no rounds": NAMES,
        "all failed": NAMES,
        "imported": ["calls", "size", "where_time_goes", "blocked", *OF_ONE],
        "other parents": ["size", *OF_ONE],
        "quiet": OF_ONE,
        "two interpreters": ASKED_FOR,
        "told": ["size", "first_write", "at_once", "workers", "pythons"],
    }
    assert all(len(reason) > 20 for reason in reasons)
    assert sorted(refused) == sorted(expected.get(kind, ["size", *OF_ONE]))


def test_six_interpreters_and_eight_runs_stay_readable(tmp_path: Path) -> None:
    """More series and longer names than usual: every figure keeps its texts apart and inside."""
    cells = [replace(cell, calls=4, blocks=1) for python in range(8, 14) for cell in sized(f"3.{python}.18")]
    cells.append(replace(FakeCell(), python="3.8.18", scenario="phases", level="told"))
    bare = [cell for cell in cells if cell.level == "bare"]  # all that is drawn of the others
    machine = "a-machine-with-a-name-as-long-as-somebody-may-well-give-it-2048cpu-kvm-docker-4eb259"
    paths = [
        write_run(tmp_path, FakeRun(rows, rounds=6, seed=day, run=f"202611{day}T040000Z-labelled", machine=machine))
        for day, rows in enumerate([*[bare] * 7, cells], 10)
    ]
    analysed = AnalysedRun(load_run(paths[-1]))
    frame = across_runs.in_time(_rows(*paths))
    assert frame["place"].nunique() == 8
    with style.look():
        picture = across_runs.drawing(frame)
        style.frame(picture, across_runs.TITLE, machine)
        picture.draw_without_rendering()
    assert _overlaps(picture) == []
    for figure in figures.kinds():
        if figure.name in ASKED_FOR:
            continue
        assert _overlaps(_drawn(figure, analysed)) == []


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two copies of a run, drawn apart, have equal files, with no date or version in them."""
    kind = next(kind for kind in figures.kinds() if kind.name == "time_order")
    one, other = (figures.draw(kind, _analysed(tmp_path / name, FakeRun(rounds=6))) for name in "ab")
    assert one == other
    assert one.png.startswith(b"\x89PNG")
    assert b"<dc:date>" not in one.svg
    assert b"Matplotlib" not in one.png


def test_the_last_bit_of_a_layout_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout whose solver ends in other last bits, as it does from time to time, gives the same file."""
    kind = next(kind for kind in figures.kinds() if kind.name == "time_order")
    analysed = _analysed(tmp_path, FakeRun(rounds=6))
    before = figures.draw(kind, analysed).svg
    lay_out = ConstrainedLayoutEngine.execute

    def nudged(engine: ConstrainedLayoutEngine, fig: Figure) -> None:
        lay_out(engine, fig)
        for axes in fig.axes:
            x, y, width, height = axes.get_position(original=True).bounds
            axes.set_position((x, math.nextafter(y, 1.0), width, math.nextafter(height, 0.0)))
            axes.set_in_layout(True)

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", nudged)
    assert figures.draw(kind, analysed).svg == before


def test_a_users_settings_change_nothing(tmp_path: Path) -> None:
    """What a user has set in matplotlib neither shows in a figure nor is lost by drawing one."""
    kind = next(kind for kind in figures.kinds() if kind.name == "size")
    analysed = _analysed(tmp_path, KINDS["quiet"]())
    before = figures.draw(kind, analysed).svg
    with matplotlib.rc_context({"font.size": 31, "axes.grid": False}):
        assert figures.draw(kind, analysed).svg == before
        assert matplotlib.rcParams["font.size"] == 31


def test_mechanisms_stand_in_groups_the_cheapest_first(tmp_path: Path) -> None:
    """Controls come first, then each work; in it, rows are in the order of their medians."""
    frame = mechanisms.data(_analysed(tmp_path, FakeRun(noise=QUIET)))
    assert frame["mechanism"].tolist() == [
        "native_fork", "noop", "os_fork", "posix_spawn", "subprocess_run", "mp_spawn",
    ]  # fmt: skip
    assert frame["control_p50_ns"].dropna().tolist() == [65_000, 165_000, 165_000, 5_200_000]
    assert mechanisms.says(frame) == (
        "The lowest median of each work: run a program, `posix_spawn` 177 µs (177 to 177). "
        "The highest of the same work is 1.3 times as long."
    )


def test_each_work_has_a_panel_with_its_own_axis(tmp_path: Path) -> None:
    """Nanoseconds of nothing do not stretch the axis of a spawn; a control stands below its dot, not on it."""
    with style.look():
        picture = mechanisms.draw(mechanisms.data(_analysed(tmp_path, FakeRun(noise=QUIET))))
    panels = {axes.get_title(loc="left"): axes for axes in picture.axes}
    assert list(panels) == ["control, in C", "no process", "fork only", "run a program", "call in a new Python process"]
    lo, hi = panels["run a program"].get_xlim()
    assert 100_000 < lo < 165_000
    assert 230_000 < hi < 600_000
    controls = [line for line in panels["run a program"].lines if line.get_marker() == "x"]
    assert [float(np.asarray(line.get_ydata())[0]) for line in controls] == [0.27, 1.27]
    words = {each.name: each.value for each in marks.marks_of(picture)}
    assert words["posix_spawn"].startswith("177 µs (177 to 177), p99 ")
    assert words["posix_spawn"].endswith("C control 165 µs, 800 calls")


def test_interpreters_of_a_mechanism_share_its_colour(tmp_path: Path) -> None:
    """Two interpreters have two markers in one colour, and the legend shows these markers."""
    cells = [replace(FakeCell(), python=python) for python in ("3.11.7", "3.12.1")]
    with style.look():
        picture = mechanisms.draw(mechanisms.data(_analysed(tmp_path, FakeRun(cells, noise=QUIET))))
    dots = [line for line in picture.axes[0].lines if str(line.get_marker()) in "os"]
    assert [(dot.get_marker(), dot.get_markerfacecolor()) for dot in dots] == [("o", palette.BLUE), ("s", palette.BLUE)]
    assert [marks.marks_of(picture)[place].name for place in (0, 1)] == [
        "os_fork, Python 3.11.7", "os_fork, Python 3.12.1",
    ]  # fmt: skip
    handles = [handle.get_marker() for handle in picture.legends[0].get_lines()]
    assert handles[:2] == ["o", "s"]


def test_what_few_calls_carry_is_pale(tmp_path: Path) -> None:
    """Of 800 calls, the line is solid down to the ten slowest, and pale from there to the slowest."""
    frame = calls.data(_analysed(tmp_path, FakeRun([FakeCell()])))
    with style.look():
        tail = calls.draw(frame).axes[1]
    solid, pale = tail.lines
    assert solid.get_alpha() is None
    assert pale.get_alpha() == calls.PALE["alpha"]
    assert float(np.asarray(solid.get_ydata())[-1]) == pytest.approx(calls.FEW / 800)
    assert float(np.asarray(pale.get_ydata())[-1]) == pytest.approx(1 / 800)


def test_unlike_benchmarks_are_not_ranked(tmp_path: Path) -> None:
    """What pyperf measured is shown as it is: no sentence calls one benchmark cheaper than another."""
    frame = mechanisms.data(_analysed(tmp_path, KINDS["imported"]()))
    assert frame["mechanism"].tolist() == ["nop × 1000 iterations", "json_loads"]
    assert "from" not in mechanisms.says(frame).split()


def test_the_distribution_is_that_of_all_calls(tmp_path: Path) -> None:
    """Shares run up to 1, and the slowest call is one in as many as there are."""
    frame = calls.data(_analysed(tmp_path))
    rows = frame[frame["mechanism"] == "os_fork"]
    assert rows["calls"].unique().tolist() == [10 * 4 * 20]
    assert rows["done"].is_monotonic_increasing
    assert rows["done"].iloc[-1] == 1
    assert rows["slower"].iloc[-1] == pytest.approx(1 / 800)


@pytest.mark.parametrize("count", [1, 239, 240, 241, 12_345])
def test_thinning_keeps_the_fastest_and_the_slowest_calls(count: int) -> None:
    """A line has some 240 points at most, among them the first rank and the last ones."""
    ranks = calls.ranks(count)
    assert ranks[0] == 0
    assert ranks[-1] == count - 1
    assert len(ranks) <= calls.POINTS + 1
    assert count < 3 or count - 2 in ranks


def test_size_is_the_one_that_was_verified(tmp_path: Path) -> None:
    """The axis shows resident memory as found in the subjects, and the sentence how much a fork grew with it."""
    frame = size.data(_analysed(tmp_path, KINDS["quiet"]()))
    fork = frame[frame["mechanism"] == "os_fork"]
    assert fork["dose"].tolist() == [9_000_000, 9_000_000 + (64 << 20), 9_000_000 + (256 << 20)]
    assert (
        "of 8.58 MiB to 265 MiB of resident memory, a call takes: `os_fork` 28.3 times as long (120 µs to 3.40 ms)"
        in size.says(frame)
    )


def _rows(*paths: Path) -> pd.DataFrame:
    runs = [load_run(path) for path in paths]
    return pd.concat([across_runs.rows_of(run, summary_of(run)) for run in runs])


def test_runs_stand_in_order_of_time_and_partial_ones_are_named(tmp_path: Path) -> None:
    """Two runs of 120 µs and 132 µs lie 10 % apart; the relative ones do not, as the control moved alike."""
    older = write_run(tmp_path, FakeRun(noise=QUIET, run="20261101T040000Z-labelled"))
    slower = [FakeCell(total_ns=132_000, control_ns=71_500)]
    newer = write_run(tmp_path, FakeRun(slower, noise=QUIET, run="20261102T040000Z", torn=True))
    frame = across_runs.in_time(_rows(newer, older))
    fork = frame[frame["mechanism"] == "os_fork"]
    assert fork["run"].tolist() == ["20261101T040000Z-labelled", "20261102T040000Z"]
    assert fork["p50_ns"].tolist() == [120_000, 132_000]
    assert across_runs.says(frame) == (
        "Medians of 2 runs (Python 3.11.7) lie apart by up to: `os_fork` 0 % relative, 10 % absolute."
    )
    with style.look():
        picture = across_runs.drawing(frame)
    names = [axes.get_title(loc="left").partition(",")[0] for axes in picture.axes[::2]]
    assert names == ["os_fork", "posix_spawn", "subprocess_run", "mp_spawn"]
    labels = [label.get_text() for label in picture.axes[-1].get_xticklabels()]
    assert labels == ["11-02 04:00, partial", "11-01 04:00, labelled"]


def test_a_run_without_interval_is_hollow(tmp_path: Path) -> None:
    """Three rounds are too few for an interval: the dot has no filling, and the legend says what that means."""
    paths = [
        write_run(tmp_path, FakeRun([FakeCell()], rounds=rounds, run=f"2026110{rounds}T040000Z")) for rounds in (3, 8)
    ]
    with style.look():
        picture = across_runs.drawing(across_runs.in_time(_rows(*paths)))
    fills = [line.get_markerfacecolor() for line in picture.axes[0].lines if line.get_marker() == "o"]
    assert fills == ["white", palette.BLUE]
    assert [text.get_text() for text in picture.legends[0].get_texts()] == ["no interval"]


def test_one_run_has_no_figure_across_runs(tmp_path: Path) -> None:
    """It says that it takes two, and a run without a core mechanism says so too."""
    assert (
        across_runs.draw(_rows(write_run(tmp_path, FakeRun(rounds=6)))).reason == "it takes two runs, and this is one"
    )
    other = write_run(tmp_path / "other", FakeRun([FakeCell("popen", work="exec")], rounds=6))
    assert across_runs.draw(_rows(other)).reason.startswith("none of `os_fork`, ")


def test_an_older_runs_summary_is_used_while_it_holds_all_rounds(tmp_path: Path) -> None:
    """A neighbour's calls are not read again where summary.csv is of all its rounds; a stale one is not believed."""
    run = load_run(write_run(tmp_path, FakeRun(noise=QUIET)))
    summary = summarise(run)
    write_summary(run, summary)
    file = run.path / "summary.csv"
    for rounds, median in ((10, 999_000), (9, 120_000)):
        file.write_text(summary_csv(summary.assign(p50_ns=999_000.0, rounds=rounds)))
        summary_used = summary_of(run)
        assert summary_used.loc[summary_used["mechanism"] == "os_fork", "p50_ns"].iloc[0] == median
    file.unlink()
    assert summary_of(run).equals(summary)


def test_the_course_of_a_run_shows_a_slow_stretch(tmp_path: Path) -> None:
    """In a run whose last rounds take 1.5 times as long as the others, the line ends at 1.5 and the dots say so too."""
    frame = time_order.data(_analysed(tmp_path, FakeRun(noise=QUIET)))
    assert set(frame["relative"]) == {1.0}
    assert "took 100 % to 100 %" in time_order.says(frame)
    late = frame["start_ns"] > frame["start_ns"].quantile(0.8)
    frame.loc[late, "relative"] = 1.5
    line = time_order.course(frame[frame["role"] == "control"], float(frame["start_ns"].max()))
    assert line["relative"].iloc[0] == 1.0
    assert line["relative"].iloc[-1] == 1.5
    assert "to 150 % of their usual time. 20" in time_order.says(frame)


@pytest.mark.parametrize(
    ("lo", "hi"), [(100.0, 1e8), (230_000.0, 260_000.0), (1.0, 1.01), (90.0, 110.0), (9e5, 1.1e6), (1e3, 1e12)]
)
def test_an_axis_has_a_few_ticks_whatever_it_spans(lo: float, hi: float) -> None:
    """From 1 % to nine decades, a log axis has 2 to 6 ticks, inside it and ascending."""
    found = ticks.log_ticks(lo, hi)
    labelled = ticks.apart(found, lo, hi)
    assert all(b / a >= (hi / lo) ** ticks.LABEL_SHARE for a, b in itertools.pairwise(labelled))
    assert 2 <= len(found) <= 6
    assert found == sorted(set(found))
    assert lo <= found[0] * (1 + 1e-9)
    assert found[-1] <= hi * (1 + 1e-9)
