"""Turns a run into the parts that several answers share: rows that have an interval, and the line for no answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.summary.analysed_run import AnalysedRun
from bench.schema import CORE

MEASURE_SIZES = (
    "`python -m bench run --mechanism os_fork --mechanism subprocess_run --scenario rss=0,64MiB,512MiB` does so"
)
UNTOLD = "This run cannot tell"


def cannot_tell(reason: str) -> str:
    """The line that stands where an answer would."""
    return f"{UNTOLD}: {reason}."


def rows_with_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose median has an interval: an answer says nothing about the others."""
    return rows[rows["p50_lo_ns"].notna()]


def same_rounds(analysed: AnalysedRun, *cells: int) -> list[NDArray[np.float64]]:
    """The medians (ns) of each of `cells` in the rounds that all of them have; rounds are interleaved."""
    columns = [analysed.rounds_of(cell)["p50_ns"] for cell in cells]
    table = pd.concat(columns, axis=1, keys=range(len(cells))).dropna()
    return [table[place].to_numpy(float) for place in range(len(cells))]


def listed(names: Sequence[str]) -> str:
    """Names in code: one, or several with commas and an "and"."""
    shown = [f"`{name}`" for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def core_rows(analysed: AnalysedRun, python: str) -> list[pd.Series]:
    """The summary rows of the core mechanisms that one interpreter was measured with."""
    rows = rows_with_interval(analysed.main_cells())
    rows = rows[(rows["python"] == python) & rows["mechanism"].isin(CORE)]
    return [row for _, row in rows.iterrows()]
