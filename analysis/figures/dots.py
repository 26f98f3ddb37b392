"""Turns medians with intervals into dots, lines and legends that can be pointed at, each in its mechanism's look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import marks, palette, style
from analysis.text import units

DOT_PT = 3.0
INTERVAL_PT = 3.2
INTERVAL_ALPHA = 0.45  # an interval is broader and paler than its dot, so that both are seen
INTERVALS = "Broad pale bars: 95 % intervals; one that cannot be seen is narrower than its dot."
_ASIDE = 1.035


@dataclass(frozen=True)
class Course:
    """One line of a figure: `series` is its mechanism, `label` its words, `dash` tells its interpreter.

    `aside` moves it by so many steps to the right, so that no interval covers another.
    """

    series: str
    label: str
    dash: Any = "solid"
    aside: float = 0


def course_of(series: str, python: str, pythons: Sequence[str], state: str = "", aside: float = 0) -> Course:
    """The line of a mechanism in one of `pythons`; `state` tells it from another line of the same mechanism."""
    label = f"{series} {state}".strip()
    if len(pythons) > 1:
        label += f", Python {python}"
    return Course(series, label, style.DASHES[list(pythons).index(python) % len(style.DASHES)], aside)


def line_with_intervals(
    axes: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str, str, str],
    course: Course,
    words: Callable[[dict[str, Any]], str],
    value: Callable[[Any, Any, Any], str] = units.time_text,
) -> None:
    """A line through `rows` with their intervals; `columns` are x, y and the ends.

    `words` says what a row is, and `value` the number with its interval.
    """
    x, y, lo, hi = columns
    look, at = palette.look_of(course.series), rows[x] * _ASIDE**course.aside
    (line,) = axes.plot(at, rows[y], color=look.colour, linestyle=course.dash, linewidth=0.9, zorder=3)
    marks.follow(line, course.series)
    for place, row in zip(at, rows.to_dict("records"), strict=True):
        known = {str(key): item for key, item in row.items()}
        dot = dot_with_interval(axes, "y", place, (row[y], row[lo], row[hi]), look)
        marks.mark(dot, course.series, f"{course.label}, {words(known)}", value(row[y], row[lo], row[hi]))


def python_handles(pythons: Sequence[str]) -> list[Line2D]:
    """What a legend has for several interpreters that are told apart by dashes; of one: nothing."""
    if len(pythons) < 2:
        return []
    return [
        Line2D(
            [],
            [],
            color=palette.BLACK,
            linestyle=style.DASHES[i % len(style.DASHES)],
            linewidth=0.9,
            label=f"Python {python}",
        )
        for i, python in enumerate(pythons)
    ]


def series_legend(figure: Figure, names: Sequence[str], pythons: Sequence[str], more: Sequence[Line2D] = ()) -> None:
    """A legend of the lines that `line_with_intervals` draws, in two columns; interpreters where there are several."""
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=DOT_PT, markeredgewidth=0, linewidth=0.9)
        for look in map(palette.look_of, names)
    ]
    for handle, name in zip(handles, names, strict=True):
        handle.set_label(name)
    style.legend(figure, [*handles, *more, *python_handles(pythons)], 2)


def dot_with_interval(
    axes: Axes, which: str, at: float, values: tuple[Any, Any, Any], look: palette.Look, hollow: bool = False
) -> Line2D:
    """A dot with its interval along axis `which`, as one artist; `values` are median, lower and upper end.

    Without an interval it is a dot alone. `at` is the place on the other axis.
    """
    median, lo, hi = values
    bounded = units.known(lo) and units.known(hi)
    along = [float(lo), float(median), float(hi)] if bounded else [float(median)]
    across = [at] * len(along)
    (line,) = axes.plot(*((along, across) if which == "x" else (across, along)), zorder=5)
    line.set_markevery([len(along) // 2])
    return as_dot(line, look, hollow)


def as_dot(line: Line2D, look: palette.Look, hollow: bool = False) -> Line2D:
    """Give a line, also one of a legend, the look of a dot with its interval; a hollow dot has no white behind it."""
    line.set(color=(look.colour, INTERVAL_ALPHA), linewidth=INTERVAL_PT, solid_capstyle="butt")
    line.set(marker=look.marker, markersize=DOT_PT, markeredgecolor=look.colour, markeredgewidth=0.8 if hollow else 0)
    line.set_markerfacecolor("white" if hollow else look.colour)
    return line


def hidden_intervals(axes: Axes, which: str, rows: Any, columns: tuple[str, str]) -> int:
    """How many intervals are narrower than their dot on axis `which`, whose limits and scale must be set.

    The layout is not known yet: about six tenths of the figure are taken for the width of the axes, or for the
    height of one in a figure of its usual height.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    lo, hi = (
        axis.get_transform().transform(np.asarray(values, dtype=float))
        for values in (rows[columns[0]], rows[columns[1]])
    )
    ends = axis.get_transform().transform(np.asarray(axis.get_view_interval(), dtype=float))
    narrow = np.abs(hi - lo) / abs(ends[1] - ends[0]) * 0.6 * style.WIDTH_IN * 72 < DOT_PT
    return int(narrow.sum())


def note_hidden(figure: Figure, hidden: int, of: int, bars: str = "95 % intervals") -> None:
    """Say in small print what the bars at dots are, and how many are too narrow to be seen."""
    which = "all" if hidden == of else f"{hidden} of {of}"
    seen = f"; {which} are narrower than their dots, and cannot be seen" if hidden else ""
    style.note(figure, f"Broad pale bars: {bars}{seen}.")
