"""Turns the cells with parents of several sizes into latency against the memory that was verified in the parent."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, figure, palette, style
from analysis.model.memory_growth import cells_of_several_sizes
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units

ORDER = ("os_fork", "subprocess_run", "posix_spawn")


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a cell: its summary and ``dose``, the median resident memory (bytes) that its subjects really had."""
    frame = cells_of_several_sizes(analysed)
    if frame.empty:
        raise NoPicture(
            "no mechanism was measured in parents of several sizes; `--scenario rss=0,64MiB,512MiB` does so"
        )
    place = {name: index for index, name in enumerate(ORDER)}
    order = frame["mechanism"].map(lambda name: place.get(name, len(place)))
    return (
        frame.assign(_order=order).sort_values(["_order", "mechanism", "python_order", "dose"]).drop(columns="_order")
    )


def says(frame: pd.DataFrame) -> str:
    """Each mechanism's median in its smallest and its largest parent, for the first interpreter."""
    first = frame[frame["python"] == frame["python"].iloc[0]]
    parts = []
    for name, rows in first.groupby("mechanism", sort=False):
        small, large = rows.iloc[0], rows.iloc[-1]
        parts.append(
            f"`{name}` goes from {units.time_text(small['p50_ns'])} to {units.time_text(large['p50_ns'])} "
            f"({units.ratio_text(large['p50_ns'] / small['p50_ns'])} times as long)"
        )
    span = f"{units.bytes_text(first['dose'].min())} to {units.bytes_text(first['dose'].max())}"
    several = f" (Python {first['python'].iloc[0]})" if frame["python"].nunique() > 1 else ""
    return f"Parents have {span} of resident memory{several}. From the smallest to the largest, {', '.join(parts)}."


def _draw_series(axes: Axes, rows: pd.DataFrame, colour: str, marker: str, dash: Any) -> None:
    axes.plot(rows["dose"], rows["p50_ns"], color=colour, marker=marker, linestyle=dash, markeredgewidth=0, zorder=3)
    bounded = rows[rows["p50_lo_ns"].notna()]
    axes.vlines(bounded["dose"], bounded["p50_lo_ns"], bounded["p50_hi_ns"], color=colour, linewidth=2.2, zorder=2)


@figure("size", "Latency against the size of the parent", order=3, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """One line for each mechanism and interpreter; in grey the C control of the first mechanism."""
    names, pythons = list(dict.fromkeys(frame["mechanism"])), list(dict.fromkeys(frame["python"]))
    lines = math.ceil((len(names) + 1 + len(pythons)) / 2)
    picture = style.new_figure(2.4 + 0.14 * lines)
    axes = picture.add_subplot()
    for (name, python), rows in frame.groupby(["mechanism", "python"], sort=False):
        colour = palette.COLOURS[names.index(str(name)) % len(palette.COLOURS)]
        marker = palette.MARKERS[names.index(str(name)) % len(palette.MARKERS)]
        _draw_series(axes, rows, colour, marker, style.DASHES[pythons.index(str(python)) % len(style.DASHES)])
    control = frame[
        (frame["mechanism"] == names[0]) & (frame["python"] == pythons[0]) & frame["control_p50_ns"].notna()
    ]
    axes.plot(control["dose"], control["control_p50_ns"], color=palette.CONTROL, marker="x", linewidth=0.8, zorder=1)
    drawn_columns = [frame[name] for name in ("p50_ns", "p50_lo_ns", "p50_hi_ns")] + [control["control_p50_ns"]]
    style.log_axis(axes, "x", style.padded(frame["dose"]), "bytes")
    style.log_axis(axes, "y", style.padded(pd.concat(drawn_columns)), "time")
    axes.set_xlabel("resident memory of the parent, as verified")
    axes.set_ylabel("median time of a call")
    _legend(picture, names, pythons, not control.empty)
    return picture


def _legend(picture: Figure, names: list[str], pythons: list[str], control: bool) -> None:
    handles = [
        Line2D([], [], color=palette.COLOURS[i % 7], marker=palette.MARKERS[i % 7], markeredgewidth=0, label=name)
        for i, name in enumerate(names)
    ]
    if control:
        handles.append(
            Line2D([], [], color=palette.CONTROL, marker="x", linewidth=0.8, label=f"C control of {names[0]}")
        )
    if len(pythons) > 1:
        handles += [
            Line2D([], [], color=palette.BLACK, linestyle=style.DASHES[i % len(style.DASHES)], label=f"Python {python}")
            for i, python in enumerate(pythons)
        ]
    style.legend(picture, handles, 2)
