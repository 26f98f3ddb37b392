"""Turns a comparison into a forest plot: one row a cell, its ratio with the interval, against the margin."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.compare.pairs import RestsOn
from analysis.compare.rows import Comparison, ComparisonRow
from analysis.errors import CompareError
from analysis.figures import dots, marks, palette, style
from analysis.stats.ratio import Verdict
from analysis.text import units
from analysis.write_file import write_file

KINDS = ("svg", "png", "pdf")
ROW_IN = 0.17
MARGIN = "#E8E8E8"
NAME_LENGTH = 60
_LOOK = {
    Verdict.SLOWER: palette.Look(palette.VERMILION, "s"),
    Verdict.FASTER: palette.Look(palette.BLUE, "o"),
    Verdict.SAME: palette.Look(palette.GREEN, "D"),
    Verdict.UNCLEAR: palette.Look(palette.GREY, "^"),
}


def kind_of(path: Path) -> str:
    """What `path` is to be written as, by its suffix; raises `CompareError` for another one than `KINDS`."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise CompareError(f"--plot {path}: the name must end in .svg, .png or .pdf")
    return kind


def write_plot(comparison: Comparison, path: Path) -> None:
    """Write the plot to `path`, as its suffix says; raises `CompareError` for another one or an `OSError`."""
    kind = kind_of(path)
    with style.look():
        picture = style.to_bytes(draw(comparison), kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, picture)
    except OSError as error:
        raise CompareError(f"--plot {path}: cannot be written ({error.strerror}); name another place") from None


def draw(comparison: Comparison) -> Figure:
    """Ratios on a log axis, the margin as a band, verdicts by colour and marker; to be drawn in `style.look`."""
    rows = [row for row in comparison.rows if row.verdict is not None]
    picture = style.new_figure(1.25 + ROW_IN * len(rows))
    axes = picture.add_subplot()
    axes.axvspan(1 / (1 + comparison.margin), 1 + comparison.margin, color=MARGIN, linewidth=0, zorder=0)
    axes.axvline(1, color="#888888", linewidth=0.6, zorder=1)
    grounds = {row.rests_on for row in rows}
    for y, row in enumerate(rows):
        _draw_row(axes, y, row, hollow=len(grounds) > 1 and row.rests_on is not RestsOn.RELATIVE)
    ends = [*(row.ratio_lo for row in rows), *(row.ratio_hi for row in rows), 1.0]
    style.log_axis(axes, "x", style.padded(ends), "ratio", most=5)
    python = len({row.python for row in rows}) > 1 and not comparison.by
    several = len({row.new for row in rows}) > 1
    labels = [row.cell_name(python) + (f": {row.new}" if several else "") for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("ratio new / base, with its interval; below 1: faster")
    picture.suptitle("What changed", x=0.02, ha="left", weight="bold")
    names = (_short(comparison.base), _short(comparison.new))
    axes.set_title("base: {}\nnew: {}".format(*names), fontsize=5, color=palette.GREY)
    bounds = pd.DataFrame([{"lo": row.ratio_lo, "hi": row.ratio_hi} for row in rows], columns=["lo", "hi"], dtype=float)
    dots.note_hidden(picture, dots.hidden_intervals(axes, "x", bounds, ("lo", "hi")), len(rows), "intervals")
    _legend(picture, comparison, {row.verdict for row in rows if row.verdict}, grounds)
    return picture


def _draw_row(axes: Axes, y: int, row: ComparisonRow, hollow: bool) -> None:
    """Interval, marker and words of one row that has a verdict."""
    assert row.verdict is not None
    dot = dots.dot_with_interval(axes, "x", y, (row.ratio, row.ratio_lo, row.ratio_hi), _LOOK[row.verdict], hollow)
    text = units.ratio_text(row.ratio, row.ratio_lo, row.ratio_hi)
    marks.mark(dot, row.mechanism, row.cell_name(True), f"{text}: {row.verdict}, by {row.rests_on}")
    axes.text(
        1.015,
        y,
        f"{text.split(' (')[0]} {row.verdict}",
        transform=axes.get_yaxis_transform(),
        fontsize=6,
        va="center",
    )


def _short(text: str) -> str:
    """`text` cut to what the width of the plot holds."""
    return text if len(text) <= NAME_LENGTH else f"{text[: NAME_LENGTH - 1]}…"


def _legend(picture: Figure, comparison: Comparison, verdicts: set[Verdict], grounds: set[RestsOn]) -> None:
    handles: list[Line2D | Patch] = [
        dots.as_dot(Line2D([], [], label=verdict), look) for verdict, look in _LOOK.items() if verdict in verdicts
    ]
    handles.append(Patch(color=MARGIN, label=f"margin {100 * comparison.margin:g} %"))
    if len(grounds) > 1:
        hollow = Line2D([], [], label=RestsOn.ABSOLUTE)
        handles.append(dots.as_dot(hollow, palette.Look(palette.BLACK, "o"), hollow=True))
    style.legend(picture, handles, 3)
