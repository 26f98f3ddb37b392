"""Turns first writes after a fork into two dots a row: fork and child's end, and the pass over shared pages."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, dots, figure, marks, palette, style
from analysis.model.first_write import FROZEN, HUGE, OBJECTS, SMALL, levels_of
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.text import units
from bench.schema import Work

ROW_IN = 0.15
PARENTS = {SMALL: "4 KiB pages", HUGE: "huge pages", OBJECTS: "objects", FROZEN: "objects, frozen"}
# In this order; what forks nothing is not here: it has no fork to stand beside.
ROWS = {
    "parent_rewrites": "parent writes all",
    "parent_rewrites_few": "parent writes 1 in 512",
    "child_rewrites": "child writes all",
    "child_rewrites_few": "child writes 1 in 512",
    "child_reads_objects": "child reads",
    "child_collects": "child collects",
}
NAMES = {"fork": "fork, child's end", "pass": "first write or read"}
FORK, PASS = ("fork", palette.BLUE, "o"), ("pass", palette.VERMILION, "s")


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row a cell of the first interpreter: `what`, `parent`, `level`, and the medians of `fork` and `pass`.

    `fork` is the call without the pass (ns): fork, the child's start and end, reaping. Each part has ``_lo`` and
    ``_hi`` too. Of several levels the last one is taken that both parents of a kind have.
    """
    cells = analysed.run.cells
    cells = cells[cells["work"] == Work.FIRST_WRITE]
    python = analysed.pythons[0] if analysed.pythons else ""
    levels = {scenario: _level(analysed, scenario) for scenario in PARENTS}
    rows = []
    for mechanism, what in ROWS.items():
        for scenario, parent in PARENTS.items():
            level = levels[scenario]
            chosen = (cells["mechanism"] == mechanism) & (cells["scenario"] == scenario) & (cells["level"] == level)
            chosen &= cells["python"] == python
            for number in cells.loc[chosen, "cell"]:
                rounds = analysed.rounds_of(int(number))
                parts = {"fork": rounds["p50_ns"] - rounds["call_p50_ns"], "pass": rounds["call_p50_ns"]}
                row: dict[str, object] = {"mechanism": mechanism, "what": what, "parent": parent, "level": level}
                for part, values in parts.items():
                    median = median_over_rounds(values)
                    row |= {part: median.center, f"{part}_lo": median.lo, f"{part}_hi": median.hi}
                rows.append(row)
    frame = pd.DataFrame(rows)
    if frame.empty or frame["pass"].isna().all():
        raise NoPicture(
            "no first write after a fork was measured; "
            "`--mechanism child_rewrites --scenario rss=64MiB --scenario thp=64MiB` does so"
        )
    return frame.dropna(subset=["fork", "pass"]).assign(python=python, several=len(analysed.pythons) > 1)


def _level(analysed: AnalysedRun, scenario: str) -> str:
    """The level that stands for a scenario: the last one that its like has too, or its own last one."""
    if not analysed.pythons:
        return ""
    like = {SMALL: HUGE, HUGE: SMALL, OBJECTS: FROZEN, FROZEN: OBJECTS}[scenario]
    python = analysed.pythons[0]
    levels = levels_of(analysed, python, scenario, like, passes=True) or levels_of(
        analysed, python, scenario, passes=True
    )
    return levels[-1] if levels else ""


def says(frame: pd.DataFrame) -> str:
    """The longest pass of all with the fork before it, and in which kind of parent the longest is the shortest."""
    several = f" (Python {frame['python'].iloc[0]})" if frame["several"].any() else ""
    in_order = frame.sort_values("pass", kind="stable", ascending=False)
    by_parent = in_order.drop_duplicates("parent").to_dict("records")
    text = f"The longest first pass{several} is with {_pass_text(by_parent[0])}."
    return f"{text} With {_pass_text(by_parent[-1])}." if len(by_parent) > 1 else text


def _pass_text(row: dict[Any, Any]) -> str:
    """Parent, pass and its time, with the fork before it."""
    return (
        f"{row['parent']} ({row['level']}): {row['what']}, "
        f"{units.time_text(row['pass'], row['pass_lo'], row['pass_hi'])} after a fork of "
        f"{units.time_text(row['fork'], row['fork_lo'], row['fork_hi'])}"
    )


@figure("first_write", "Fork, and the first write after it", order=6, data=data, says=says)
def draw(frame: pd.DataFrame) -> Figure:
    """One row a cell: a dot for fork and child's end, a square for the pass, each with its 95 % interval."""
    picture = style.new_figure(1.05 + len(frame) * ROW_IN)
    axes = picture.add_subplot()
    for y, (_, row) in enumerate(frame.iterrows()):
        axes.plot([row["fork"], row["pass"]], [y, y], color=palette.GREY, linewidth=0.5, zorder=1)
        for part, colour, marker in (FORK, PASS):
            values = row[part], row[f"{part}_lo"], row[f"{part}_hi"]
            dot = dots.dot_with_interval(axes, "x", y, values, palette.Look(colour, marker))
            name = f"{row['what']}, {row['parent']} ({row['level']}): {NAMES[part]}"
            marks.mark(dot, str(row["mechanism"]), name, units.time_text(*values))
    ends = [f"{part}{end}" for part in ("fork", "pass") for end in ("", "_lo", "_hi")]
    style.log_axis(axes, "x", style.padded(pd.concat([frame[name] for name in ends])), "time", most=4)
    labels = [f"{row['what']}, {row['parent']}" for _, row in frame.iterrows()]
    axes.set_yticks(range(len(frame)), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.set_xlabel("median time")
    hidden = sum(dots.hidden_intervals(axes, "x", frame, (f"{part}_lo", f"{part}_hi")) for part in NAMES)
    dots.note_hidden(picture, hidden, 2 * len(frame))
    handles = [
        dots.as_dot(Line2D([], [], label=NAMES[part]), palette.Look(colour, marker))
        for part, colour, marker in (FORK, PASS)
    ]
    style.legend(picture, handles, 2)
    return picture
