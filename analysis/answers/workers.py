"""Turns cells that start workers into the answer which way has N of them ready first, and how much later the others."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.stats.interval import Estimate
from analysis.stats.ratio import corrected
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.many import times_over_rounds, worker_cells
from analysis.text import units
from analysis.text.units import known


def ready_workers(analysed: AnalysedRun) -> Iterator[str]:
    """For each number of workers and each kind of imports: the way that is ready first, and the others against it.

    All pairs of all these rankings are corrected for together: the first of each is picked after the fact.
    """
    rows = worker_cells(analysed)
    rows = rows[rows["ready_lo_ns"].notna()]
    groups = [group for _, group in rows.groupby(["python", "imports", "state", "workers"], sort=False)]
    compared = [group for group in groups if len(group) > 1]
    for group in compared:
        yield f"{analysed.python_prefix(str(group['python'].iloc[0]))}{_ranking(analysed, group, len(compared))}"
    if compared:
        yield (
            "These are times until the last worker is ready, with a fork server that is started for them. "
            "Numbers of workers between or beyond those named were not measured."
        )


def _ranking(analysed: AnalysedRun, group: pd.DataFrame, rankings: int) -> str:
    ranked = group.sort_values("ready_p50_ns", kind="stable")
    best = ranked.iloc[0]
    slower, tied = [], []
    for _, row in ranked.iloc[1:].iterrows():
        ratio = _times_as_long(analysed, best, row, len(ranked), rankings)
        if known(ratio.lo) and ratio.lo > 1:
            slower.append(f"`{row['mechanism']}` {units.with_interval(ratio.center, ratio.lo, ratio.hi)}")
        else:
            tied.append(f"`{row['mechanism']}`")
    time = units.time_text(best["ready_p50_ns"], best["ready_lo_ns"], best["ready_hi_ns"])
    count = f"{best['workers']} worker{'' if best['workers'] == 1 else 's'}"
    state = f" ({best['state']})" if best["state"] else ""
    text = f"{count} with {best['imports']} imports{state}: `{best['mechanism']}` has them ready in {time}."
    if tied:
        text += f" Whether {' or '.join(tied)} takes longer cannot be told from this run."
    if slower:
        text += f" Times as long: {', '.join(slower)}."
    return text


def _times_as_long(
    analysed: AnalysedRun, best: pd.Series, other: pd.Series, mechanisms: int, rankings: int
) -> Estimate:
    base, new = int(best["cell"]), int(other["cell"])
    return times_over_rounds(analysed, "ready_p50_ns", base, new, mechanisms, corrected(rankings))
