"""Turns the summary of a run into one row a mechanism: median, interval and p99, a panel with its own axis a work."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, dots, figure, marks, palette, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import IMPORTED, RANKED, WORK_TITLES, latency_text

ROW_IN = 0.14
PANEL_IN = 0.33
BETWEEN_PYTHONS = 0.42  # of a row: interpreters of one mechanism stand so near that they read as one group
MOST_NAMED = 4
# A p99 further away than this many times the span of the medians would press these together: it is cut at the edge.
MOST_TAIL = 2.0


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary of the cells with a bare parent, or of the first parent measured: works in order, cheapest first."""
    frame = analysed.main_cells()
    if frame.empty:
        raise NoPicture("no mechanism has a call in a complete round")
    order = frame.groupby("mechanism")["p50_ns"].transform("mean")
    return (
        frame.assign(_order=order)
        .sort_values(["work_order", "_order", "mechanism", "python_order"])
        .drop(columns="_order")
    )


def says(frame: pd.DataFrame) -> str:
    """The lowest median of each work that has several, and how far the highest lies, for the first interpreter."""
    python = frame.sort_values("python_order")["python"].iloc[0]
    several = f" (Python {python})" if frame["python"].nunique() > 1 else ""
    parts, ratios = [], []
    for _, rows in frame[frame["python"] == python].groupby("work_order"):
        work, low, high = rows["work"].iloc[0], rows.iloc[0], rows.iloc[-1]
        if len(rows) > 1 and work in RANKED:
            parts.append(f"{WORK_TITLES.get(work, work)}, `{low['mechanism']}` {latency_text(low)}")
            ratios.append(high["p50_ns"] / low["p50_ns"])
    if not parts:
        first_rows = frame[frame["python"] == python].head(MOST_NAMED).to_dict("records")
        medians = "; ".join(f"`{row['mechanism']}` {latency_text(row)}" for row in first_rows)
        return f"Medians{several}: {medians}."
    ends = list(dict.fromkeys(f"{ratio:.3g}" for ratio in (min(ratios), max(ratios))))
    return (
        f"The lowest median of each work{several}: {'; '.join(parts)}. "
        f"The highest of the same work is {' to '.join(ends)} times as long."
    )


@figure("mechanisms", "What each mechanism costs", order=1, data=data, says=says, one_parent=True)
def draw(frame: pd.DataFrame) -> Figure:
    """One row a mechanism: median with interval, p99 and, in grey, the control in the same parent."""
    pythons = list(frame.sort_values("python_order")["python"].unique())
    works = [rows for _, rows in frame.groupby("work", sort=False)]
    size = 1 + BETWEEN_PYTHONS * (len(pythons) - 1)
    rows_in_panel = [size * rows["mechanism"].nunique() for rows in works]
    picture = style.new_figure(1.0 + sum(rows_in_panel) * ROW_IN + len(works) * PANEL_IN)
    panels = picture.subplots(len(works), 1, squeeze=False, height_ratios=rows_in_panel)[:, 0]
    hidden = [_draw_panel(axes, rows, pythons, size) for axes, rows in zip(panels, works, strict=True)]
    imported = (frame["work"] == IMPORTED).all()
    panels[-1].set_xlabel("time of one value" if imported else "time from the call until the child is reaped")
    dots.note_hidden(picture, sum(hidden), len(frame))
    _legend(picture, frame, pythons)
    return picture


