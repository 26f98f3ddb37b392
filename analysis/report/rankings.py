"""Turns an analysed run into rankings: which mechanism is first at one kind of work, and how much later the others.

A mechanism that was measured alone is a ranking without others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.answers.cheapest import longer_than
from analysis.answers.parts import rows_with_interval
from analysis.stats.interval import Estimate
from analysis.stats.ratio import corrected
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.many import times_over_rounds, worker_cells
from analysis.text import units
from analysis.text.names import RANKED, WORK_TITLES
from analysis.text.units import known

WORKERS = "workers"


@dataclass(frozen=True)
class Other:
    """A mechanism that is not the first, and how many times as long it takes."""

    mechanism: str
    times: Estimate

    @property
    def is_slower(self) -> bool:
        """Whether it can be told from the first one."""
        return known(self.times.lo) and self.times.lo > 1


@dataclass(frozen=True)
class Ranking:
    """One kind of `work` in one interpreter; `task` names it, `count` is a number of workers or 0, times are in ns."""

    task: str
    work: str
    python: str
    count: int
    best: str
    time_ns: float
    time: str
    others: tuple[Other, ...]

    @property
    def sentence(self) -> str:
        """All of it with intervals."""
        text = f"`{self.best}` takes {self.time}."
        for other in self.others:
            times = units.with_interval(other.times.center, other.times.lo, other.times.hi)
            if other.is_slower:
                text += f" `{other.mechanism}` takes {times} times as long."
            else:
                text += f" `{other.mechanism}` cannot be told from it."
        return text


def rankings(analysed: AnalysedRun) -> list[Ranking]:
    """Of each kind of work, in the main parent of the run; then of ways to start workers, where there are several."""
    return [*_works(analysed), *_workers(analysed)]


def _works(analysed: AnalysedRun) -> Iterator[Ranking]:
    rows = rows_with_interval(analysed.main_cells())
    for work in RANKED:
        for python in analysed.pythons:
            ranked = rows[(rows["python"] == python) & (rows["work"] == work)].sort_values("p50_ns")
            if len(ranked):
                size = len(ranked)
                yield _ranking(
                    (WORK_TITLES[work], work, python, 0),
                    ranked,
                    "p50",
                    lambda base, other, size=size: longer_than(analysed, base, other, size),  # type: ignore[misc]
                )


def _workers(analysed: AnalysedRun) -> Iterator[Ranking]:
    rows = worker_cells(analysed)
    rows = rows[rows["ready_lo_ns"].notna()]
    groups = [group for _, group in rows.groupby(["python", "imports", "state", "workers"], sort=False)]
    groups = [group for group in groups if len(group) > 1]
    level = corrected(len(groups))
    for group in groups:
        first, size = group.iloc[0], len(group)
        state = f", {first['state']}" if first["state"] else ""
        task = f"{first['imports']} imports{state}"
        yield _ranking(
            (task, WORKERS, str(first["python"]), int(first["workers"])),
            group.sort_values("ready_p50_ns", kind="stable"),
            "ready",
            lambda base, other, size=size: times_over_rounds(  # type: ignore[misc]
                analysed, "ready_p50_ns", base, other, size, level
            ),
        )


def _ranking(
    what: tuple[str, str, str, int], ranked: pd.DataFrame, time: str, times: Callable[[int, int], Estimate]
) -> Ranking:
    """`ranked` is in order; `time` begins the names of its columns of times; `times` compares two cells."""
    best = ranked.iloc[0]
    middle = f"{time}_p50_ns" if time == "ready" else f"{time}_ns"
    others = [
        Other(str(row["mechanism"]), times(int(best["cell"]), int(row["cell"])))
        for _, row in ranked.iloc[1:].iterrows()
    ]
    return Ranking(
        *what,
        best=str(best["mechanism"]),
        time_ns=float(best[middle]),
        time=units.time_text(best[middle], best[f"{time}_lo_ns"], best[f"{time}_hi_ns"]),
        others=tuple(others),
    )
