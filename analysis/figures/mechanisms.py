"""Turns the summary of a run into one row a mechanism: median, interval and p99, grouped by work."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, figure, palette, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import IMPORTED, RANKED, WORK_TITLES, latency_text

ROW_IN = 0.132
MOST_NAMED = 4


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
    """The cheapest and the dearest mechanism of each work that has several, for the first interpreter."""
    python = frame.sort_values("python_order")["python"].iloc[0]
    parts = []
    for _, rows in frame[frame["python"] == python].groupby("work_order"):
        work = rows["work"].iloc[0]
        if len(rows) > 1 and work in RANKED:
            cheapest, dearest = rows.iloc[0], rows.iloc[-1]
            parts.append(
                f"{WORK_TITLES.get(work, work)}: from {latency_text(cheapest)} (`{cheapest['mechanism']}`) "
                f"to {latency_text(dearest)} (`{dearest['mechanism']}`)"
            )
    if not parts:
        first_rows = frame[frame["python"] == python].head(MOST_NAMED).to_dict("records")
        parts = [f"`{row['mechanism']}` {latency_text(row)}" for row in first_rows]
    several = f" (Python {python})" if frame["python"].nunique() > 1 else ""
    return f"Medians{several}, each with its 95 % interval: {'; '.join(parts)}."


def _slots(frame: pd.DataFrame) -> tuple[list[tuple[str, float]], dict[str, float], float]:
    """Where rows go, downwards: headings, the middle of each mechanism, and the total height in rows."""
    size = max(1.0, 0.8 * frame["python"].nunique())
    headings, places, y = [], {}, 0.0
    for work, rows in frame.groupby("work", sort=False):
        headings.append((WORK_TITLES.get(str(work), str(work)), y))
        y += 1.0
        for name in dict.fromkeys(rows["mechanism"]):
            places[name] = y + (size - 1) / 2
            y += size
        y += 0.35
    return headings, places, y - 0.35


def _draw_row(axes: Axes, row: pd.Series, y: float, colour: str, marker: str) -> None:
    if units.known(row["p99_ns"]):
        axes.plot([row["p50_ns"], row["p99_ns"]], [y, y], color=colour, linewidth=0.6, alpha=0.55, zorder=2)
        axes.plot(row["p99_ns"], y, marker="|", color=colour, markersize=5, markeredgewidth=1.0, zorder=3)
    if units.known(row["p50_lo_ns"]):
        axes.plot([row["p50_lo_ns"], row["p50_hi_ns"]], [y, y], color=colour, linewidth=2.2, zorder=3)
    if units.known(row["control_p50_ns"]):
        axes.plot(
            row["control_p50_ns"], y, marker="x", color=palette.CONTROL, markersize=3.2, markeredgewidth=0.9, zorder=4
        )
    axes.plot(row["p50_ns"], y, marker=marker, color=colour, markersize=3.4, zorder=5, markeredgewidth=0)
    axes.text(
        1.015,
        y,
        units.time_text(row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"]).split(" (")[0],
        transform=axes.get_yaxis_transform(),
        fontsize=6,
        va="center",
        color=colour,
    )


def _legend(picture: Figure, pythons: list[str], control: bool, tail: bool, single: str) -> None:
    several = len(pythons) > 1
    handles = (
        [
            Line2D(
                [],
                [],
                color=palette.COLOURS[index % 7],
                marker=palette.MARKERS[index % 7],
                linewidth=2.2,
                label=f"Python {python}",
            )
            for index, python in enumerate(pythons)
        ]
        if several
        else [Line2D([], [], color=single, marker="o", linewidth=2.2, label="median, 95 % interval")]
    )
    if tail:
        ink = palette.BLACK if several else single
        handles.append(
            Line2D([], [], color=ink, marker="|", markersize=5, linewidth=0.6, label="p99, if calls suffice")
        )
    if control:
        handles.append(Line2D([], [], color=palette.CONTROL, marker="x", linewidth=0, label="its C control"))
    style.legend(picture, handles, 3 if not several else 2)


@figure("mechanisms", "What each mechanism costs", order=1, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """One row a mechanism: median with interval, p99 and, in grey, the control in the same parent."""
    headings, places, height = _slots(frame)
    pythons = list(frame.sort_values("python_order")["python"].unique())
    picture = style.new_figure(1.05 + height * ROW_IN)
    axes = picture.add_subplot()
    for _, row in frame.iterrows():
        index = pythons.index(row["python"])
        shift = (index - (len(pythons) - 1) / 2) * 0.8
        is_control = row["work"] == "control" and len(pythons) == 1
        colour = palette.CONTROL if is_control else palette.COLOURS[index % 7]
        _draw_row(axes, row, places[row["mechanism"]] + shift, colour, palette.MARKERS[index % 7])
    drawn_columns = [frame[name] for name in ("p50_ns", "p50_lo_ns", "p50_hi_ns", "p99_ns", "control_p50_ns")]
    style.log_axis(axes, "x", style.padded(pd.concat(drawn_columns)), "time", most=4)
    axes.set_yticks(list(places.values()), list(places))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    for text, y in headings:
        axes.text(
            -0.02, y, text, transform=axes.get_yaxis_transform(), fontsize=6.5, weight="bold", ha="right", va="center"
        )
    axes.set_ylim(height - 0.4, -0.7)
    imported = (frame["work"] == IMPORTED).all()
    axes.set_xlabel("time of one value" if imported else "time from the call until the child is reaped")
    _legend(
        picture, pythons, bool(frame["control_p50_ns"].notna().any()), bool(frame["p99_ns"].notna().any()), palette.BLUE
    )
    return picture
