"""Turns a run into one row of figures for every cell, and that into summary.csv."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.read.run import Run
from analysis.stats.interval import Estimate, median_interval
from analysis.stats.rounds import round_table, warm_calls
from analysis.stats.tail import quantile_interval
from analysis.text.spreadsheet import text_cell
from analysis.write_file import write_file
from bench import schema
from bench.schema import Role, SubjectStatus

_DECIMALS = {"rel_p50": 6, "rel_lo": 6, "rel_hi": 6, "parent_faults": 3, "child_faults": 3} | dict.fromkeys(
    ("per_second", "per_second_lo", "per_second_hi"), 3
)


def summarise(run: Run, calls: pd.DataFrame | None = None, rounds: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a cell, columns as in `bench.schema.SUMMARY`, in the order of cells.csv.

    `calls` and `rounds` are the run's `warm_calls` and `round_table`, where the caller has them already.
    Times are whole nanoseconds. Missing values (no calls, no control, too few rounds or calls) are NaN.
    Raises `LoadError` where the run's calls cannot be read.
    """
    calls = warm_calls(run) if calls is None else calls
    rounds = round_table(run, calls) if rounds is None else rounds
    failed = run.complete(run.subjects)
    errors = failed[failed["status"] == SubjectStatus.ERROR]["cell"].value_counts()
    by_round = _rounds_by_cell(rounds)
    by_cell = _calls_by_cell(calls)
    at_once = set(run.cells["cell"][run.cells["subjects"].notna()])
    rows = []
    for number in run.cells["cell"]:
        figures: dict[str, Any] = {"errors": int(errors.get(number, 0)), "rounds": 0, "calls": 0}
        if number in by_round:
            figures |= _round_figures(by_round[number]) | _call_figures(by_cell[number])
        if number in by_round and number in at_once:
            figures |= _throughput(by_round[number])
        rows.append(figures)
    added = pd.DataFrame(rows, index=run.cells.index)
    summary = pd.concat([run.cells, added], axis=1).reindex(columns=list(schema.SUMMARY.header))
    # A cell with a NaN interval makes its column an object column in pandas unless told otherwise.
    optional = {column.name: "float64" for column in schema.SUMMARY.columns if column.optional and column.kind != "str"}
    return summary.astype(optional)


Columns = Mapping[str, NDArray[Any]]


def _rounds_by_cell(rounds: pd.DataFrame) -> dict[int, Columns]:
    """The columns of each cell's rounds, which are ordered by cell: a DataFrame for each would take far longer."""
    cells = rounds["cell"].to_numpy()
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    parts = {name: np.split(rounds[name].to_numpy(), starts[1:]) for name in rounds.columns}
    return {int(cells[start]): {name: parts[name][place] for name in parts} for place, start in enumerate(starts)}


def _round_figures(rounds: Columns) -> dict[str, Any]:
    """What is sampled round by round: medians, relative latency, page faults."""
    p50 = median_interval(_known(rounds["p50_ns"]))
    rel = median_interval(_known(rounds["rel"]))
    return {
        "rounds": len(rounds["calls"]),
        "calls": int(rounds["calls"].sum()),
        **_times("p50", p50),
        **_times("call_p50", median_interval(_known(rounds["call_p50_ns"]))),
        **_times("ready_p50", median_interval(_known(rounds["ready_p50_ns"])), ends=False),
        "rel_p50": rel.center,
        "rel_lo": rel.lo,
        "rel_hi": rel.hi,
        "parent_faults": median_interval(_known(rounds["parent_faults"])).center,
        "child_faults": median_interval(_known(rounds["child_faults"])).center,
    }


def _throughput(rounds: Columns) -> dict[str, float]:
    """What subjects that work at the same time make in a second together."""
    made = median_interval(_known(rounds["per_second"]))
    return {"per_second": made.center, "per_second_lo": made.lo, "per_second_hi": made.hi}


def _call_figures(rounds: list[NDArray[Any]]) -> dict[str, Any]:
    """What is taken over all calls: the smallest and the high percentiles."""
    pooled = np.concatenate(rounds)
    p99 = quantile_interval(rounds, 0.99)
    return {
        "min_ns": pooled.min(),
        "p90_ns": round(float(np.quantile(pooled, 0.90))),
        # An interval that rests on too few rounds is too narrow to be shown: the value stands alone.
        **_times("p99", replace(p99, lo=math.nan, hi=math.nan) if p99.warnings else p99),
        **_times("p999", quantile_interval(rounds, 0.999), ends=False),
    }


def _known(column: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(column, dtype=np.float64)
    return np.asarray(values[~np.isnan(values)])


def _times(name: str, estimate: Estimate, ends: bool = True) -> dict[str, float]:
    """The columns of a time, rounded to whole nanoseconds."""
    values = {f"{name}_ns": estimate.center}
    if ends:
        values |= {f"{name}_lo_ns": estimate.lo, f"{name}_hi_ns": estimate.hi}
    return {key: value if math.isnan(value) else float(round(value)) for key, value in values.items()}


def _calls_by_cell(calls: pd.DataFrame) -> dict[int, list[NDArray[Any]]]:
    """Total times (ns) of the mechanism's calls: for each cell, one array for each round that has any."""
    mechanism = calls[calls["role"] == Role.MECHANISM]
    rounds = int(mechanism["round"].max()) + 1 if len(mechanism) else 1
    keys = mechanism["cell"].to_numpy(dtype=np.int64) * rounds + mechanism["round"].to_numpy()
    # Numbers of 16 bits are sorted by radix, in one pass over millions of calls.
    narrow = keys.astype(np.uint16) if len(keys) and keys.max() < 1 << 16 else keys
    order = np.argsort(narrow, kind="stable")
    keys, times = keys[order], mechanism["total_ns"].to_numpy()[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    by_cell: dict[int, list[NDArray[Any]]] = {}
    for key, part in zip(keys[starts], np.split(times, starts[1:]) if len(starts) else [], strict=True):
        by_cell.setdefault(int(key) // rounds, []).append(part)
    return by_cell


def write_summary(run: Run, summary: pd.DataFrame) -> None:
    """Write `summary` (of `summarise`) as summary.csv into the run's directory.

    The same run gives the same bytes: fixed decimals, no index, lines end in a line feed. Raises `OSError`.
    """
    write_file(run.path / schema.SUMMARY.file, summary_csv(summary))


def summary_csv(summary: pd.DataFrame) -> str:
    """`summary` as the text of a CSV file; missing values are empty, and a text is no formula to a spreadsheet."""
    shown: list[list[str]] = []
    for column in schema.SUMMARY.columns:
        values, decimals = summary[column.name].tolist(), _DECIMALS.get(column.name, 0)
        is_text = column.kind == "str"
        shown.append([text_cell(value) if is_text else _number(value, decimals) for value in values])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(schema.SUMMARY.header)
    writer.writerows(zip(*shown, strict=True))
    return text.getvalue()


def _number(value: float, decimals: int) -> str:
    return "" if math.isnan(value) else f"{value:.{decimals}f}"
