"""Turns the cells of a run into the time for which the creating call blocks the parent, against the time of all."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import NoPicture, figure, style
from analysis.figures.causes import points
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import RANKED, latency_text
from bench.schema import CORE

ALL_OF_IT = 0.95  # a call that takes this share of the time, or more, waits for the child
# No process, times that are not those of a fork, and other tools' benchmarks.
NOT_BLOCKED = ("baseline", "first_write", "imported")
SHARES = {1.0: "all of it", 0.1: "10 %", 0.01: "1 %"}


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a cell that starts a process: its summary, ``name``, and ``share`` (0 to 1), for which its call lasts."""
    rows = points.named_cells(analysed, "call_p50_ns")
    rows = rows[(rows["call_p50_ns"] > 0) & ~rows["work"].isin(NOT_BLOCKED)].reset_index(drop=True)
    if rows.empty:
        raise NoPicture("no cell that starts a process tells when its creating call returned")
    return rows.assign(whole=True, share=rows["call_p50_ns"] / rows["p50_ns"])


def says(frame: pd.DataFrame) -> str:
    """How many cells block the parent all the time, and which blocks it for the smallest share of the time."""
    started = frame[frame["work"].isin(RANKED)]
    rows = (started if len(started) else frame).sort_values("share", kind="stable").to_dict("records")
    waiting = [row for row in rows if row["share"] >= ALL_OF_IT]
    known = [row for row in waiting if row["mechanism"] in CORE] or waiting
    such = f", as with `{known[0]['name']}`" if known else ""
    least = rows[0]
    returned = units.time_text(least["call_p50_ns"], least["call_p50_lo_ns"], least["call_p50_hi_ns"])
    return (
        f"In {len(waiting) or 'none'} of {len(rows)} cells the creating call returns when {100 * ALL_OF_IT:.0f} % of "
        f"the time has passed, or later{such}. The smallest part of it passes before that with `{least['name']}`: "
        f"{returned} of {latency_text(least)}."
    )


@figure("blocked", "How long the parent is blocked", order=3.6, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """One point a cell, whatever its parent: on the diagonal, the creating call waits until the child is reaped."""
    picture = style.new_figure(2.6 + 0.135 * points.legend_rows(frame))
    axes = picture.add_subplot()
    limits = style.padded(frame["p50_ns"]), style.padded(frame["call_p50_ns"])
    values = [
        f"{units.time_text(row['call_p50_ns'], row['call_p50_lo_ns'], row['call_p50_hi_ns'])} of {latency_text(row)}, "
        f"{units.percent_text(row['share'])}, {row['calls']:,.0f} calls"
        for row in frame.to_dict("records")
    ]
    points.lines_of_equal_ratio(axes, SHARES, limits)
    points.draw_points(axes, frame, ("p50_ns", "call_p50_ns"), values)
    for which, ends in zip("xy", limits, strict=True):
        style.log_axis(axes, which, ends, "time")
    axes.set_xlabel("median time until the child is reaped")
    axes.set_ylabel("until the creating call returns")
    points.legend(picture, frame, "")
    return picture
