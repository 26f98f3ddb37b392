"""Turns cells that start workers into the time until all of them are ready, against their number."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import NoPicture, dots, figure, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.many import worker_cells
from analysis.text import units


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary of cells that start workers; ``panel`` says what they import and what else is true of the parent."""
    rows = worker_cells(analysed)
    if rows.empty:
        raise NoPicture(
            "no workers were started; `--scenario workers=1,2,4+worker_imports=light,heavy` measures how long it takes"
        )
    states = rows["state"].where(rows["state"] == "", ", " + rows["state"])
    return rows.assign(panel=rows["imports"] + " imports" + states)


def says(frame: pd.DataFrame) -> str:
    """Which way has the most workers ready first, and the slowest against it, for the first interpreter."""
    first = frame[frame["python"] == frame["python"].iloc[0]]
    parts = []
    for panel, rows in first.groupby("panel", sort=False):
        most = rows[rows["workers"] == rows["workers"].max()].sort_values("ready_p50_ns", kind="stable")
        fast, slow = most.iloc[0], most.iloc[-1]
        text = (
            f"with {panel}, {fast['workers']} workers are ready {units.time_text(fast['ready_p50_ns'])} after the call"
        )
        text += f" of `{fast['mechanism']}`"
        if len(most) > 1:
            text += f" and {units.time_text(slow['ready_p50_ns'])} after that of `{slow['mechanism']}`"
        parts.append(text)
    several = f" (Python {first['python'].iloc[0]})" if frame["python"].nunique() > 1 else ""
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}{several}."


@figure("workers", "Time until all workers are ready", order=7, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """A panel for each kind of imports; one line for each mechanism and interpreter."""
    names, pythons = list(dict.fromkeys(frame["mechanism"])), list(dict.fromkeys(frame["python"]))
    panels = list(dict.fromkeys(frame["panel"]))
    height = 0.6 + 1.7 * len(panels) + 0.14 * math.ceil((len(names) + len(pythons)) / 2)
    picture = style.new_figure(height)
    all_axes = picture.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    hidden = 0
    for axes, panel in zip(all_axes, panels, strict=True):
        shown = frame[frame["panel"] == panel]
        for (name, python), rows in shown.groupby(["mechanism", "python"], sort=False):
            course = dots.course_of(
                str(name), str(python), pythons, f"with {panel}", names.index(str(name)) - (len(names) - 1) / 2
            )
            columns = ("workers", "ready_p50_ns", "ready_lo_ns", "ready_hi_ns")
            dots.line_with_intervals(axes, rows, columns, course, _words)
        times = pd.concat([shown[name] for name in ("ready_p50_ns", "ready_lo_ns", "ready_hi_ns")])
        style.log_axis(axes, "y", style.padded(times), "time")
        hidden += dots.hidden_intervals(axes, "y", shown, ("ready_lo_ns", "ready_hi_ns"))
        axes.set_title(panel)
        axes.set_ylabel("until all are ready")
    style.count_axis(all_axes[-1], frame["workers"])
    all_axes[-1].set_xlabel("workers")
    dots.note_hidden(picture, hidden, len(frame))
    dots.series_legend(picture, names, pythons)
    return picture


def _words(row: dict[str, Any]) -> str:
    return units.count_text(row["workers"], "worker")
