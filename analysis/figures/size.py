"""Turns the cells with parents of several sizes into latency against the memory that was verified in the parent."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, dots, figure, marks, palette, style
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
    """How many times as long each mechanism takes in its largest parent, for the first interpreter."""
    first = frame[frame["python"] == frame["python"].iloc[0]]
    span = f"{units.bytes_text(first['dose'].min())} to {units.bytes_text(first['dose'].max())}"
    several = f" (Python {first['python'].iloc[0]})" if frame["python"].nunique() > 1 else ""
    parts = []
    for name, rows in first.groupby("mechanism", sort=False):
        small, large = rows.iloc[0], rows.iloc[-1]
        parts.append(
            f"`{name}` {units.ratio_text(large['p50_ns'] / small['p50_ns'])} times as long "
            f"({units.time_text(small['p50_ns'])} to {units.time_text(large['p50_ns'])})"
        )
    return f"Between parents of {span} of resident memory{several}, a call takes: {', '.join(parts)}."


@figure("size", "Latency against the size of the parent", order=3, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """One line for each mechanism and interpreter; in grey the C control of the first mechanism."""
    names, pythons = list(dict.fromkeys(frame["mechanism"])), list(dict.fromkeys(frame["python"]))
    lines = math.ceil((len(names) + 1 + len(pythons)) / 2)
    picture = style.new_figure(2.5 + 0.14 * lines)
    axes = picture.add_subplot()
    first = frame[(frame["mechanism"] == names[0]) & (frame["python"] == pythons[0])]
    control = first[first["control_p50_ns"].notna()]
    drawn_columns = [frame[name] for name in ("p50_ns", "p50_lo_ns", "p50_hi_ns")] + [control["control_p50_ns"]]
    style.log_axis(axes, "x", style.padded(frame["dose"]), "bytes")
    style.log_axis(axes, "y", style.padded(pd.concat(drawn_columns)), "time")
    (line,) = axes.plot(control["dose"], control["control_p50_ns"], color=palette.CONTROL, marker="x", linewidth=0.8)
    line.set(zorder=1, markersize=2.6)
    marks.follow(line, names[0])
    for (name, python), rows in frame.groupby(["mechanism", "python"], sort=False):
        course = dots.course_of(str(name), str(python), pythons)
        dots.line_with_intervals(axes, rows, ("dose", "p50_ns", "p50_lo_ns", "p50_hi_ns"), course, _words)
    axes.set_xlabel("resident memory of the parent, as verified")
    axes.set_ylabel("median time of a call")
    dots.note_hidden(picture, dots.hidden_intervals(axes, "y", frame, ("p50_lo_ns", "p50_hi_ns")), len(frame))
    label = f"C control of {names[0]}"
    grey = Line2D([], [], color=palette.CONTROL, marker="x", linewidth=0.8, markersize=2.6, label=label)
    dots.series_legend(picture, names, pythons, [] if control.empty else [grey])
    return picture


def _words(row: dict[str, Any]) -> str:
    """What a dot stands for, beside its time."""
    return f"{units.bytes_text(row['dose'])} in the parent"
