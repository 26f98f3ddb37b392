"""Turns the keys of a cell, a work or a run into the words that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.text import units
from bench.schema import state_name

IMPORTED = "imported"
# What is measured, in the order in which it is shown; unlike works are never ranked together.
WORK_TITLES = {
    "control": "control, in C",
    "baseline": "no process",
    "fork": "fork only",
    "exec": "run a program",
    "python_start": "start a Python",
    "python_call": "call in a new Python process",
    "reuse": "task to a warm pool",
    "first_write": "first write or read after a fork",
    "workers": "start workers",
    "known": "known delay",
    "imported": "imported from pyperf",
}
# Of these, whatever does the same work can be ranked.
RANKED = ("fork", "exec", "python_start", "python_call", "reuse")


def cell_name(row: pd.Series | dict[str, Any], python: bool = True) -> str:
    """A cell in words: ``os_fork rss=64MiB Python 3.11.7``; a bare parent goes without saying."""
    words = [str(row["mechanism"])]
    if (row["scenario"], row["level"]) != ("parent", "bare"):
        words.append(state_name(str(row["scenario"]), str(row["level"])))
    if python:
        words.append(f"Python {row['python']}")
    return " ".join(words)


def benchmark_names(cells: pd.DataFrame) -> dict[int, str]:
    """Name of each cell, by its number, for other tools: ``os_fork rss=64MiB``; no two are the same.

    The interpreter is in them only where there are several, so that runs of unlike releases can be compared.
    """
    several = cells["python"].nunique() > 1
    names: dict[int, str] = {}
    for cell in cells.to_dict("records"):
        name = f"{cell['mechanism']} {state_name(str(cell['scenario']), str(cell['level']))}"
        names[cell["cell"]] = f"{name} {cell['python']}" if several else name
    count = Counter(names.values())
    return {cell: name if count[name] == 1 else f"{name} cell {cell}" for cell, name in names.items()}


def latency_text(row: Mapping[Any, Any] | pd.Series) -> str:
    """The median of a summary row with its interval."""
    return units.time_text(row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"])
