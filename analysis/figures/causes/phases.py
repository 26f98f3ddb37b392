"""Turns the cells whose children told when they began into the phases of a call, beside its page faults."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures import NoPicture, figure, marks, palette, style
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.phases import PHASES, phases_of_cell, price_of_telling, telling_cells
from analysis.text import units
from analysis.text.names import WORK_TITLES
from bench.schema import CORE, Role

ROW_IN = 0.15
MOST_NAMED = 5
PARTS = ("parent in its creating call", "call returned, child starts", "child runs, ends, is reaped")
IN_CALL, STARTS, ENDS = palette.BLUE, palette.ORANGE, palette.GREEN


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a telling cell of the first interpreter: its phases (`PHASES`, ns), page faults, and price of telling.

    ``price``, ``price_lo``, ``price_hi``: how many times as long a call takes because its child tells.
    """
    cells = telling_cells(analysed)
    if cells.empty:
        raise NoPicture("no child told when it began; `--scenario phases=told` measures cells whose children do")
    prices = price_of_telling(analysed, cells)
    cells = cells[cells["python_order"] == cells["python_order"].min()]
    rows = []
    for cell in cells.to_dict("records"):
        number = int(cell["cell"])
        usage = analysed.usage_per_call(number, Role.MECHANISM)
        counted = bool(usage[["child_faults", "child_user_ns", "child_sys_ns"]].sum(axis=1).any())
        price = prices[number]
        rows.append(
            {name: cell[name] for name in ("python", "mechanism", "work", "work_order", "parent_faults")}
            | phases_of_cell(analysed, number)
            | {"child_faults": cell["child_faults"] if counted else math.nan}
            | {"price": price.ratio, "price_lo": price.lo, "price_hi": price.hi}
            | {"label": _label(cell), "several": len(analysed.pythons) > 1}
        )
    return pd.DataFrame(rows).sort_values(["work_order", "whole_ns", "label"], ignore_index=True)


def _label(cell: dict[Any, Any]) -> str:
    """The mechanism, and the parent's state where it is not bare."""
    plain = cell["plain_scenario"], cell["plain_level"]
    return str(cell["mechanism"]) + ("" if plain == ("parent", "bare") else f" {plain[0]}={plain[1]}")


def says(frame: pd.DataFrame) -> str:
    """Where the time of a call goes for the core mechanisms that told, and what telling adds to it."""
    core = frame[frame["mechanism"].isin(CORE)]
    rows = (core if len(core) else frame).head(MOST_NAMED).to_dict("records")
    several = f" (Python {frame['python'].iloc[0]})" if frame["several"].iloc[0] else ""
    parts = "; ".join(_course(row) for row in rows)
    return f"Where the time of a call goes{several}: {parts}. {_price_text(frame)}"


def _course(row: dict[Any, Any]) -> str:
    """One call in words; what overlaps is said as such."""
    whole = row["whole_ns"]
    before, called = row["alone_ns"] + row["start_ns"], row["alone_ns"] + row["both_ns"]
    began = f"{units.time_text(before)} ({_percent(before, whole)}{_overlap_text(row['overlap'])})"
    returned = f"{units.time_text(called)} ({_percent(called, whole)})"
    return (
        f"`{row['label']}`: the child begins after {began}, the creating call returns after {returned}, "
        f"all is over after {units.time_text(whole)}"
    )


def _overlap_text(share: float) -> str:
    """Whether the child began before the creating call returned; on one CPU that may differ from call to call."""
    if not share:
        return ""
    return f"; {'' if share == 1 else f'in {100 * share:.0f} % of calls '}inside the creating call"


def _percent(time_ns: float, whole_ns: float) -> str:
    return f"{100 * time_ns / whole_ns:.0f} %"


def _price_text(frame: pd.DataFrame) -> str:
    """How many times as long calls take because their children tell, the largest of them with its interval."""
    known = frame[frame["price"].notna()]
    if known.empty:
        return "What telling adds to a call is not known: it takes the same cells without it, in enough rounds."
    row = known.sort_values("price").iloc[-1]
    text = units.ratio_text(row["price"], row["price_lo"], row["price_hi"])
    if len(known) == 1:
        return f"Because its child tells, the call takes {text} times as long."
    certain = known[(known["price_lo"] > 1) | (known["price_hi"] < 1)]
    return (
        f"Because their children tell, calls take {known['price'].min():.3g} to {known['price'].max():.3g} times as "
        f"long, the most with `{row['label']}`: {text}; "
        f"the interval excludes 1 for {len(certain) or 'none'} of {len(known)}."
    )


