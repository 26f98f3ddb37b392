"""Turns the calls of the core mechanisms into their distribution: the share done in time, and the tail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures import NoPicture, dots, figure, marks, palette, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from bench.schema import CORE

POINTS = 240  # a line; more cannot be told apart at column width
MOST_POINTS = 2400  # of all lines, so that a file stays small
FEW = 10  # beyond a point that rests on fewer calls than these, a line is drawn pale
PALE: dict[str, Any] = {"alpha": 0.4, "linewidth": 0.7}
FEW_IN_ALL = 200  # a line of fewer calls than these is thin
THIN_PT = 0.6


def ranks(calls: int, points: int = POINTS) -> np.ndarray:
    """At most about `points` ranks (0 to calls - 1): even over the body, geometric towards the slowest."""
    if calls <= points:
        return np.arange(calls)
    body = np.linspace(0, calls - 1, points // 2)
    tail = calls - np.geomspace(1, calls, points // 2)
    return np.unique(np.concatenate([body, tail]).round().astype(np.int64))


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """Points of a distribution: `total_ns`, `done` (share of calls that fast), `slower` (share at least that slow)."""
    bare = analysed.main_cells()
    core = bare[bare["mechanism"].isin(CORE)]
    points = min(POINTS, MOST_POINTS // max(1, len(core)))
    kept = ["python", "mechanism", "p50_ns", "p50_lo_ns", "p50_hi_ns", "p99_ns", "p99_lo_ns", "p99_hi_ns"]
    parts = []
    for _, cell in core.iterrows():
        calls = np.sort(analysed.call_times_ns(int(cell["cell"])))
        if len(calls):
            chosen = ranks(len(calls), points)
            shares = {"done": (chosen + 1) / len(calls), "slower": 1 - chosen / len(calls)}
            rows = pd.DataFrame({"total_ns": calls[chosen], **shares, "calls": len(calls)})
            parts.append(rows.assign(**{name: cell[name] for name in kept}))
    if not parts:
        raise NoPicture(f"none of {', '.join(f'`{name}`' for name in CORE)} was measured")
    return pd.concat(parts, ignore_index=True)


def says(frame: pd.DataFrame) -> str:
    """The slowest call in a hundred beside the median, where it is most and least, for the first interpreter."""
    first = frame[frame["python"] == frame["python"].iloc[0]]
    lines = first.drop_duplicates("mechanism")
    told = lines[lines["p99_ns"].notna()]
    several = f" (Python {first['python'].iloc[0]})" if frame["python"].nunique() > 1 else ""
    if told.empty:
        return f"This run holds too few calls to tell how slow the slowest call in a hundred is{several}."
    ordered = told.assign(times=told["p99_ns"] / told["p50_ns"]).sort_values("times", kind="stable").to_dict("records")
    longest = ordered[-1]
    text = f"One call in a hundred of `{longest['mechanism']}`{several} takes longer than {_tail(longest)}."
    if len(ordered) > 1:
        text += f" The shortest tail has `{ordered[0]['mechanism']}`: {_tail(ordered[0])}."
    few = [f"`{name}`" for name in lines[lines["p99_ns"].isna()]["mechanism"]]
    return f"{text} Calls of {', '.join(few)} are too few to tell." if few else text


def _tail(row: dict[Any, Any]) -> str:
    time = units.time_text(row["p99_ns"], row["p99_lo_ns"], row["p99_hi_ns"])
    return f"{time}, {row['times']:.2g} times its median"


@figure("calls", "Every call of the core mechanisms", order=2, data=data, says=says, one_parent=True)
def draw(frame: pd.DataFrame) -> Figure:
    """Above the share of calls done within a time, below the share that took longer, down to single calls."""
    picture = style.new_figure(4.3)
    body, tail = picture.subplots(2, 1, sharex=True)
    pythons = list(dict.fromkeys(frame["python"]))
    for (name, python), rows in frame.groupby(["mechanism", "python"], sort=False):
        dash = style.DASHES[pythons.index(str(python)) % len(style.DASHES)]
        first = rows.iloc[:1].assign(done=0.0)
        above = _draw_line(body, pd.concat([first, rows]), "done", dash)
        below = _draw_line(tail, rows, "slower", dash)
        label = f"{name}, Python {python}" if len(pythons) > 1 else str(name)
        marks.mark(above[0], str(name), label, _words(rows.iloc[0]))
        for line in (*above[1:], *below):
            marks.follow(line, str(name))
    _label_shares(body, tail, float(frame["slower"].min()))
    style.log_axis(tail, "x", style.padded(frame["total_ns"], 0.03), "time")
    tail.set_xlabel("time from the call until the child is reaped")
    style.note(
        picture,
        f"Pale: it rests on fewer than {FEW} calls. Thin: a line of fewer than {FEW_IN_ALL} calls.",
    )
    _legend(picture, frame, pythons)
    return picture


def _draw_line(axes: Axes, rows: pd.DataFrame, share: str, dash: Any) -> list[Line2D]:
    """One mechanism in one panel: solid with a marker in its middle, pale where fewer than `FEW` calls lie beyond."""
    look = palette.look_of(str(rows["mechanism"].iloc[0]))
    carried = (rows["slower"] * rows["calls"]).round() >= FEW
    solid, pale = rows[carried], rows[~carried]
    where: Any = "post" if share == "done" else "pre"
    lines: list[Line2D] = []
    for part, how in ((solid, {"linewidth": _width(rows["calls"].iloc[0])}), (pd.concat([solid.tail(1), pale]), PALE)):
        if len(part) > 1:
            at = int((part[share] - 0.5).abs().to_numpy().argmin())
            lines += axes.step(part["total_ns"], part[share], where=where, color=look.colour, linestyle=dash, **how)
            lines[-1].set(marker=look.marker if part is solid or solid.empty else "", markevery=[at], markersize=3)
    return lines


def _width(calls: int) -> float:
    return THIN_PT if calls < FEW_IN_ALL else 1.1


def _words(row: pd.Series) -> str:
    """Median, tail and number of calls of one line."""
    text = units.time_text(row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"])
    p99 = units.time_text(row["p99_ns"], row["p99_lo_ns"], row["p99_hi_ns"])
    return f"median {text}, p99 {p99 if units.known(row['p99_ns']) else 'not known'}, " + units.count_text(
        row["calls"], "call"
    )


def _label_shares(body: Axes, tail: Axes, lowest: float) -> None:
    body.set_ylim(0, 1.02)
    body.set_ylabel("calls done")
    body.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    tail.set_yscale("log")
    tail.set_ylim(lowest / 1.3, 1.3)
    tail.yaxis.set_major_locator(FixedLocator([10.0**-power for power in range(8) if 10.0**-power >= lowest / 1.3]))
    tail.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "all" if value > 0.5 else f"1 in {1 / value:,.0f}"))
    tail.yaxis.set_minor_locator(NullLocator())
    tail.set_ylabel("calls that take longer")


def _legend(picture: Figure, frame: pd.DataFrame, pythons: list[str]) -> None:
    """Mechanisms with the number of their calls, which says how much a line rests on."""
    handles = []
    for name, rows in frame.groupby("mechanism", sort=False):
        counts = rows.drop_duplicates("python")["calls"]
        few, many = f"{counts.min():,}", units.count_text(counts.max(), "call")
        label = f"{name}: {many if counts.nunique() == 1 else f'{few} to {many}'}"
        look = palette.look_of(str(name))
        line = Line2D([], [], color=look.colour, marker=look.marker, markersize=3, label=label)
        line.set_linewidth(_width(counts.max()))
        handles.append(line)
    style.legend(picture, [*handles, *dots.python_handles(pythons)], 2)
