"""Turns cells of several parents at the same time into the answer how many processes the machine starts in a second."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from analysis.answers.parts import rows_with_interval
from analysis.stats.ratio import corrected
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.many import at_once_cells, times_over_rounds
from analysis.text import units
from analysis.text.names import latency_text
from analysis.text.units import known


def at_once(analysed: AnalysedRun) -> Iterator[str]:
    """For each mechanism: calls a second by the number of parents, from which number on there are no more, and latency.

    The intervals of all steps between neighbouring numbers, of all mechanisms, hold together.
    """
    rows = rows_with_interval(at_once_cells(analysed))
    groups = [group for _, group in rows.groupby(["python", "mechanism", "state"], sort=False) if len(group) > 1]
    confidence = corrected(sum(len(group) - 1 for group in groups))
    for group in groups:
        first, last = group.iloc[0], group.iloc[-1]
        state = f" ({first['state']})" if first["state"] else ""
        made = "; ".join(f"{row['subjects']} at once: {_per_second(row)}" for _, row in group.iterrows())
        yield (
            f"{analysed.python_prefix(str(first['python']))}`{first['mechanism']}`{state}, calls a second of all "
            f"parents together: {made}. {_growth(analysed, group, confidence)} A call takes {latency_text(last)} with "
            f"{last['subjects']} at once, and {latency_text(first)} with {first['subjects']}."
        )


def _per_second(row: pd.Series) -> str:
    return units.with_interval(row["per_second"], row["per_second_lo"], row["per_second_hi"])


def _growth(analysed: AnalysedRun, group: pd.DataFrame, confidence: float) -> str:
    """Up to which number of parents more of them make more calls, as far as neighbours can be told apart."""
    rows = [row for _, row in group.iterrows()]
    for before, after in pairwise(rows):
        more = times_over_rounds(analysed, "per_second", int(before["cell"]), int(after["cell"]), 2, confidence)
        times = units.with_interval(more.center, more.lo, more.hi, unit=" times as many")
        step = f"{after['subjects']} parents make {times} as {before['subjects']}"
        if not known(more.lo):
            return f"This run cannot tell where that stops to grow ({'; '.join(more.warnings)})."
        if more.hi < 1:
            return f"It grows up to {before['subjects']} at once, and falls then: {step}."
        if more.lo <= 1:
            return f"No growth is seen from {before['subjects']} at once on: {step}."
    return f"It grows up to {rows[-1]['subjects']} at once; more were not measured."
