"""Turns a run into the cells of which several were measured at once: parents side by side, or workers of one parent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.stats.interval import Estimate
from analysis.stats.ranking import times_as_long
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.summary.parts import parts_of, without

AT_ONCE, WORKERS, IMPORTS = "at_once", "workers", "worker_imports"


def at_once_cells(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary rows of cells with several subjects at once, a group for each interpreter, mechanism and ``state``.

    ``state`` is what else is true of the parent. Groups are in the order of the cells, each by ascending ``subjects``;
    groups with one number of subjects are left out.
    """
    rows = analysed.summary
    rows = rows[rows["subjects"].notna() & rows["p50_ns"].notna()]
    states = [without(parts_of(row), (AT_ONCE,)) for row in rows.to_dict("records")]
    rows = rows.assign(state=states, subjects=rows["subjects"].astype(int))
    return _several(rows, ["python", "mechanism", "state"], "subjects")


def worker_cells(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary rows of cells that start workers, by interpreter, ``imports``, ``state`` and number of ``workers``.

    Columns besides: ``ready_lo_ns`` and ``ready_hi_ns``, the 95 % interval of ``ready_p50_ns``.
    """
    rows = analysed.summary
    rows = rows[(rows["work"] == WORKERS) & rows["ready_p50_ns"].notna()]
    parts = [parts_of(row) for row in rows.to_dict("records")]
    ready = [median_over_rounds(analysed.rounds_of(cell)["ready_p50_ns"]) for cell in rows["cell"]]
    rows = rows.assign(
        workers=[int(part.get(WORKERS, "1")) for part in parts],
        imports=[part.get(IMPORTS, "light") for part in parts],
        state=[without(part, (WORKERS, IMPORTS, "parent")) for part in parts],
        ready_lo_ns=[one.lo for one in ready],
        ready_hi_ns=[one.hi for one in ready],
    )
    return _ordered(rows, ["python", "imports", "state"], "workers")


def times_over_rounds(
    analysed: AnalysedRun, column: str, base: int, other: int, mechanisms: int, confidence: float
) -> Estimate:
    """Cell `other` ÷ cell `base` in a column of the rounds that both have (see `analysis.stats.ranking`)."""
    columns = [analysed.rounds_of(cell)[column] for cell in (base, other)]
    both = pd.concat(columns, axis=1, keys=["base", "other"]).dropna()
    return times_as_long(both["base"].to_numpy(), both["other"].to_numpy(), mechanisms, confidence)


def _ordered(rows: pd.DataFrame, group: list[str], by: str) -> pd.DataFrame:
    """Groups in the order in which their first cell comes, each sorted; cells of one number keep their order."""
    places = rows.groupby(group, sort=False).ngroup() if len(rows) else pd.Series(dtype=int)
    order = np.lexsort((rows["cell"], rows[by], places))
    return rows.iloc[order]


def _several(rows: pd.DataFrame, group: list[str], by: str) -> pd.DataFrame:
    """Without the groups in which `by` has one value only."""
    if rows.empty:
        return rows
    return _ordered(rows[rows.groupby(group, sort=False)[by].transform("nunique") > 1], group, by)
