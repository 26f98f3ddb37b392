"""Turns the cells of a run into points on two log axes, one a cell, in the look of their mechanism."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import palette, style
from analysis.figures.marks import mark
from analysis.summary.analysed_run import AnalysedRun
from analysis.text.names import WORK_TITLES, cell_name
from bench.schema import Role

# Two columns of longer names than these do not fit.
LONG_NAME, LONGEST_NAME = 17, 30


def named_cells(analysed: AnalysedRun, missing: str) -> pd.DataFrame:
    """The measured cells that have a value in column `missing`, ``name``d in words, controls and baselines first."""
    rows = analysed.measured_cells()
    rows = rows[rows[missing].notna() & rows["work"].isin(WORK_TITLES)]
    several = len(analysed.pythons) > 1
    names = [cell_name(row, python=several) for _, row in rows.iterrows()]
    return rows.assign(name=names).sort_values(["work_order", "mechanism", "cell"], ignore_index=True)


def child_is_counted(analysed: AnalysedRun, cell: int) -> bool:
    """Whether `getrusage` counts the child of `cell`: it does so for the parent's own, reaped child only."""
    usage = analysed.usage_per_call(cell, Role.MECHANISM)
    return bool(usage[["child_faults", "child_user_ns", "child_sys_ns"]].sum(axis=1).any())


def draw_points(axes: Axes, frame: pd.DataFrame, columns: tuple[str, str], values: list[str]) -> None:
    """A point for each row at its `columns`, which can be pointed at: it says the row's ``name`` and its value.

    A row with false ``whole`` is hollow: its value is a part of what it stands for.
    """
    x, y = columns
    for row, value in zip(frame.to_dict("records"), values, strict=True):
        look = palette.look_of(str(row["mechanism"]))
        (point,) = axes.plot(
            row[x],
            row[y],
            linestyle="none",
            marker=look.marker,
            color=look.colour,
            markerfacecolor=look.colour if row["whole"] else "none",
            markeredgewidth=0.0 if row["whole"] else 0.8,
            markersize=3.6,
            alpha=0.8,
            zorder=2 if row["work"] in ("control", "baseline") else 3,
        )
        mark(point, str(row["mechanism"]), str(row["name"]), value)


def lines_of_equal_ratio(axes: Axes, ratios: dict[float, str], limits: tuple[tuple[float, float], ...]) -> None:
    """Lines where y is so many times x, each named at its right or upper end, as far as it crosses the axes."""
    (left, right), (bottom, top) = limits
    for ratio, text in ratios.items():
        ends = max(left, bottom / ratio), min(right, top / ratio)
        if ends[1] > ends[0] * 1.5:
            axes.plot(ends, np.multiply(ends, ratio), color="#888888", linewidth=0.5, linestyle=(0, (4, 2)), zorder=1)
            inside = top / ratio < right
            axes.annotate(
                text,
                (ends[1], ends[1] * ratio),
                xytext=(0, 1) if inside else (2, 0),
                textcoords="offset points",
                fontsize=5.5,
                color=palette.GREY,
                ha="center" if inside else "left",
                va="bottom" if inside else "center",
            )


def legend_rows(frame: pd.DataFrame) -> int:
    """How many lines the legend takes."""
    return math.ceil(frame["mechanism"].nunique() / _columns(frame)) + (not frame["whole"].all())


def legend(picture: Figure, frame: pd.DataFrame, hollow: str) -> None:
    """The look of each mechanism, in the order of the rows; `hollow` says what a point without filling is."""
    handles = [
        Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, markeredgewidth=0, label=_cut(name))
        for name in dict.fromkeys(frame["mechanism"])
        for look in (palette.look_of(str(name)),)
    ]
    if not frame["whole"].all():
        handles.append(
            Line2D([], [], linestyle="none", marker="o", color=palette.GREY, markerfacecolor="none", label=hollow)
        )
    style.legend(picture, handles, _columns(frame))


def _columns(frame: pd.DataFrame) -> int:
    return 3 if max(len(str(name)) for name in frame["mechanism"]) <= LONG_NAME else 2


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
