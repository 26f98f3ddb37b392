"""Turns a run into the parts that several answers share: rows that have an interval, and the line for no answer."""

from __future__ import annotations

import pandas as pd

from analysis.summary.analysed_run import AnalysedRun
from bench.schema import CORE

MEASURE_SIZES = (
    "`python -m bench run --mechanism os_fork --mechanism subprocess_run --scenario rss=0,64MiB,512MiB` does so"
)


def cannot_tell(reason: str) -> str:
    """The line that stands where an answer would."""
    return f"This run cannot tell: {reason}."


def rows_with_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose median has an interval: an answer says nothing about the others."""
    return rows[rows["p50_lo_ns"].notna()]


def core_rows(analysed: AnalysedRun, python: str) -> list[pd.Series]:
    """The summary rows of the core mechanisms that one interpreter was measured with."""
    rows = rows_with_interval(analysed.main_cells())
    rows = rows[(rows["python"] == python) & rows["mechanism"].isin(CORE)]
    return [row for _, row in rows.iterrows()]
