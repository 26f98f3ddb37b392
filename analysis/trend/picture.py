"""Turns a trend into figures, one a machine: a row of panels for each mechanism, relative beside absolute."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import dots, marks, palette, style
from analysis.text import units
from analysis.trend.change import ChangeKind
from analysis.trend.series import BARE, Measure, Series, Trend

_PANEL_IN = 1.15
_MOST_LABELS = 5
_TITLES = {Measure.RELATIVE: "relative to its C control", Measure.ABSOLUTE: "absolute"}


def pictures(trend: Trend) -> dict[str, bytes]:
    """SVG and PNG by file name: ``trend-MACHINE.svg``; of one machine ``trend.svg``."""
    files: dict[str, bytes] = {}
    for machine in trend.machines:
        name = "trend" if len(trend.machines) == 1 else f"trend-{machine}"
        with style.look():
            picture = draw([one for one in trend.series if one.machine == machine])
            label = f", label {trend.label}" if trend.label else ""
            parent = "" if trend.scenario == BARE else f", {trend.scenario}"
            style.frame(picture, f"From run to run{parent}{label}", machine)
            style.settle(picture)
            files |= {f"{name}.{kind}": style.to_bytes(picture, kind, name) for kind in ("svg", "png")}
    return files


def draw(series: Sequence[Series]) -> Figure:
    """A panel for each series below each other, runs evenly spaced in the order of time; in `style.look`.

    A change is a dashed line before the first run that shows it, with its size.
    """
    runs = sorted({(point.place, point.run.name) for one in series for point in one.points})
    at = {place: index for index, (place, _) in enumerate(runs)}
    picture = style.new_figure(0.85 + _PANEL_IN * len(series))
    panels = picture.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
    for axes, one in zip(panels, series, strict=True):
        _draw_panel(axes, one, at)
    _label_runs(panels[-1], [name for _, name in runs])
    style.note(picture, "Pale bars: 95 % intervals, where wider than the dot. Dashed: a change, with its size.")
    if any(point.run.partial for one in series for point in one.points):
        hollow = dots.as_dot(Line2D([], [], label="partial run"), palette.Look(palette.BLACK, "o"), hollow=True)
        style.legend(picture, [hollow], 2)
    return picture


def _draw_panel(axes: Axes, series: Series, at: dict[int, int]) -> None:
    look = palette.look_of(series.mechanism)
    x = [at[point.place] for point in series.points]
    (line,) = axes.plot(x, [point.value for point in series.points], color=look.colour, linewidth=0.6)
    marks.follow(line, series.mechanism)
    text = units.time_text if series.measure is Measure.ABSOLUTE else units.ratio_text
    unit = "" if series.measure is Measure.ABSOLUTE else " times its control"
    for here, point in zip(x, series.points, strict=True):
        values = (point.value, point.lo, point.hi)
        dot = dots.dot_with_interval(axes, "y", here, values, look, hollow=point.run.partial)
        marks.mark(dot, series.mechanism, f"{series.name}, {point.run.name}", f"{text(*values)}{unit}")
    kind = "time" if series.measure is Measure.ABSOLUTE else "ratio"
    ends = [value for point in series.points for value in (point.lo, point.value, point.hi) if units.known(value)]
    lo, hi = _limits(ends)
    # Above the points there is room for the size of a change.
    style.linear_axis(axes, (lo, hi + 0.15 * (hi - lo) * bool(series.changes)), kind)
    _mark_changes(axes, series, at)
    need = f"\n({series.missing} more run{'' if series.missing == 1 else 's'} for a verdict)" if series.missing else ""
    axes.set_title(f"{series.name}, {_TITLES[series.measure]}{need}")
    axes.grid(axis="x", visible=False)


def _mark_changes(axes: Axes, series: Series, at: dict[int, int]) -> None:
    for one in series.changes:
        first = at[one.first.place]
        if one.change.kind is ChangeKind.STEP:
            axes.axvline(first - 0.5, color=palette.BLACK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
        text = f"{'' if one.change.kind is ChangeKind.STEP else 'drift '}{100 * (one.change.ratio - 1):+.1f} %"
        axes.annotate(
            text,
            (first - 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(2, -2),
            textcoords="offset points",
            va="top",
            fontsize=6,
        )


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Limits of a linear axis around the values. They span at least 5 %: a small change must not look large."""
    lo, hi = min(values), max(values)
    room = max(0.1 * (hi - lo), (0.05 * hi - (hi - lo)) / 2)
    return lo - room, hi + room


def _label_runs(axes: Axes, names: Sequence[str]) -> None:
    labelled = list(range(len(names) - 1, -1, -math.ceil(len(names) / _MOST_LABELS)))
    texts = [f"{name[:4]}-{name[4:6]}-{name[6:8]}\n{name[9:11]}:{name[11:13]}:{name[13:15]}" for name in names]
    axes.set_xticks(labelled, [texts[index] for index in labelled])
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel("run, named by its start (UTC)")
