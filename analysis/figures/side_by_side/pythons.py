"""Turns a run of several interpreters into a small panel a mechanism: its latency from version to version."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import NoPicture, dots, figure, palette, style
from analysis.figures.marks import follow, mark
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import IMPORTED, latency_text
from bench.schema import CORE

PANEL_IN = 0.95
COLUMNS = 2
LONGEST_NAME = 28  # that fits above a half of the width
LEAST_SPAN = 0.1  # of an axis, as a part of its upper end: a small change must not look large


def version_key(label: str) -> list[tuple[int, str]]:
    """What labels of interpreters are sorted by, so that 3.9 comes before 3.10: ``3.13.0t``, ``3.11.7~2``."""
    return [(int(digits or 0), other) for digits, other in re.findall(r"(\d+)|(\D+)", label)]


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a mechanism and interpreter with the main parent: the core first, interpreters in order of version.

    ``value``, ``lo``, ``hi``: relative to the control (`relative`), or ns where the mechanism has none. ``place``: from
    0, that of the interpreter.
    """
    rows = analysed.main_cells()
    rows = rows[rows["work"] != IMPORTED]
    versions = sorted(rows["python"].unique(), key=version_key)
    seen = rows.groupby("mechanism")["python"].nunique()
    rows = rows[rows["mechanism"].isin(seen[seen > 1].index)]
    if rows.empty:
        raise NoPicture("no mechanism was measured with several interpreters; add `--python PATH` for each")
    relative = rows.groupby("mechanism")["rel_p50"].transform(lambda values: values.notna().all())
    parts = {"value": ("rel_p50", "p50_ns"), "lo": ("rel_lo", "p50_lo_ns"), "hi": ("rel_hi", "p50_hi_ns")}
    shown = {name: rows[ratio].where(relative, rows[time]) for name, (ratio, time) in parts.items()}
    place = {version: index for index, version in enumerate(versions)}
    core = [CORE.index(name) if name in CORE else len(CORE) for name in rows["mechanism"]]
    rows = rows.assign(**shown, relative=relative, place=rows["python"].map(place), core=core)
    return rows.sort_values(["core", "work_order", "mechanism", "place"], ignore_index=True)


def _text(row: dict[Any, Any]) -> str:
    show = units.ratio_text if row["relative"] else units.time_text
    return show(row["value"], row["lo"], row["hi"])


def _unit(row: dict[Any, Any]) -> str:
    return " times its control" if row["relative"] else ""


def says(frame: pd.DataFrame) -> str:
    """The mechanism that differs most between interpreters, and the first one where that is another."""
    ends = frame.groupby("mechanism", sort=False)["value"].agg(["min", "max"])
    most = str((ends["max"] / ends["min"]).idxmax())
    first = str(frame["mechanism"].iloc[0])
    sentence = f"From version to version, `{most}` differs most: {_ends(frame, most)}."
    return sentence if first == most else f"{sentence} `{first}`: {_ends(frame, first)}."


def _ends(frame: pd.DataFrame, mechanism: str) -> str:
    rows = frame[frame["mechanism"] == mechanism].sort_values("value", kind="stable").to_dict("records")
    low, high = rows[0], rows[-1]
    return f"{_text(high)}{_unit(high)} with Python {high['python']}, and {_text(low)} with {low['python']}"


def mixed(frame: pd.DataFrame) -> bool:
    """Whether some panels show times, as their mechanism has no control, and others do not."""
    return bool(frame["relative"].any() and not frame["relative"].all())


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    ends = pd.concat([rows["value"], rows["lo"], rows["hi"]]).dropna()
    lo, hi = float(ends.min()), float(ends.max())
    room = max(0.08 * (hi - lo), (LEAST_SPAN * hi - (hi - lo)) / 2)
    return lo - room, hi + room


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    name = str(rows["mechanism"].iloc[0])
    look = palette.look_of(name)
    (line,) = axes.plot(rows["place"], rows["value"], color=look.colour, linewidth=0.6, alpha=0.6, zorder=2)
    follow(line, name)
    for row in rows.to_dict("records"):
        dot = dots.dot_with_interval(axes, "y", row["place"], (row["value"], row["lo"], row["hi"]), look)
        absolute = f", {latency_text(row)}" if row["relative"] else ""
        mark(
            dot,
            name,
            f"{name}, Python {row['python']}",
            f"{_text(row)}{_unit(row)}{absolute}, {row['calls']:,.0f} calls",
        )
    style.linear_axis(axes, _limits(rows), "ratio" if rows["relative"].iloc[0] else "time")
    ticks = axes.get_yticks()
    axes.set_yticks(ticks[:: math.ceil(len(ticks) / 4)])
    axes.set_title(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…", fontsize=6.5)
    axes.grid(axis="x", visible=False)


def _label_versions(panels: np.ndarray, frame: pd.DataFrame, count: int) -> None:
    """Versions below the lowest panel of each column: the minor ones where they tell the interpreters apart."""
    versions = sorted(frame["python"].unique(), key=version_key)
    places = [int(frame["place"][frame["python"] == version].iloc[0]) for version in versions]
    minor = [".".join(version.split(".")[:2]) for version in versions]
    told_apart = len(set(minor)) == len(minor)
    columns = panels.shape[1]
    for number, axes in enumerate(panels.flat):
        axes.set_xlim(min(places) - 0.5, max(places) + 0.5)
        axes.set_xticks(places, minor if told_apart else versions)
        below = number + columns < count
        axes.tick_params(axis="x", labelbottom=not below, length=0 if below else 3.5)
        upright = told_apart and len(versions) <= 6
        axes.tick_params(axis="x", labelrotation=0 if upright else 90, labelsize=6)
        axes.set_xlabel("" if below else "Python")


@figure("pythons", "Python versions side by side", order=2.5, data=data, says=says, one_parent=True)
def draw(frame: pd.DataFrame) -> Figure:
    """A panel for each mechanism with an axis of its own: medians with intervals, relative where it has a control."""
    groups = [rows for _, rows in frame.groupby("mechanism", sort=False)]
    columns = min(len(groups), COLUMNS)
    lines = math.ceil(len(groups) / columns)
    picture = style.new_figure(0.75 + PANEL_IN * lines)
    panels = picture.subplots(lines, columns, squeeze=False)
    for axes, rows in zip(panels.flat, groups, strict=False):
        _draw_panel(axes, rows)
    _label_versions(panels, frame, len(groups))
    for axes in panels.flat[len(groups) :]:
        axes.remove()
    relative = bool(frame["relative"].any())
    what = "median time" if not relative else "median ÷ C control" + (" (time: no control)" if mixed(frame) else "")
    style.note(picture, dots.INTERVALS)
    picture.supylabel(what, fontsize=7)
    return picture
