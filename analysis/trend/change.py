"""Turns a series of latencies, one a run, into its changes: steps and drifts beyond that series' own noise.

A step is sought by binary segmentation: the split after which the ranks on both sides differ most (Pettitt, Applied
Statistics 28 (1979), here standardised for the place). Ranks, because one odd run must neither be a change nor hide
one. Whether a step is more than noise is decided by a permutation test (`scipy.stats.permutation_test`): were there
no change, the order of the runs would mean nothing, and the best split of a shuffled series would be as good. The
test needs no other assumption; its price is that fewer runs than `enough_runs` can show nothing. Where noise
remembers, as the absolute latency on a shared machine does, the difference of the two runs at the step must be an
outlier, too.

`python -m tests.bench_trend` prints false alarms and power. Libraries were tried on 200 such series of identical
runs, of 8 to 30 runs: apache-otava 0.8 claims a change in 0.5 to 14 % of them (a walk: 19 to 90 %) and brings 42
packages and older numpy and scipy than are locked; asv 0.6.6 in 0 to 4.5 %, with 16 packages and an inner function;
ruptures 1.1.10 has no test of its own (18 to 74 % with the penalty of BIC) and cannot be installed with Python 3.14.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

LEVEL = 0.05
"""The share of series without a change in which one is claimed, at most; over all series of a trend."""
FEWEST_BESIDE = 3
"""Runs on each side of a step, at least: one odd run, or two, is no change."""
_SHUFFLES = 4999
Floats = NDArray[np.float64]


class ChangeKind(StrEnum):
    """What a change looks like: at once, or little by little."""

    STEP = "step"
    DRIFT = "drift"


@dataclass(frozen=True)
class Change:
    """A change: `first` is the place of the first value that shows it, counted from 0.

    `ratio` is the median after it, up to the next change or the end, to the median before; of a drift, its end to its
    begin, by the line through it. `p` is the share of shuffled series that look as much like a change.
    """

    kind: ChangeKind
    first: int
    ratio: float
    p: float


def enough_runs(level: float) -> int:
    """How many runs can show a change at `level` at all: one half of them on each side, of which nothing overlaps.

    Of n runs, 2 in n! / (h! (n - h)!) shuffled orders part the h = n / 2 smallest from the others as clearly.
    """
    count = 2 * FEWEST_BESIDE
    while 2 / math.comb(count, count // 2) > level:
        count += 1
    return count


def find_changes(values: Sequence[float], level: float = LEVEL, wanders: bool = False) -> list[Change]:
    """The changes in positive, finite `values` (any unit; in the order of time), in the order of time.

    The same values give the same changes. `level` is the risk to claim one where there is none, 0 to 1. `wanders`
    says that the noise of a value may depend on that of the value before: steps must then be sudden, and no drift is
    claimed.
    """
    logs = np.log(np.asarray(values, dtype=float))
    found = _changes(logs, 0, level, wanders)
    ends = [0, *(change.first for change in found), len(logs)]
    return [
        change if change.kind is ChangeKind.DRIFT else _with_ratio(change, logs, ends[place], ends[place + 2])
        for place, change in enumerate(found)
    ]


def noise(values: Sequence[float], changes: Sequence[Change]) -> float:
    """What runs scatter between changes: the standard deviation of the logarithm (0.01: 1 %); NaN if unknown."""
    logs = np.log(np.asarray(values, dtype=float))
    ends = [0, *(change.first for change in changes if change.kind is ChangeKind.STEP), len(logs)]
    drifting = [change.first for change in changes if change.kind is ChangeKind.DRIFT]
    squares, free = 0.0, 0
    for begin, end in pairwise(ends):
        part = logs[begin:end]
        drifts = any(begin <= first < end for first in drifting)
        squares += _line(part)[1] if drifts else _squares(part)
        free += len(part) - 1 - drifts
    return math.sqrt(squares / free) if free > 0 else math.nan


def _changes(logs: Floats, offset: int, level: float, wanders: bool) -> list[Change]:
    if len(logs) < enough_runs(level):
        return []
    ranks = np.asarray(pd.Series(logs).rank(), dtype=np.float64)
    gains = _gains(ranks)
    if not gains.max() > 0:
        return []
    p = _share_of_shuffles(ranks)
    first = int(np.argmax(gains)) + FEWEST_BESIDE
    if p > level or (wanders and not _sudden(logs, first, level)):
        return []
    # By ranks as well, because one odd run at an end makes a line of a step.
    if not wanders and all(_line(each)[1] < _step_squares(each, first) for each in (logs, ranks)):
        return [Change(ChangeKind.DRIFT, offset + 1, math.exp(_line(logs)[0] * (len(logs) - 1)), p)]
    before = _changes(logs[:first], offset, level, wanders)
    after = _changes(logs[first:], offset + first, level, wanders)
    return [*before, Change(ChangeKind.STEP, offset + first, math.nan, p), *after]


def _sudden(logs: Floats, first: int, level: float) -> bool:
    """Whether the difference of the runs at a step is an outlier among all such differences: of a walk, none is.

    The test of Grubbs (Technometrics 11 (1969)), two-sided, its critical value from Student's distribution.
    """
    differences = np.diff(logs)
    count = len(differences)
    scatter = float(differences.std(ddof=1))
    squared = float(special.stdtrit(count - 2, 1 - level / (2 * count))) ** 2
    critical = (count - 1) / math.sqrt(count) * math.sqrt(squared / (count - 2 + squared))
    return abs(float(differences[first - 1] - differences.mean())) > critical * scatter


def _with_ratio(change: Change, logs: Floats, begin: int, end: int) -> Change:
    before, after = np.median(logs[begin : change.first]), np.median(logs[change.first : end])
    return Change(change.kind, change.first, math.exp(float(after - before)), change.p)


def _gains(ranks: Floats, axis: int = -1) -> Floats:
    """By how much the squares of ranks fall if the series is split, for every place that leaves enough on each side."""
    count = ranks.shape[axis]
    centred = np.moveaxis(ranks - ranks.mean(axis=axis, keepdims=True), axis, -1)
    before = np.arange(FEWEST_BESIDE, count - FEWEST_BESIDE + 1)
    sums = np.cumsum(centred, axis=-1)[..., before - 1]
    return np.asarray(sums**2 * count / (before * (count - before)))


def _share_of_shuffles(ranks: Floats) -> float:
    from scipy.stats import permutation_test  # takes long to load, and short series have no need of it

    def best(series: Floats, axis: int) -> Any:
        return _gains(series, axis).max(axis=-1)

    test = permutation_test(
        (ranks,),
        best,
        permutation_type="pairings",
        n_resamples=_SHUFFLES,
        alternative="greater",
        batch=1000,
        rng=np.random.default_rng(1),
    )
    return float(test.pvalue)


def _line(logs: Floats) -> tuple[float, float]:
    """Slope of the straight line through the series (a run) and the sum of squares that it leaves."""
    places = np.arange(len(logs))
    line = np.polyfit(places, logs, 1)
    return float(line[0]), float(((logs - np.polyval(line, places)) ** 2).sum())


def _step_squares(series: Floats, first: int) -> float:
    return sum(_squares(part) for part in np.split(series, [first]))


def _squares(logs: Floats) -> float:
    return float(((logs - logs.mean()) ** 2).sum())
