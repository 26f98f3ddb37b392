"""Turns runs of different schedules into the widths of their intervals, so that schedules are judged by them.

``python -m analysis.experiments.schedule_widths DIR`` reads what ``python -m bench.experiments.schedules
--results DIR`` left there.
A schedule is better if the intervals of the core mechanisms are narrower in equal wall time. Calls alone are no merit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.errors import LoadError
from analysis.read.run import Run, find_runs, load_run
from analysis.summary.cells import summarise
from bench.schema import CORE
from bench.schema.visible import visible


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line a schedule (the label of its runs), the one with the narrowest intervals first."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.experiments.schedule_widths", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="what `python -m bench.experiments.schedules` measured into"
    )
    folder: Path = parser.parse_args(argv).folder
    try:
        paths = find_runs(folder)
        if not paths:
            raise LoadError(f"{folder}: no runs; measure with python -m bench.experiments.schedules --results {folder}")
        table = by_label([figures(load_run(path)) for path in paths])
    except LoadError as error:
        print(visible(f"analysis.experiments.schedule_widths: {error}"), file=sys.stderr)
        return 2
    print("half-width of the 95 % interval of relative latency, in percent, median over runs; bare parent")
    print(table.to_string(index=False, na_rep="–", float_format=lambda value: f"{value:.2f}"))
    return 0


def figures(run: Run) -> dict[str, object]:
    """One run: its label, rounds, share of wall time in calls (%), and the half-width (%) of each core mechanism.

    The half-width is that of the interval of relative latency, of absolute latency where there is no control.
    """
    summary = summarise(run)
    bare = summary[(summary["scenario"] == "parent") & (summary["level"] == "bare")]
    share = run.document.share_in_calls
    found: dict[str, object] = {
        "schedule": run.document.label or "(no label)",
        "rounds": run.rounds,
        "in calls": None if share is None else 100 * share,
    }
    for name in CORE:
        rows = bare[bare["mechanism"] == name]
        widths = [_half_width(row) for _, row in rows.iterrows()]
        found[name] = statistics.median(widths) if widths else None
    return found


def _half_width(row: pd.Series) -> float:
    """In percent of the value; NaN where there is no interval."""
    center, lo, hi = (
        ("rel_p50", "rel_lo", "rel_hi") if pd.notna(row["rel_p50"]) else ("p50_ns", "p50_lo_ns", "p50_hi_ns")
    )
    return float(100 * (row[hi] - row[lo]) / 2 / row[center])


def by_label(runs: Sequence[dict[str, object]]) -> pd.DataFrame:
    """One row a label: number of runs, and the median of each figure over them; narrowest first.

    Schedules are ordered by the mean of their half-widths relative to the best of each mechanism, so that one
    mechanism with wide intervals does not decide alone.
    """
    table = pd.DataFrame(runs)
    numbers = [name for name in table.columns if name != "schedule"]
    table[numbers] = table[numbers].astype("float64")
    grouped = table.groupby("schedule", sort=True)
    medians = grouped[numbers].median()
    medians.insert(0, "runs", grouped.size())
    widths = medians[[name for name in CORE if name in medians]]
    medians["to the best"] = (widths / widths.min()).mean(axis=1)
    return medians.sort_values("to the best", kind="stable").reset_index()


if __name__ == "__main__":
    sys.exit(main())
