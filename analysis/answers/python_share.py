"""Turns a run into the answer how much Python adds to the C control of each core mechanism."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.answers.parts import core_rows
from analysis.stats.ratio import MOST_RELATED
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.text import units
from analysis.text.names import latency_text
from analysis.text.units import known

ADDS = "Python adds"


def python_share(analysed: AnalysedRun) -> Iterator[str]:
    """What each core mechanism takes beyond its C control: a time, compared round by round, and a share."""
    lines = [
        f"{analysed.python_prefix(python)}{_share_of_row(analysed, row)}"
        for python in analysed.pythons
        for row in core_rows(analysed, python)
        if known(row["rel_lo"])
    ]
    yield from lines
    if any(ADDS in line for line in lines):
        yield (
            "What Python adds is the median of what the two differ by in each round. "
            "It need not be the difference of the two medians."
        )


def no_control(analysed: AnalysedRun) -> str:
    """Why a run without such an answer has none."""
    reason = analysed.run.document.control.reason
    return f"there is no C control ({reason})" if reason else "no core mechanism was measured beside a C control"


def _share_of_row(analysed: AnalysedRun, row: pd.Series) -> str:
    rounds = analysed.rounds_of(int(row["cell"]))
    control = median_over_rounds(rounds["control_p50_ns"])
    measured = (
        f"`{row['mechanism']}` took {latency_text(row)}, and its control `{row['control']}` took "
        f"{units.time_text(control.center, control.lo, control.hi)}."
    )
    if row["rel_lo"] <= 1:
        ratio = units.ratio_text(row["rel_p50"], row["rel_lo"], row["rel_hi"])
        return f"{measured} That is {ratio} times as long, which shows no share of Python's own."
    if row["rel_p50"] > MOST_RELATED:
        ratio = units.ratio_text(row["rel_p50"], row["rel_lo"], row["rel_hi"])
        return f"{measured} That is {ratio} times as long: the control is no part of it that could tell Python's share."
    added = median_over_rounds(rounds["p50_ns"] - rounds["control_p50_ns"])
    added_time = units.time_text(added.center, added.lo, added.hi)
    added_share = units.percent_text(*(1 - 1 / row[name] for name in ("rel_p50", "rel_lo", "rel_hi")))
    return f"{measured} {ADDS} {added_time}, or {added_share} of the whole."
