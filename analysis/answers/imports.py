"""Turns parents with one more import into the answer what that import costs every later fork."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.answers.parts import UNTOLD, cannot_tell, rows_with_interval, same_rounds
from analysis.stats.ratio import Verdict, compare_paired
from analysis.stats.rise import rise
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.text import units
from analysis.text.units import known
from bench.schema import Path, Role

SCENARIO = "imports"
MEASURE_IMPORTS = "`python -m bench run --mechanism os_fork --scenario parent=bare --scenario imports=numpy` does so"


def imports(analysed: AnalysedRun) -> Iterator[str]:
    """For each import and mechanism: the time that it adds against the bare parent; all lines hold together."""
    bare = rows_with_interval(analysed.bare_cells()).set_index(["python", "mechanism"])["cell"]
    rows = rows_with_interval(analysed.cells_at(SCENARIO))
    rows = rows[rows["path"] == Path.FORK]  # what does not fork copies nothing of what was imported
    pairs = [(row, int(bare[key])) for _, row in rows.iterrows() if (key := (row["python"], row["mechanism"])) in bare]
    if not pairs:
        yield cannot_tell(f"no fork was measured both in a bare parent and with an import; {MEASURE_IMPORTS}")
    for row, bare_cell in pairs:
        yield f"{analysed.python_prefix(row['python'])}{_cost(analysed, row, bare_cell, len(pairs))}"


def _cost(analysed: AnalysedRun, row: pd.Series, bare_cell: int, comparisons: int) -> str:
    """Sentences on one import, told as one of so many."""
    what, fork = f"`import {row['level']}`", f"`{row['mechanism']}`"
    before, after = same_rounds(analysed, bare_cell, int(row["cell"]))
    ratio = compare_paired(before, after, comparisons=comparisons)
    if ratio.verdict is None:
        return f"{UNTOLD} of {what} and {fork}: {ratio.reason}."
    percent = units.percent_text(ratio.ratio - 1, ratio.lo - 1, ratio.hi - 1)
    faults = _more_faults(analysed, bare_cell, int(row["cell"]))
    if ratio.verdict is Verdict.SAME:
        return f"{what} costs later {fork} nothing that matters: {percent}{faults}."
    added = rise(before, after, comparisons)
    # A share and a time are two statistics of the same rounds; where they scatter much, only one of them may be told.
    if ratio.verdict is Verdict.UNCLEAR or added.lo <= 0 <= added.hi:
        return f"{UNTOLD} what {what} costs later {fork}: {percent}{faults}. More rounds would tell (`--rounds`)."
    if added.center > 0:
        time = units.time_text(added.center, added.lo, added.hi)
        return f"{what} adds {time} to every later {fork}, {percent}{faults}."
    saved = units.time_text(-added.center, -added.hi, -added.lo)
    return f"{what} takes {saved} off every later {fork}, {percent}{faults}."


def _more_faults(analysed: AnalysedRun, bare_cell: int, cell: int) -> str:
    """How many more page faults parent and child have, in words; empty: not counted."""
    counts = [
        analysed.usage_per_call(number, Role.MECHANISM)[["parent_faults", "child_faults"]].sum(axis=1, skipna=False)
        for number in (bare_cell, cell)
    ]
    more = median_over_rounds(counts[1] - counts[0])
    if not known(more.center):
        return ""
    kind = "more" if more.center >= 0 else "fewer"
    return f", with {abs(round(more.center, 1)):g} {kind} page faults a call"
