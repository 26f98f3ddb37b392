"""Turns an analysed run into the table of decisions: for each kind of work the cheapest way, and what others cost more.

One row is a work of one interpreter, in the main parent of the run. The answers below it have the intervals, and the
reasons; a cell of the table that stands here holds for all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from analysis.answers.cheapest import longer_than
from analysis.answers.parts import rows_with_interval
from analysis.model.memory_growth import break_even_size, cells_of_several_sizes
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import RANKED, WORK_TITLES
from analysis.text.units import known

COLUMNS = ("kind of work", "cheapest", "takes", "as cheap, as far as can be told", "others take", "that changes")
FORK = "os_fork"
# What takes the place of a fork whose child only starts a program.
PROGRAMS = ("posix_spawn", "subprocess_run")


def decisions(analysed: AnalysedRun) -> list[list[str]]:
    """The rows of the table, under `COLUMNS`; none where nothing can be ranked."""
    return list(_rows(analysed))


def _rows(analysed: AnalysedRun) -> Iterator[list[str]]:
    rows = rows_with_interval(analysed.main_cells())
    for python in analysed.pythons:
        for work in RANKED:
            ranked = rows[(rows["python"] == python) & (rows["work"] == work)].sort_values("p50_ns")
            if len(ranked) > 1 or (len(ranked) and work == "fork"):
                yield _row(analysed, python, work, ranked)


def _row(analysed: AnalysedRun, python: str, work: str, ranked: pd.DataFrame) -> list[str]:
    best = ranked.iloc[0]
    tied, slower = [], []
    for _, row in ranked.iloc[1:].iterrows():
        ratio = longer_than(analysed, int(best["cell"]), int(row["cell"]), len(ranked))
        if known(ratio.lo) and ratio.lo > 1:
            slower.append(ratio.center)
        else:
            tied.append(f"`{row['mechanism']}`")
    others = units.MISSING
    if slower:
        least, most = (f"{times:.3g}" for times in (min(slower), max(slower)))
        others = f"{least} to {most} times as long" if least != most else f"{least} times as long"
    return [
        f"{analysed.python_prefix(python)}{WORK_TITLES[work]}",
        f"`{best['mechanism']}`",
        units.time_text(best["p50_ns"]),
        ", ".join(tied) or units.MISSING,
        others,
        _change(analysed, python, str(best["mechanism"])),
    ]


def _change(analysed: AnalysedRun, python: str, best: str) -> str:
    """From which size of the parent on the choice is another one; only a fork has such a size."""
    if best != FORK:
        return units.MISSING
    measured = set(cells_of_several_sizes(analysed)["mechanism"])
    others = [name for name in PROGRAMS if name in measured]
    found = []
    for other in others:
        size = break_even_size(analysed, python, FORK, other, comparisons=len(others))
        if size is not None and not size.warnings and not math.isinf(size.center):
            found.append((size.center, other))
    if not found:
        return units.MISSING
    at, other = min(found)
    return f"to start a program, `{other}` takes less time from {units.bytes_text(at)} on"
