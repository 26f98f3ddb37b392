"""Turns a run into its summary, read from summary.csv where that holds all rounds: reading every call takes seconds."""

from __future__ import annotations

import pandas as pd

from analysis.errors import LoadError
from analysis.read.run import Run
from analysis.read.table import read_table
from analysis.summary.cells import summarise
from bench import schema


def summary_of(run: Run) -> pd.DataFrame:
    """The run's summary, as `analysis.summary.cells.summarise` makes it. Raises `LoadError` where it cannot be made."""
    stored = stored_summary(run)
    return summarise(run) if stored is None else stored


def stored_summary(run: Run) -> pd.DataFrame | None:
    """What summary.csv says, which needs no blocks; ``None``: there is none that holds all rounds."""
    try:
        summary = read_table(run.path, schema.SUMMARY, run.document, set(run.cells["cell"]))
    except LoadError:
        return None
    if len(summary) != len(run.cells) or (summary["rounds"].max() if len(summary) else 0) != run.rounds:
        return None
    # A text that a spreadsheet would calculate is marked in summary.csv; cells.csv has it as it is.
    cells = run.cells.set_index("cell").loc[summary["cell"]]
    return summary.assign(**{name: cells[name].to_numpy() for name in ("python", "mechanism", "scenario", "level")})
