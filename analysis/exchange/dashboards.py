"""Turns the summary of a run into the files of two dashboards for continuous benchmarks.

Both get a cell under the name that pyperf's file has for it, so that a series goes on from run to run. Only medians go
there: latency in nanoseconds, and relative latency, in which the drift of a shared machine cancels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.errors import LoadError
from analysis.read.run import Run
from analysis.text.names import benchmark_names
from analysis.text.units import known

RELATIVE = "relative to C"
# The built-in measures of Bencher (bencherdev/bencher, lib/bencher_json/src/project/measure/built_in.rs): latency is
# in nanoseconds, throughput in operations a second. It makes a measure of any other name when it first sees it.
LATENCY, THROUGHPUT, RELATIVE_MEASURE = "latency", "throughput", "relative-latency"
# lib/bencher_valid/src/benchmark_name.rs there: bytes of UTF-8.
MOST_NAME = 1024


def github_action(run: Run, summary: pd.DataFrame) -> str:
    """The JSON of `tool: customSmallerIsBetter` of benchmark-action/github-action-benchmark (its README and
    src/extract.ts): a list of objects with `name`, `unit`, `value`, and optional `range` and `extra`.

    A `range` is the larger distance of an end of the 95 % interval, since the action knows no other than ``± x``.
    Raises `LoadError` where there is no cell with a figure.
    """
    entries: list[dict[str, Any]] = []
    for name, row in _measured(run, summary):
        extra = (
            f"{row['rounds']:.0f} rounds, {row['calls']:.0f} calls\n{row['work']}, Python {row['python']}\n{run.name}"
        )
        latency = {"name": name, "unit": "ns", "value": int(row["p50_ns"])}
        entries.append(latency | _range(row, "p50_ns", "p50_lo_ns", "p50_hi_ns") | {"extra": extra})
        if known(row["rel_p50"]):
            relative = {"name": f"{name}, {RELATIVE}", "unit": "×", "value": round(float(row["rel_p50"]), 6)}
            entries.append(relative | _range(row, "rel_p50", "rel_lo", "rel_hi") | {"extra": extra})
    return _json(entries)


def bencher(run: Run, summary: pd.DataFrame) -> str:
    """The Bencher Metric Format (bencherdev/bencher, lib/bencher_json/src/project/metric/mod.rs): for each benchmark
    its measures, each with a `value`, and the ends of its 95 % interval as `lower_value` and `upper_value`.

    Raises `LoadError` where there is no cell with a figure, and for a name that Bencher does not take.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, row in _measured(run, summary):
        if len(name.encode()) > MOST_NAME:
            raise LoadError(
                f"{run.path}: the name of cell {row['cell']} has {len(name.encode()):,} bytes, and Bencher takes "
                f"{MOST_NAME:,}; export another format"
            )
        measures = {
            LATENCY: _metric(row, "p50_ns", "p50_lo_ns", "p50_hi_ns"),
            RELATIVE_MEASURE: _metric(row, "rel_p50", "rel_lo", "rel_hi"),
            THROUGHPUT: _metric(row, "per_second", "per_second_lo", "per_second_hi"),
        }
        found[name] = {measure: metric for measure, metric in measures.items() if metric}
    return _json(found)


def without_figure(run: Run, summary: pd.DataFrame) -> list[str]:
    """Names of the cells of which no dashboard can be told anything, since no call of them was measured."""
    names = benchmark_names(run.cells)
    return [names[cell] for cell in summary["cell"][summary["p50_ns"].isna()]]


def _measured(run: Run, summary: pd.DataFrame) -> Iterator[tuple[str, dict[Any, Any]]]:
    """Name and summary row of each cell with a figure."""
    rows = summary[summary["p50_ns"].notna()]
    if rows.empty:
        raise LoadError(f"{run.path}: no complete round with calls, so nothing to export; measure longer (--budget)")
    names = benchmark_names(run.cells)
    for row in rows.to_dict("records"):
        yield names[row["cell"]], row


def _range(row: dict[Any, Any], value: str, lo: str, hi: str) -> dict[str, str]:
    """The key `range`, where the row has an interval."""
    if not (known(row[lo]) and known(row[hi])):
        return {}
    return {
        "range": f"± {round(float(max(row[hi] - row[value], row[value] - row[lo])), 6):.6f}".rstrip("0").rstrip(".")
    }


def _metric(row: dict[Any, Any], value: str, lo: str, hi: str) -> dict[str, float]:
    """A figure with the ends of its interval where it has one; empty where there is no figure."""
    names = {"value": value, "lower_value": lo, "upper_value": hi}
    return {name: round(float(row[key]), 6) for name, key in names.items() if known(row[key]) and known(row[value])}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