def _draw_panel(axes: Axes, rows: pd.DataFrame, pythons: list[str], size: float) -> int:
    """The rows of one work; how many of their intervals are narrower than their dot."""
    names = list(dict.fromkeys(rows["mechanism"]))
    lo, hi = _limits(rows)
    style.log_axis(axes, "x", (lo, hi), "time", most=5)
    for row in rows.to_dict("records"):
        shift = (pythons.index(row["python"]) - (len(pythons) - 1) / 2) * BETWEEN_PYTHONS
        marker = palette.MARKERS[pythons.index(row["python"]) % len(palette.MARKERS)] if len(pythons) > 1 else ""
        _draw_row(axes, row, names.index(row["mechanism"]) * size + shift, marker)
    for place, name in enumerate(names):
        axes.text(
            1.015,
            place * size,
            _value_text(rows[rows["mechanism"] == name]),
            transform=axes.get_yaxis_transform(),
            fontsize=6,
            va="center",
        )
    work = rows["work"].iloc[0]
    axes.set_title(WORK_TITLES.get(str(work), str(work)), weight="bold", fontsize=6.5)
    axes.set_yticks([place * size for place in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_ylim((len(names) - 0.5) * size, -0.5 * size)
    return dots.hidden_intervals(axes, "x", rows, ("p50_lo_ns", "p50_hi_ns"))


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits of an axis that medians, intervals and controls fill; p99 stretch it no further than `MOST_TAIL`."""
    columns = [rows[name] for name in ("p50_ns", "p50_lo_ns", "p50_hi_ns", "control_p50_ns")]
    lo, hi = style.padded(pd.concat(columns))
    tails = style.padded(rows["p99_ns"])[1] if rows["p99_ns"].notna().any() else hi
    return lo, max(hi, min(tails, lo * (hi / lo) ** MOST_TAIL))


def _draw_row(axes: Axes, row: dict[object, object], y: float, marker: str) -> None:
    """Interval and dot as one line that can be pointed at; behind them p99, and below them the control."""
    name, look = str(row["mechanism"]), palette.look_of(str(row["mechanism"]))
    lo, hi = axes.get_xlim()
    median, p99, limit = float(str(row["p50_ns"])), row["p99_ns"], hi / (hi / lo) ** 0.02
    if units.known(p99):
        end = min(float(str(p99)), limit)
        mark = "|" if end < limit else ">"
        tail = axes.plot([median, end], [y, y], color=look.colour, linewidth=0.6, alpha=0.6, marker=mark, markevery=[1])
        tail[0].set(markersize=4.5 if mark == "|" else 3, zorder=2, clip_on=False)
        marks.follow(tail[0], name)
    if units.known(row["control_p50_ns"]):
        at = float(str(row["control_p50_ns"]))
        (control,) = axes.plot(at, y + 0.27, marker="x", color=palette.CONTROL, linewidth=0)
        control.set(markersize=2.4, markeredgewidth=0.7, zorder=1)
        marks.follow(control, name)
    dot = dots.dot_with_interval(
        axes, "x", y, (median, row["p50_lo_ns"], row["p50_hi_ns"]), palette.Look(look.colour, marker or look.marker)
    )
    marks.mark(dot, name, name if not marker else f"{name}, Python {row['python']}", _words(row))


def _words(row: dict[object, object]) -> str:
    """Everything that a row shows."""
    text = latency_text({str(key): value for key, value in row.items()})
    if units.known(row["p99_ns"]):
        text += f", p99 {units.time_text(row['p99_ns'])}"
    if units.known(row["control_p50_ns"]):
        text += f", C control {units.time_text(row['control_p50_ns'])}"
    return f"{text}, {units.count_text(row['calls'], 'call')}"


def _value_text(rows: pd.DataFrame) -> str:
    """The median beside a row, or from the smallest to the largest of several interpreters."""
    in_order = rows.sort_values("p50_ns", kind="stable")
    low, high = (latency_text(in_order.iloc[at]).split(" (")[0] for at in (0, -1))
    if low == high:
        return low
    number, _, unit = low.rpartition(" ")
    return f"{number if high.endswith(f' {unit}') else low} to {high}"


def _legend(picture: Figure, frame: pd.DataFrame, pythons: list[str]) -> None:
    several = len(pythons) > 1
    labels = [f"Python {python}" for python in pythons] if several else ["median, 95 % interval"]
    handles = [
        dots.as_dot(Line2D([], [], label=label), palette.Look(palette.BLACK, palette.MARKERS[i % len(palette.MARKERS)]))
        for i, label in enumerate(labels)
    ]
    if frame["p99_ns"].notna().any():
        p99 = Line2D([], [], color=palette.BLACK, marker="|", markersize=4.5, linewidth=0.6, alpha=0.6)
        p99.set_label("p99 (>: further on)")
        handles.append(p99)
    if frame["control_p50_ns"].notna().any():
        control = Line2D([], [], color=palette.CONTROL, marker="x", linewidth=0, label="its C control")
        control.set(markersize=2.4, markeredgewidth=0.7)
        handles.append(control)
    style.legend(picture, handles, 2 if several else 3)
