"""Turns the mechanisms of a run into bars of time: in the creating call, until the child starts, after it; and faults.

Every border of a bar is the median of a moment: when the creating call returned, when the child ran its first
instruction (where the mechanism can tell), when it was reaped. Moments keep their order, so that bars can be drawn of
them. What lies between two of them is not the median of a part, and medians of parts would not add up.
"""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from analysis.figures import NoPicture, figure, palette, style, ticks
from analysis.figures.causes import points
from analysis.figures.marks import follow, mark
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import RANKED, WORK_TITLES, latency_text
from bench.schema import CORE

ROW_IN, WORK_IN = 0.145, 0.44
BAR = 0.72
NOT_COUNTED = "+ ?"
MOST_NAMED = 5
# How dense the colour of a mechanism is in the call, between it and the child's start, and after both.
CALL, START, AFTER = 1.0, 0.55, 0.25


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary of the main parent's cells with the first interpreter, works in order, the cheapest first.

    ``child_counted``: whether the child's page faults are counted, which they are for the parent's own child only.
    """
    rows: pd.DataFrame = analysed.main_cells()
    rows = rows[rows["work"].isin(RANKED) & rows["call_p50_ns"].notna()]
    if rows.empty:
        raise NoPicture("no way to start a process was measured here, or none tells when its creating call returned")
    rows = rows[rows["python_order"] == rows["python_order"].min()]
    counted = [points.child_is_counted(analysed, int(cell)) for cell in rows["cell"]]
    rows = rows.assign(child_counted=counted, several=len(analysed.pythons) > 1)
    return rows.sort_values(["work_order", "p50_ns", "mechanism"], ignore_index=True)


def says(frame: pd.DataFrame) -> str:
    """The share of the time that the creating call takes, for the core mechanisms; and what the borders are."""
    core = frame[frame["mechanism"].isin(CORE)]
    rows = (core if len(core) else frame).head(MOST_NAMED).to_dict("records")
    parts = [
        f"{100 * row['call_p50_ns'] / row['p50_ns']:.0f} % of the {units.time_text(row['p50_ns'])} of "
        f"`{row['mechanism']}`"
        for row in rows
    ]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    several = f"Python {frame['python'].iloc[0]}: the" if frame["several"].iloc[0] else "The"
    return (
        f"{several} creating call takes {listed}; what is left passes until the child is reaped. Borders are medians "
        "of moments, so that what lies between two of them is not the median of a part."
    )


def _draw_row(axes: Axes, row: pd.Series, y: float) -> None:
    """One call from left to right; what happens at the same time lies one above the other."""
    colour = palette.look_of(str(row["mechanism"])).colour
    called, ready, whole = row["call_p50_ns"], row["ready_p50_ns"], row["p50_ns"]
    name = str(row["mechanism"])
    whole_text = latency_text(row)
    blocked = units.time_text(called, row["call_p50_lo_ns"], row["call_p50_hi_ns"])
    calls = f"{row['calls']:,.0f} calls"
    told = units.known(ready)
    started = max(called, ready) if told else called
    inside = told and ready < called
    both = called - ready if inside else 0.0
    _bar(axes, y, (0.0, called - both), colour, CALL, (name, "in the creating call", f"until {blocked}, {calls}"))
    if inside:
        _half_bar(axes, y - BAR / 4, (ready, called), name, CALL)
        _half_bar(axes, y + BAR / 4, (ready, called), name, AFTER)
    if told and started > called:
        text = (name, "child starts", f"until {units.time_text(ready)}, {calls}")
        _bar(axes, y, (called, started), colour, START, text)
    what = "child runs, ends, is reaped" if told else "child starts, runs, ends, is reaped"
    _bar(axes, y, (started, whole), colour, AFTER, (name, what, f"until {whole_text}, {calls}"))
    axes.text(1.02, y, units.time_text(whole), transform=axes.get_yaxis_transform(), fontsize=6, va="center")


def _bar(
    axes: Axes, y: float, ends: tuple[float, float], colour: str, alpha: float, words: tuple[str, str, str]
) -> None:
    """A part of a bar; `words` are its series, what it is, and its value."""
    (patch,) = axes.barh(y, ends[1] - ends[0], left=ends[0], height=BAR, color=colour, alpha=alpha)
    mark(patch, words[0], f"{words[0]}, {words[1]}", words[2])


def _half_bar(axes: Axes, y: float, ends: tuple[float, float], series: str, alpha: float) -> None:
    """A half of a bar, for what happens beside something else."""
    colour = palette.look_of(series).colour
    (patch,) = axes.barh(y, ends[1] - ends[0], left=ends[0], height=BAR / 2, color=colour, alpha=alpha)
    follow(patch, series)


def _draw_faults(axes: Axes, row: pd.Series, y: float) -> None:
    name, colour = str(row["mechanism"]), palette.look_of(str(row["mechanism"])).colour
    parent, child = row["parent_faults"], row["child_faults"] if row["child_counted"] else 0.0
    if not units.known(parent):
        return
    _bar(axes, y, (0.0, parent), colour, CALL, (name, "page faults of the parent", f"{parent:,.1f} a call"))
    if row["child_counted"]:
        _bar(
            axes,
            y,
            (parent, parent + child),
            colour,
            AFTER,
            (name, "page faults of the child", f"{child:,.1f} a call"),
        )
    else:
        axes.text(parent, y, f" {NOT_COUNTED}", fontsize=5.5, va="center", color=palette.GREY)


def _time_axis(axes: Axes, most_ns: float) -> None:
    """A linear axis from 0: lengths can be compared within one work, and parts with the whole."""
    axes.set_xlim(0, most_ns * 1.02)
    found = ticks.plain_ticks(0, most_ns * 1.02)
    scale, unit = units.time_unit(found[-1])
    axes.xaxis.set_major_locator(FixedLocator(found[:: math.ceil((len(found) - 1) / 2)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / scale:g} {unit}" if value else "0"))


def _draw_work(bars: Axes, faults: Axes, rows: pd.DataFrame, python: str) -> None:
    for y, (_, row) in enumerate(rows.iterrows()):
        _draw_row(bars, row, float(y))
        _draw_faults(faults, row, float(y))
    bars.set_yticks(range(len(rows)), list(rows["mechanism"]))
    bars.set_ylim(len(rows) - 0.5, -0.5)
    _time_axis(bars, float(rows["p50_ns"].max()))
    faults.set_xlim(0, max(1.0, float((rows["parent_faults"] + rows["child_faults"]).max()) * 1.05))
    faults.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    work = str(rows["work"].iloc[0])
    bars.set_title(WORK_TITLES.get(work, work) + python, weight="bold", fontsize=6.5)
    for axes in (bars, faults):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)


@figure(
    "where_time_goes",
    "Where the time goes: in the call, and after it",
    order=1.5,
    data=data,
    says=says,
    one_parent=True,
)
def draw(frame: pd.DataFrame) -> Figure:
    """A bar a mechanism, up to the median moments of a call, and its page faults; each work has its own axes."""
    works = [rows for _, rows in frame.groupby("work", sort=False)]
    picture = style.new_figure(0.85 + len(frame) * ROW_IN + len(works) * WORK_IN)
    panels = picture.subplots(
        len(works),
        2,
        sharey="row",
        squeeze=False,
        gridspec_kw={"width_ratios": (2.3, 1), "height_ratios": [len(rows) for rows in works]},
    )
    python = f", Python {frame['python'].iloc[0]}" if frame["several"].iloc[0] else ""
    for number, ((bars, faults), rows) in enumerate(zip(panels, works, strict=True)):
        _draw_work(bars, faults, rows, "" if number else python)
    panels[-1][0].set_xlabel("time since the call began")
    panels[-1][1].set_xlabel("page faults")
    _legend(picture, frame)
    return picture


def _legend(picture: Figure, frame: pd.DataFrame) -> None:
    parts = [("parent in its creating call", CALL)]
    parts += [("call returned, child starts", START)] if frame["ready_p50_ns"].notna().any() else []
    parts += [("then, until child is reaped", AFTER)]
    parts += [("page faults of the parent", CALL), ("page faults of the child", AFTER)]
    handles: list[Patch | Line2D] = [Patch(facecolor=palette.GREY, alpha=alpha, label=label) for label, alpha in parts]
    if not frame["child_counted"].all():
        handles.append(Line2D([], [], linewidth=0, label=f"{NOT_COUNTED}: child's not counted"))
    style.legend(picture, handles, 2)
