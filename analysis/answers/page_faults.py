"""Turns a run into the answer why the core mechanisms take so long: page faults and CPU time of a call."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.answers.parts import core_rows
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.text import units
from analysis.text.units import known
from bench.schema import Role


def page_faults(analysed: AnalysedRun) -> Iterator[str]:
    """Page faults and CPU time of a call of each core mechanism, and what each extra fault of a fork goes with."""
    for python in analysed.pythons:
        for row in core_rows(analysed, python):
            usage = analysed.usage_per_call(int(row["cell"]), Role.MECHANISM)
            if usage["parent_faults"].notna().any():
                yield f"{analysed.python_prefix(python)}{_causes(analysed, row, usage)}"


def _causes(analysed: AnalysedRun, row: pd.Series, usage: pd.DataFrame) -> str:
    """Sentences on one row; `usage` is that of its mechanism, one line for each round."""
    child_counted = bool(usage[["child_faults", "child_user_ns", "child_sys_ns"]].sum(axis=1).any())
    sentences = [f"`{row['mechanism']}`: a call has {_faults_text(usage, ' page faults')}."]
    if not child_counted:
        sentences.append("This child is not the parent's own child, so its page faults and CPU time are not counted.")
    control_usage = analysed.usage_per_call(int(row["cell"]), Role.CONTROL)
    if len(control_usage) and control_usage["parent_faults"].notna().any():
        sentences.append(f"Its C control has {_faults_text(control_usage)}.")
        if row["work"] == "fork":
            sentences.append(_extra_faults(analysed.rounds_of(int(row["cell"])), usage, control_usage))
    sentences.append(_cpu_time(usage, child_counted))
    return " ".join(filter(None, sentences))


def _extra_faults(rounds: pd.DataFrame, usage: pd.DataFrame, control_usage: pd.DataFrame) -> str:
    """How many more faults the mechanism has than its control, and the extra time for each; empty: not shown."""
    extra_faults = (usage - control_usage)[["parent_faults", "child_faults"]].sum(axis=1)
    extra_ns = rounds["p50_ns"] - rounds["control_p50_ns"]
    per_fault = median_over_rounds(extra_ns / extra_faults.where(extra_faults >= 1))
    if not (known(per_fault.lo) and per_fault.lo > 0):
        return ""
    time = units.time_text(per_fault.center, per_fault.lo, per_fault.hi)
    return f"That is {_count_text(extra_faults)} more faults, and {time} of Python's own time for each of them."


def _cpu_time(usage: pd.DataFrame, child_counted: bool) -> str:
    parent, child = (
        median_over_rounds(usage[f"{process}_user_ns"] + usage[f"{process}_sys_ns"]) for process in ("parent", "child")
    )
    if not (known(parent.center) and known(child.center)):
        return ""
    in_parent, in_child = (units.time_text(part.center, part.lo, part.hi) for part in (parent, child))
    return f"CPU time: {in_parent} in the parent{f', {in_child} in the child' if child_counted else ''}."


def _faults_text(usage: pd.DataFrame, noun: str = "") -> str:
    parent, child = (_count_text(usage[f"{process}_faults"]) for process in ("parent", "child"))
    return f"{parent}{noun} in the parent and {child} in the child"


def _count_text(counts: pd.Series) -> str:
    """A number of faults a call: one decimal, and no interval where that hides it."""
    median = median_over_rounds(counts)
    center, lo, hi = (f"{round(value, 1):g}" for value in (median.center, median.lo, median.hi))
    return center if lo == hi or not known(median.lo) else f"{center} ({lo} to {hi})"