def _places(frame: pd.DataFrame) -> tuple[list[tuple[str, float]], list[float], float]:
    """Headings of works and rows of cells, downwards, and the height of all in rows."""
    headings, places, y = [], [], 0.0
    for work, rows in frame.groupby("work", sort=False):
        headings.append((WORK_TITLES.get(str(work), str(work)), y))
        places += [y + 1 + index for index in range(len(rows))]
        y += 1.3 + len(rows)
    return headings, places, y


def _draw_call(axes: Axes, row: pd.Series, y: float) -> None:
    """One call from left to right, in % of it; what happens at the same time lies one above the other."""
    whole = row["whole_ns"]
    alone, both, start, end = (100 * row[name] / whole for name in PHASES)
    told = row["alone_ns"] + row["both_ns"], row["start_ns"], row["both_ns"] + row["end_ns"]
    words = [f"{units.time_text(time)} ({_percent(time, whole)})" for time in told]
    bars = [
        (axes.barh(y, alone, height=0.74, color=IN_CALL), 0),
        (axes.barh(y - 0.185, both, left=alone, height=0.37, color=IN_CALL), 0),
        (axes.barh(y + 0.185, both, left=alone, height=0.37, color=ENDS), 2),
        (axes.barh(y, start, left=alone + both, height=0.74, color=STARTS), 1),
        (axes.barh(y, end, left=alone + both + start, height=0.74, color=ENDS), 2),
    ]
    named = set()
    for (bar,), part in bars:
        if bar.get_width() > 0 and part not in named:
            named.add(part)
            marks.mark(bar, str(row["mechanism"]), f"{row['label']}: {PARTS[part]}", words[part])
        else:
            marks.follow(bar, str(row["mechanism"]))
    time = units.time_text(whole)
    axes.text(1.03, y, time, transform=axes.get_yaxis_transform(), fontsize=6, va="center")


def _draw_faults(axes: Axes, row: pd.Series, y: float) -> None:
    """A dot for the page faults of the parent and one for those of the child, where they are counted."""
    for who, marker, colour, size in (("parent", "o", IN_CALL, 3.4), ("child", "D", ENDS, 2.8)):
        count = row[f"{who}_faults"]
        if units.known(count):
            (dot,) = axes.plot(count, y, marker=marker, color=colour, markeredgewidth=0, markersize=size, clip_on=False)
            name = f"{row['label']}: page faults of the {who}"
            marks.mark(dot, str(row["mechanism"]), name, f"{count:.1f} a call")


def _fault_axis(axes: Axes, frame: pd.DataFrame) -> None:
    most = max(1.0, float(pd.concat([frame["parent_faults"], frame["child_faults"]]).max()))
    # Decades, and none as what it is.
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xlim(-0.4, most * 4)
    step = 10.0 if most < 30 else 100.0 if most < 1000 else 1000.0
    axes.xaxis.set_major_locator(FixedLocator([0.0, step]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("page faults")


@figure("phases", "Where the time of a call goes", order=4, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """A bar a mechanism: its creating call, the child's start after it, the child's end; beside it the page faults."""
    headings, places, height = _places(frame)
    picture = style.new_figure(1.3 + height * ROW_IN)
    bars, faults = picture.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
    for (_, row), y in zip(frame.iterrows(), places, strict=True):
        _draw_call(bars, row, y)
        _draw_faults(faults, row, y)
    for text, y in headings:
        bars.text(
            -0.02, y, text, transform=bars.get_yaxis_transform(), fontsize=6.5, weight="bold", ha="right", va="center"
        )
    bars.set_yticks(places, list(frame["label"]))
    for axes in (bars, faults):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    bars.set_ylim(height - 0.6, -0.7)
    bars.set_xlim(0, 100)
    bars.xaxis.set_major_locator(FixedLocator([0, 50, 100]))
    bars.set_xlabel("% of the call")
    _fault_axis(faults, frame)
    _legend(picture)
    return picture


def _legend(picture: Figure) -> None:
    block: dict[str, Any] = {"marker": "s", "linewidth": 0, "markersize": 5, "markeredgewidth": 0}
    dot: dict[str, Any] = {"linewidth": 0, "markeredgewidth": 0}
    handles = [
        Line2D([], [], color=IN_CALL, label=PARTS[0], **block),
        Line2D([], [], color=STARTS, label=PARTS[1], **block),
        Line2D([], [], color=ENDS, label=PARTS[2], **block),
        Line2D([], [], color=IN_CALL, marker="o", markersize=3.4, label="faults of the parent", **dot),
        Line2D([], [], color=ENDS, marker="D", markersize=2.8, label="faults of the child", **dot),
    ]
    style.legend(picture, handles, 2)
