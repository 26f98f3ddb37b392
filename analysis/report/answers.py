"""Turns a run into answers in words with figures: what to use, what memory adds, what Python adds, and why.

Every figure comes with its 95 % interval; what the run cannot answer is said, with what it would take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.report.answers_on_size import cannot_tell, crossing, memory
from analysis.stats.interval import needed
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.text import units
from analysis.text.names import IMPORTED, RANKED, WORK_TITLES, latency_text
from analysis.text.units import known
from bench.schema import CORE

FEWEST = needed(0.5)


@dataclass(frozen=True)
class Answer:
    """A question and its answer, one line for each thing to say; code stands between backticks."""

    question: str
    lines: tuple[str, ...]


def answers(analysed: AnalysedRun) -> list[Answer]:
    """All answers that this run gives, and for those that it cannot give the reason."""
    short = too_short(analysed)
    if short or analysed.main_parent == IMPORTED:
        return [Answer("What does this run say?", (short,) if short else tuple(_imported(analysed)))]
    told = (
        ("What is the cheapest way for each kind of work?", cheapest, "no two mechanisms of one kind were measured"),
        ("What does 1 GiB more in the parent add?", memory, ""),
        ("From which size of the parent on does `subprocess_run` take less time than `os_fork`?", crossing, ""),
        ("What is Python's own share?", share, _no_control(analysed)),
        ("Why does it take that long?", why, "page faults were not counted, or no core mechanism was measured"),
    )
    return [Answer(question, tuple(tell(analysed)) or (cannot_tell(reason),)) for question, tell, reason in told]


def too_short(analysed: AnalysedRun) -> str:
    """Why this run answers nothing at all, or an empty string."""
    if analysed.summary["p50_lo_ns"].notna().any():
        return ""
    rounds = int(analysed.summary["rounds"].max()) if len(analysed.summary) else 0
    return (
        f"Nothing that could be relied on: no cell has more than {rounds} complete rounds, and {FEWEST} are the fewest "
        f"that carry an interval. Measure again with `--rounds {FEWEST}` or more, or with a larger `--budget`."
    )


def _imported(analysed: AnalysedRun) -> Iterator[str]:
    """The medians of foreign benchmarks, which are neither ranked nor set beside a control."""
    for row in _solid(analysed.main_cells()).to_dict("records"):
        yield f"{analysed.python_prefix(row['python'])}`{row['mechanism']}`: {latency_text(row)}"
    yield cannot_tell(
        "it was imported from pyperf, without a control and with benchmarks of its own, so what a process costs, "
        "what memory adds and which part is Python's are not in it"
    )


def _no_control(analysed: AnalysedRun) -> str:
    reason = (analysed.run.document.get("control") or {}).get("reason")
    return f"there is no C control ({reason})" if reason else "no core mechanism was measured beside a C control"


def _solid(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that have an interval: nothing is said about the others."""
    return rows[rows["p50_lo_ns"].notna()]


def cheapest(analysed: AnalysedRun) -> Iterator[str]:
    """For each work and interpreter: the mechanism with the lowest median, and what cannot be told from it."""
    rows, equal = _solid(analysed.main_cells()), _solid(analysed.cells_at("parent", "equal"))
    for python in analysed.pythons:
        for work in RANKED:
            ranked = _of(rows, python, work)
            if not ranked.empty:
                alone = ", the only one measured" if len(ranked) == 1 else ""
                line = f"{analysed.python_prefix(python)}{WORK_TITLES[work]}: {_ranking(analysed, ranked)}{alone}."
                fair = _of(equal, python, work)
                if len(fair):
                    line += f" With the same modules loaded in every parent: {_ranking(analysed, fair)}."
                yield line


def _of(rows: pd.DataFrame, python: str, work: str) -> pd.DataFrame:
    return rows[(rows["python"] == python) & (rows["work"] == work)].sort_values("p50_ns")


