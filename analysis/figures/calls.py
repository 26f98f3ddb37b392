"""Turns the calls of the core mechanisms into their distribution: the share done in time, and the tail."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures import NoPicture, figure, palette, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from bench.schema import CORE

POINTS = 400  # a line; more cannot be told apart at column width


def ranks(calls: int) -> np.ndarray:
    """At most about `POINTS` ranks (0 to calls - 1): even over the body, geometric towards the slowest."""
    if calls <= POINTS:
        return np.arange(calls)
    body = np.linspace(0, calls - 1, POINTS // 2)
    tail = calls - np.geomspace(1, calls, POINTS // 2)
    return np.unique(np.concatenate([body, tail]).round().astype(np.int64))


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """Points of a distribution: `total_ns`, `done` (share of calls that fast), `slower` (share at least that slow)."""
    bare = analysed.main_cells()
    parts = []
    for _, cell in bare[bare["mechanism"].isin(CORE)].iterrows():
        calls = np.sort(analysed.call_times_ns(int(cell["cell"])))
        if len(calls):
            chosen_ranks = ranks(len(calls))
            parts.append(
                pd.DataFrame(
                    {
                        "total_ns": calls[chosen_ranks],
                        "done": (chosen_ranks + 1) / len(calls),
                        "slower": 1 - chosen_ranks / len(calls),
                    }
                ).assign(
                    **{
                        name: cell[name]
                        for name in ("python", "mechanism", "p50_ns", "p99_ns", "p99_lo_ns", "p99_hi_ns")
                    },
                    calls=len(calls),
                )
            )
    if not parts:
        raise NoPicture(f"none of {', '.join(f'`{name}`' for name in CORE)} was measured")
    return pd.concat(parts, ignore_index=True)


def says(frame: pd.DataFrame) -> str:
    """The time that one call in a hundred of each mechanism exceeds, where there are enough calls to tell it."""
    first = frame[frame["python"] == frame["python"].iloc[0]]
    parts = []
    for name, rows in first.groupby("mechanism", sort=False):
        row = rows.iloc[0]
        if units.known(row["p99_ns"]):
            bound = units.time_text(row["p99_ns"], row["p99_lo_ns"], row["p99_hi_ns"])
            parts.append(f"{bound} for `{name}` ({row['p99_ns'] / row['p50_ns']:.2g} times its median)")
    several = f" (Python {first['python'].iloc[0]})" if frame["python"].nunique() > 1 else ""
    if not parts:
        return f"This run holds too few calls to tell how slow the slowest call in a hundred is{several}."
    return f"One call in a hundred takes longer than{several}: {'; '.join(parts)}."


@figure("calls", "Every call of the core mechanisms", order=2, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """Above the share of calls done within a time, below the share that took longer, down to single calls."""
    picture = style.new_figure(4.1)
    body, tail = picture.subplots(2, 1, sharex=True)
    names, pythons = list(dict.fromkeys(frame["mechanism"])), list(dict.fromkeys(frame["python"]))
    for (name, python), rows in frame.groupby(["mechanism", "python"], sort=False):
        colour = palette.COLOURS[list(CORE).index(str(name))]
        dash = style.DASHES[pythons.index(python) % len(style.DASHES)]
        first = rows.iloc[:1].assign(done=0.0)
        body.step(
            *pd.concat([first, rows])[["total_ns", "done"]].to_numpy().T, where="post", color=colour, linestyle=dash
        )
        tail.step(rows["total_ns"], rows["slower"], where="pre", color=colour, linestyle=dash)
    body.set_ylim(0, 1.02)
    body.set_ylabel("calls done")
    body.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    lowest = frame["slower"].min()
    tail.set_yscale("log")
    tail.set_ylim(lowest / 1.3, 1.3)
    tail.yaxis.set_major_locator(FixedLocator([10.0**-power for power in range(8) if 10.0**-power >= lowest / 1.3]))
    tail.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "all" if value > 0.5 else f"1 in {1 / value:,.0f}"))
    tail.yaxis.set_minor_locator(NullLocator())
    tail.set_ylabel("calls that take longer")
    style.log_axis(tail, "x", style.padded(frame["total_ns"], 0.03), "time")
    tail.set_xlabel("time from the call until the child is reaped")
    handles = [Line2D([], [], color=palette.COLOURS[list(CORE).index(name)], label=name) for name in names]
    if len(pythons) > 1:
        handles += [
            Line2D(
                [], [], color=palette.BLACK, linestyle=style.DASHES[index % len(style.DASHES)], label=f"Python {python}"
            )
            for index, python in enumerate(pythons)
        ]
    style.legend(picture, handles, 3)
    return picture
