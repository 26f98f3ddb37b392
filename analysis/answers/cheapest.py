"""Turns a run into the answer which mechanism is the cheapest for each kind of work."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.answers.parts import listed, rows_with_interval, same_rounds
from analysis.stats.interval import Estimate
from analysis.stats.ranking import times_as_long
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import RANKED, WORK_TITLES, latency_text
from analysis.text.units import known


def cheapest(analysed: AnalysedRun) -> Iterator[str]:
    """For each work and interpreter: the mechanism with the lowest median, and those that may be as cheap."""
    main_rows = rows_with_interval(analysed.main_cells())
    equal_modules_rows = rows_with_interval(analysed.cells_at("parent", "equal"))
    for python in analysed.pythons:
        for work in RANKED:
            ranked = _by_median(main_rows, python, work)
            if ranked.empty:
                continue
            line = f"{analysed.python_prefix(python)}{WORK_TITLES[work]}: {_ranking(analysed, ranked)}"
            if len(ranked) == 1:
                line += " It is the only one measured."
            ranked_with_equal_modules = _by_median(equal_modules_rows, python, work)
            if len(ranked_with_equal_modules):
                line += (
                    f" With the same modules loaded in every parent: {_ranking(analysed, ranked_with_equal_modules)}"
                )
            yield line


def _by_median(rows: pd.DataFrame, python: str, work: str) -> pd.DataFrame:
    return rows[(rows["python"] == python) & (rows["work"] == work)].sort_values("p50_ns")


def _ranking(analysed: AnalysedRun, ranked: pd.DataFrame) -> str:
    """Sentences on the first row of `ranked` against the others, compared round by round: rounds are interleaved.

    Only what no chance among all pairs of the ranking explains is called slower; the others are tied with the first.
    """
    best = ranked.iloc[0]
    slower, tied = [], []
    for _, row in ranked.iloc[1:].iterrows():
        ratio = longer_than(analysed, int(best["cell"]), int(row["cell"]), len(ranked))
        if known(ratio.lo) and ratio.lo > 1:
            times = units.with_interval(ratio.center, ratio.lo, ratio.hi, unit=" times as long")
            slower.append(f"`{row['mechanism']}`, which takes {times}")
        else:
            tied.append(str(row["mechanism"]))
    sentences = [f"use `{best['mechanism']}`, which takes {latency_text(best)}."]
    if tied:
        sentences.append(f"This run cannot tell it from {listed(tied)}.")
    if slower:
        sentences.append(f"Next is {slower[0]}.")
    if len(slower) > 1:
        sentences.append(f"Last is {slower[-1]}.")
    return " ".join(sentences)


def longer_than(analysed: AnalysedRun, base: int, other: int, mechanisms: int) -> Estimate:
    """How many times as long cell `other` takes as cell `base`, over the rounds that both have; one of a ranking."""
    base_ns, other_ns = same_rounds(analysed, base, other)
    return times_as_long(base_ns, other_ns, mechanisms)
