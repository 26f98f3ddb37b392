"""Turns cells of several parents at the same time into calls a second of all, and latency, against their number."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import NoPicture, dots, figure, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.many import at_once_cells
from analysis.text import units


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary of cells with several numbers of parents (``subjects``); ``name`` is the mechanism with its state."""
    rows = at_once_cells(analysed)
    if rows.empty:
        raise NoPicture(
            "no mechanism was measured in several parents at the same time; `--scenario at_once=1,2,4` does so"
        )
    states = rows["state"].where(rows["state"] == "", " " + rows["state"])
    return rows.assign(name=rows["mechanism"] + states)


def says(frame: pd.DataFrame) -> str:
    """What the most parents make against the fewest, for the first interpreter."""
    first = frame[frame["python"] == frame["python"].iloc[0]]
    parts = []
    for name, rows in first.groupby("name", sort=False):
        few, many = rows.iloc[0], rows.iloc[-1]
        parts.append(
            f"{many['subjects']} parents that use `{name}` at the same time make "
            f"{units.ratio_text(many['per_second'] / few['per_second'])} times as many calls a second as "
            f"{few['subjects']}, and a call takes {units.ratio_text(many['p50_ns'] / few['p50_ns'])} times as long"
        )
    several = f"Python {first['python'].iloc[0]}: " if frame["python"].nunique() > 1 else ""
    return f"{several}{'; '.join(parts)}."


@figure("at_once", "Several parents at the same time", order=6, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """Calls a second above, median latency below; one line for each mechanism and interpreter."""
    names, pythons = list(dict.fromkeys(frame["name"])), list(dict.fromkeys(frame["python"]))
    picture = style.new_figure(3.7 + 0.14 * math.ceil((len(names) + len(pythons)) / 2))
    above, below = picture.subplots(2, 1, sharex=True)
    made = ("subjects", "per_second", "per_second_lo", "per_second_hi")
    took = ("subjects", "p50_ns", "p50_lo_ns", "p50_hi_ns")
    above.set_ylim(0, 1.08 * float(frame[["per_second", "per_second_hi"]].max().max()))
    style.log_axis(below, "y", style.padded(pd.concat([frame[name] for name in took[1:]])), "time")
    for (name, python), rows in frame.groupby(["name", "python"], sort=False):
        mechanism, state = (str(rows[column].iloc[0]) for column in ("mechanism", "state"))
        aside = names.index(str(name)) - (len(names) - 1) / 2
        course = dots.course_of(mechanism, str(python), pythons, state, aside)
        dots.line_with_intervals(above, rows, made, course, _words, _rate)
        dots.line_with_intervals(below, rows, took, course, _words)
    style.count_axis(below, frame["subjects"])
    above.set_ylabel("calls a second, of all")
    below.set_ylabel("median time of a call")
    below.set_xlabel("parents at the same time")
    hidden = dots.hidden_intervals(above, "y", frame, made[2:]) + dots.hidden_intervals(below, "y", frame, took[2:])
    dots.note_hidden(picture, hidden, 2 * len(frame))
    dots.series_legend(picture, names, pythons)
    return picture


def _words(row: dict[str, Any]) -> str:
    return units.count_text(row["subjects"], "parent")


def _rate(value: float, lo: float, hi: float) -> str:
    return f"{units.with_interval(value, lo, hi)} calls a second"