def _ranking(analysed: AnalysedRun, ranked: pd.DataFrame) -> str:
    """The first of `ranked` against the others, round by round; rounds are what was interleaved."""
    best = ranked.iloc[0]
    base = analysed.rounds_of(int(best["cell"]))["p50_ns"]
    text = f"`{best['mechanism']}` with {latency_text(best)}"
    behind, level = [], []
    for _, row in ranked.iloc[1:].iterrows():
        ratio = median_over_rounds(analysed.rounds_of(int(row["cell"]))["p50_ns"] / base)
        if known(ratio.lo) and ratio.lo > 1:
            times = units.with_interval(ratio.center, ratio.lo, ratio.hi, unit=" times as long")
            behind.append(f"`{row['mechanism']}`, {times}")
        else:
            level.append(f"`{row['mechanism']}`")
    if level:
        text += f", which this run cannot tell from {_listed(level)}"
    if behind:
        last = f", and last {behind[-1]}" if len(behind) > 1 else ""
        text += f"; next {behind[0]}{last}"
    return text


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _core(analysed: AnalysedRun, python: str) -> list[pd.Series]:
    rows = _solid(analysed.main_cells())
    rows = rows[(rows["python"] == python) & rows["mechanism"].isin(CORE)]
    return [row for _, row in rows.iterrows()]


def share(analysed: AnalysedRun) -> Iterator[str]:
    """Of each core mechanism: what is beyond its C control, in time (round by round) and as a share of the whole."""
    for python in analysed.pythons:
        for row in _core(analysed, python):
            if known(row["rel_lo"]):
                yield f"{analysed.python_prefix(python)}{_beyond(analysed, row)}"


def _beyond(analysed: AnalysedRun, row: pd.Series) -> str:
    rounds = analysed.rounds_of(int(row["cell"]))
    more = median_over_rounds(rounds["p50_ns"] - rounds["control_p50_ns"])
    head = (
        f"`{row['mechanism']}` took {latency_text(row)}, its control `{row['control']}` "
        f"{units.time_text(row['control_p50_ns'])}"
    )
    if row["rel_lo"] <= 1:
        ratio = units.ratio_text(row["rel_p50"], row["rel_lo"], row["rel_hi"])
        return f"{head}: no share of Python's own is shown, it took {ratio} times as long."
    part = units.percent_text(*(1 - 1 / row[name] for name in ("rel_p50", "rel_lo", "rel_hi")))
    return f"{head}: {units.time_text(more.center, more.lo, more.hi)} or {part} is what Python adds."


def why(analysed: AnalysedRun) -> Iterator[str]:
    """Page faults and CPU time for each call of the core mechanisms, and what the extra faults of a fork go with."""
    for python in analysed.pythons:
        for row in _core(analysed, python):
            own = analysed.usage_per_call(int(row["cell"]), "mechanism")
            if own["parent_faults"].notna().any():
                yield f"{analysed.python_prefix(python)}{_causes(analysed, row, own)}"


def _causes(analysed: AnalysedRun, row: pd.Series, own: pd.DataFrame) -> str:
    text = f"`{row['mechanism']}`: page faults a call: {_faults(own)}"
    unseen = not own[["child_faults", "child_user_ns", "child_sys_ns"]].sum(axis=1).any()
    if unseen:
        text += " (which is not the parent's own child and so not counted)"
    control = analysed.usage_per_call(int(row["cell"]), "control")
    beside = bool(len(control)) and bool(control["parent_faults"].notna().any())
    if beside:
        text += f"; its C control {_faults(control)}"
    if beside and row["work"] == "fork":
        rounds = analysed.rounds_of(int(row["cell"]))
        faults = (own - control)[["parent_faults", "child_faults"]].sum(axis=1)
        each = median_over_rounds((rounds["p50_ns"] - rounds["control_p50_ns"]) / faults.where(faults >= 1))
        if known(each.lo) and each.lo > 0:
            whole = units.time_text(each.center, each.lo, each.hi)
            more = median_over_rounds(faults).center
            text += f". That is {more:.0f} faults more, and {whole} of Python's own time for each"
    cpu = [median_over_rounds(own[f"{who}_user_ns"] + own[f"{who}_sys_ns"]).center for who in ("parent", "child")]
    if all(known(value) for value in cpu):
        child = "" if unseen else f", child {units.time_text(cpu[1])}"
        text += f". CPU time: parent {units.time_text(cpu[0])}{child}"
    return f"{text}."


def _faults(usage: pd.DataFrame) -> str:
    parent, child = (_count(usage[f"{who}_faults"]) for who in ("parent", "child"))
    return f"{parent} in the parent and {child} in the child"


def _count(values: pd.Series) -> str:
    """A number of faults a call: one decimal, and no interval where that hides it."""
    one = median_over_rounds(values)
    center, lo, hi = (f"{round(value, 1):g}" for value in (one.center, one.lo, one.hi))
    return center if lo == hi or not known(one.lo) else f"{center} ({lo} to {hi})"
