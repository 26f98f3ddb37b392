"""Turns the cells of a run into page faults against time: what goes with them, and what does not."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures import NoPicture, figure, style, ticks
from analysis.figures.causes import points
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import RANKED, latency_text

FEWEST = 6  # cells that a correlation is told of
NEAR = 1.25  # so many times as many faults are about as many
FAR = 2.0  # so many times as long is told of
RATES = {10.0**power: f"{units.tick_text(10.0**power, units.TIME_UNITS)} a fault" for power in range(1, 8)}


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a cell that has page faults: its summary, ``name``, ``faults`` (a call, parent + child).

    ``whole``: whether the child's are counted. ``left_out``: how many cells have less than a fault in two calls.
    """
    rows = points.named_cells(analysed, "parent_faults")
    whole = [points.child_is_counted(analysed, int(cell)) for cell in rows["cell"]]
    rows = rows.assign(faults=rows["parent_faults"] + rows["child_faults"].fillna(0), whole=whole)
    kept = rows[rows["faults"] >= 0.5].reset_index(drop=True)
    if kept.empty:
        raise NoPicture("no cell has page faults that were counted")
    return kept.assign(left_out=len(rows) - len(kept))


def says(frame: pd.DataFrame) -> str:
    """Whether more faults go with more time; and two cells with about as many faults that are furthest apart."""
    known = frame[frame["whole"]]
    sentences = [_together(known)] if len(known) >= FEWEST else []
    pair = _furthest(known)
    if pair:
        fast, slow = pair
        also = "But with" if sentences else "With"
        sentences.append(
            f"{also} about as many faults, `{fast['name']}` ({fast['faults']:,.0f}) takes "
            f"{units.time_text(fast['p50_ns'])} and `{slow['name']}` ({slow['faults']:,.0f}) "
            f"{units.time_text(slow['p50_ns'])}."
        )
    if not sentences:
        row = frame.sort_values("faults").iloc[-1]
        sentences.append(f"Most page faults has `{row['name']}`: {row['faults']:,.0f} a call in {latency_text(row)}.")
    return " ".join(sentences)


def _together(rows: pd.DataFrame) -> str:
    if rows["faults"].nunique() == 1 or rows["p50_ns"].nunique() == 1:
        return f"In all {len(rows)} cells, calls have as many page faults or take as long."
    rank = float(rows["faults"].rank().corr(rows["p50_ns"].rank()))  # Spearman's, which is Pearson's of the ranks
    words = "tend to take longer" if rank >= 0.5 else "tend to take less time" if rank <= -0.5 else "take neither"
    words += " more nor less time" if words == "take neither" else ""
    return f"Cells with more page faults {words} (rank correlation {rank:.2f} over {len(rows)} cells)."


def _furthest(rows: pd.DataFrame) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
    """Of the cells of one mechanism with about as many faults, the two whose times are furthest apart, if far."""
    best, found = FAR, None
    for _, group in rows[rows["work"].isin(RANKED)].groupby(["mechanism", "python"], sort=False):
        ordered = group[["name", "faults", "p50_ns"]].sort_values(["faults", "p50_ns"]).to_dict("records")
        for place, first in enumerate(ordered):
            near = [row for row in ordered[place:] if row["faults"] <= first["faults"] * NEAR]
            low, high = min(near, key=lambda row: row["p50_ns"]), max(near, key=lambda row: row["p50_ns"])
            if high["p50_ns"] > best * low["p50_ns"]:
                best, found = high["p50_ns"] / low["p50_ns"], (low, high)
    return found


@figure("page_faults", "Page faults against time", order=3.3, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """One point a cell, whatever its parent; dashed lines are equally long for each fault."""
    picture = style.new_figure(2.5 + 0.135 * points.legend_rows(frame))
    axes = picture.add_subplot()
    limits = style.padded(frame["faults"]), style.padded(frame["p50_ns"])
    values = [
        f"{row['faults']:,.1f} page faults{'' if row['whole'] else ' of the parent'}, {latency_text(row)}, "
        f"{row['calls']:,.0f} calls"
        for row in frame.to_dict("records")
    ]
    rates = frame["p50_ns"] / frame["faults"]
    near = {rate: text for rate, text in RATES.items() if rates.min() / 3 <= rate <= rates.max() * 3}
    points.lines_of_equal_ratio(axes, near, limits)
    points.draw_points(axes, frame, ("faults", "p50_ns"), values)
    style.log_axis(axes, "x", limits[0], "ratio")
    axes.xaxis.set_major_locator(FixedLocator(ticks.log_ticks(*limits[0])))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    style.log_axis(axes, "y", limits[1], "time")
    left_out = int(frame["left_out"].iloc[0])
    without = f" ({left_out} cell{'' if left_out == 1 else 's'} without any left out)" if left_out else ""
    axes.set_xlabel(f"page faults a call, parent + child{without}")
    axes.set_ylabel("median time of a call")
    points.legend(picture, frame, "child not counted")
    return picture
