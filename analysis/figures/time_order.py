"""Turns the blocks of a run into the run in order of time, which shows drift and bursts of the machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import NoPicture, figure, marks, palette, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from bench.schema import Role

BINS = 60
TITLES = {Role.MECHANISM: "mechanisms", Role.CONTROL: "their C controls"}
COLOURS = {Role.MECHANISM: palette.BLUE, Role.CONTROL: palette.VERMILION}
SLOW_BLOCK = 1.25  # a block that takes more than this many times its usual time


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a block: `role`, `start_ns`, `relative` (its median over that of all blocks of its cell and role)."""
    blocks = analysed.blocks
    if blocks.empty:
        raise NoPicture("the run holds no warm block")
    usual = blocks.groupby(["cell", "role"])["median_ns"].transform("median")
    frame = blocks.assign(relative=blocks["median_ns"] / usual.where(usual > 0))
    return frame[["role", "start_ns", "relative"]].dropna().sort_values("start_ns", ignore_index=True)


def course(rows: pd.DataFrame, span_ns: float) -> pd.DataFrame:
    """The median of `relative` in up to `BINS` equal stretches of the run, those without a block left out."""
    count = max(1, min(BINS, len(rows) // 8))
    stretch = (rows["start_ns"] / max(span_ns, 1.0) * count).clip(upper=count - 1).astype(int)
    grouped = rows.groupby(stretch)
    return pd.DataFrame({"start_ns": grouped["start_ns"].mean(), "relative": grouped["relative"].median()})


def says(frame: pd.DataFrame) -> str:
    """How far the machine drifted, by the controls, or by the mechanisms where there is no control."""
    role = Role.CONTROL if (frame["role"] == Role.CONTROL).any() else Role.MECHANISM
    rows = frame[frame["role"] == role]
    relative = course(rows, float(frame["start_ns"].max()))["relative"]
    slow_share = float((rows["relative"] > SLOW_BLOCK).mean())
    measured = "the C controls, which always do the same," if role == Role.CONTROL else "the mechanisms"
    return (
        f"Over {units.time_text(frame['start_ns'].max())}, {measured} took {100 * relative.min():.0f} % "
        f"to {100 * relative.max():.0f} % of their usual time. "
        f"{100 * slow_share:.1f} % of their blocks took more than a quarter longer than usual."
    )


@figure("time_order", "The run in order of time", order=5, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """Every block as a dot with the median course as a line: mechanisms above, controls below."""
    roles = [role for role in TITLES if (frame["role"] == role).any()]
    picture = style.new_figure(1.0 + 1.35 * len(roles))
    panels = np.atleast_1d(picture.subplots(len(roles), 1, sharex=True, sharey=True))
    span = float(frame["start_ns"].max())
    limits = style.padded(frame["relative"])
    for axes, role in zip(panels, roles, strict=True):
        rows = frame[frame["role"] == role]
        axes.scatter(
            rows["start_ns"] / 1e9,
            rows["relative"],
            s=2.2,
            color=COLOURS[role],
            alpha=0.3,
            linewidths=0,
            rasterized=True,
        )
        line = course(rows, span)
        (course_line,) = axes.plot(line["start_ns"] / 1e9, line["relative"], color=palette.BLACK, linewidth=0.9)
        low, high = line["relative"].min(), line["relative"].max()
        words = f"{100 * low:.0f} % to {100 * high:.0f} % of their usual time, {units.count_text(len(rows), 'block')}"
        marks.mark(course_line, TITLES[role], f"{TITLES[role]}, median course", words)
        axes.axhline(1.0, color="#888888", linewidth=0.5)
        axes.set_title(f"{TITLES[role]} ({len(rows):,} blocks)", weight="bold")
        style.log_axis(axes, "y", (min(limits[0], 0.9), max(limits[1], 1.12)), "ratio", most=5)
        axes.set_xlim(0, max(span / 1e9 * 1.01, 1e-3))
    panels[-1].set_xlabel("seconds since the run began")
    picture.supylabel("block ÷ usual block of the same cell", fontsize=7)
    return picture
