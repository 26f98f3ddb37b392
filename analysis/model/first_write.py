"""Turns the cells of work `first_write` into what a fork saved, what its first writes cost, and which is more.

Everything is a difference of two cells inside one round, because the cells of a round are interleaved. The result is
the median over rounds with its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import pandas as pd

from analysis.stats.interval import Estimate, median_interval
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from bench.schema import Work

FORK = "os_fork"
SMALL, HUGE = "rss", "thp"
OBJECTS, FROZEN = "objects", "gc_frozen"
WRITERS = ("parent", "child")
# `*_rewrites_few` writes one page of 4 KiB in each 2 MiB: of so many pages it is this share.
SHARE_OF_FEW = 4096 / (2 << 20)


@dataclass(frozen=True)
class Totals:
    """One kind of call in parents of both kinds of pages (ns a call, over rounds).

    `lead` is by how much the parent in huge pages takes less time.
    """

    small: Estimate
    huge: Estimate
    lead: Estimate


@dataclass(frozen=True)
class FirstWrites:
    """What a fork and one writer's first writes after it take together in parents of one size.

    `few` is with one page in each 2 MiB written, `every` with all. `pass_small` and `pass_huge` are the writes of all
    pages alone, `faults_small` and `faults_huge` the page faults of the writer in such a call. At `even_share` of the
    pages written both kinds of pages take the same time: it lies on the straight line between the two shares that were
    measured; inf: they never do.
    """

    few: Totals
    every: Totals
    pass_small: Estimate
    pass_huge: Estimate
    faults_small: Estimate
    faults_huge: Estimate
    even_share: Estimate


@dataclass(frozen=True)
class Objects:
    """One pass over a parent's objects (ns): in the parent without a fork, and in a child, not frozen and frozen.

    `added` is what the copies add to it in the child of a parent that was not frozen; `saved` is how much less a child
    of a frozen parent takes.
    """

    alone: Estimate
    child: Estimate
    frozen: Estimate
    added: Estimate
    saved: Estimate


def levels_of(analysed: AnalysedRun, python: str, *scenarios: str, passes: bool = False) -> list[str]:
    """The levels that all of `scenarios` were measured at with one interpreter, in the order of the run.

    `passes`: of forks alone no level counts, only of first writes and reads.
    """
    rows = analysed.summary[(analysed.summary["python"] == python) & analysed.summary["p50_ns"].notna()]
    if passes:
        rows = rows[rows["work"] == Work.FIRST_WRITE]
    of_each = [list(dict.fromkeys(rows.loc[rows["scenario"] == scenario, "level"])) for scenario in scenarios]
    return [level for level in of_each[0] if level != "0" and all(level in levels for levels in of_each)]


def column(
    analysed: AnalysedRun, python: str, mechanism: str, scenario: str, level: str, name: str = "p50_ns"
) -> pd.Series | None:
    """Column `name` of the rounds of one cell, indexed by round; ``None``: it was not measured."""
    cells = analysed.run.cells
    chosen = (cells["python"] == python) & (cells["mechanism"] == mechanism)
    numbers = cells.loc[chosen & (cells["scenario"] == scenario) & (cells["level"] == level), "cell"]
    values = analysed.rounds_of(int(numbers.iloc[0]))[name].dropna() if len(numbers) else pd.Series(dtype=float)
    return values if len(values) else None


def totals(analysed: AnalysedRun, python: str, mechanism: str, level: str) -> Totals | None:
    """Whole calls of one mechanism in parents of both kinds of pages; ``None`` where one was not measured."""
    both = _all([column(analysed, python, mechanism, scenario, level) for scenario in (SMALL, HUGE)])
    if both is None:
        return None
    small, huge = both
    return Totals(median_over_rounds(small), median_over_rounds(huge), median_over_rounds(small - huge))


def first_writes(analysed: AnalysedRun, python: str, writer: str, level: str) -> FirstWrites | None:
    """Fork and first writes of `writer` (one of `WRITERS`); ``None`` where one of the cells was not measured."""
    names = (f"{writer}_rewrites_few", f"{writer}_rewrites")
    few, every = (totals(analysed, python, name, level) for name in names)
    ends = [column(analysed, python, name, scenario, level) for name in names for scenario in (SMALL, HUGE)]
    known = _all(ends)
    if few is None or every is None or known is None:
        return None
    few_small, few_huge, every_small, every_huge = known
    leads = pd.DataFrame({"few": few_small - few_huge, "every": every_small - every_huge}).dropna()
    shares = [even_share(few_lead, lead) for few_lead, lead in zip(leads["few"], leads["every"], strict=True)]

    def median(name: str, scenario: str) -> Estimate:
        values = column(analysed, python, names[1], scenario, level, name)
        return median_over_rounds(pd.Series(dtype=float) if values is None else values)

    return FirstWrites(
        few=few,
        every=every,
        pass_small=median("call_p50_ns", SMALL),
        pass_huge=median("call_p50_ns", HUGE),
        faults_small=median(f"{writer}_faults", SMALL),
        faults_huge=median(f"{writer}_faults", HUGE),
        even_share=median_interval(shares),
    )


def even_share(few_lead: float, every_lead: float) -> float:
    """Share of pages written (0 to 1) at which a lead is lost, on the straight line between its two ends.

    `few_lead` is the lead at `SHARE_OF_FEW`, `every_lead` at 1. Lost from the start: `SHARE_OF_FEW`; never lost: inf.
    """
    if few_lead <= 0:
        return SHARE_OF_FEW
    if every_lead >= 0:
        return math.inf
    return SHARE_OF_FEW + (1 - SHARE_OF_FEW) * few_lead / (few_lead - every_lead)


def objects(analysed: AnalysedRun, python: str, kind: str, level: str) -> Objects | None:
    """The pass over objects of one kind, ``reads_objects`` or ``collects``; ``None`` where a cell was not measured."""
    in_child = "child_" + kind
    three = _all(
        [
            column(analysed, python, name, scenario, level, "call_p50_ns")
            for name, scenario in ((kind, OBJECTS), (in_child, OBJECTS), (in_child, FROZEN))
        ]
    )
    if three is None:
        return None
    alone, child, frozen = three
    of_all = [median_over_rounds(values) for values in (alone, child, frozen, child - alone, child - frozen)]
    return Objects(*of_all)


def _all(columns: Sequence[pd.Series | None]) -> list[pd.Series] | None:
    """`columns`, each with the rounds that all have; ``None`` where one is missing or no round has all."""
    there = [values for values in columns if values is not None]
    if len(there) < len(columns):
        return None
    common = reduce(lambda index, values: index.intersection(values.index), there, there[0].index)
    return [values.loc[common] for values in there] if len(common) else None
