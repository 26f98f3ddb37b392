"""Turns a series of latencies, one a run, into its changes: steps and drifts beyond that series' own noise.

A step is sought by binary segmentation (Scott and Knott, Biometrics 30 (1974)): the split that explains most of the
squares. Whether it is more than noise is decided by a permutation test (`scipy.stats.permutation_test`): were there no
change, the order of the runs would mean nothing, and the best split of a shuffled series would be as good. The test
needs no assumption on the noise but that one; its price is that fewer runs than `enough_runs` can show nothing.
`python -m tests.bench_trend` prints its false alarms and its power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.05
"""The share of series without a change in which one is claimed, at most; over all series of a trend."""
FEWEST_BESIDE = 3
"""Runs on each side of a step, at least: one odd run, or two, is no change."""
_SHUFFLES = 4999
# A value further from the quartiles than three times their distance (Tukey's outer fence, "Exploratory Data Analysis",
# 1977) is taken for that far: one odd run must not hide a step.
_FENCE = 3.0

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


def find_changes(values: Sequence[float], level: float = LEVEL) -> list[Change]:
    """The changes in positive, finite `values` (any unit; in the order of time), in the order of time.

    The same values give the same changes. `level` is the risk to claim one where there is none, 0 to 1.
    """
    logs = np.log(np.asarray(values, dtype=float))
    found = _changes(logs, 0, level)
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
        squares += _line(part)[1] if drifts else float(((part - part.mean()) ** 2).sum())
        free += len(part) - 1 - drifts
    return math.sqrt(squares / free) if free > 0 else math.nan


def _changes(logs: Floats, offset: int, level: float) -> list[Change]:
    if len(logs) < enough_runs(level):
        return []
    fenced = _fenced(logs)
    gains = _gains(fenced)
    if not gains.max() > 1e-12:  # all alike, but for rounding
        return []
    p = _share_of_shuffles(fenced)
    if p > level:
        return []
    first = int(np.argmax(gains)) + FEWEST_BESIDE
    slope, residual = _line(fenced)
    if residual < float(((fenced - fenced.mean()) ** 2).sum() - gains.max()):
        return [Change(ChangeKind.DRIFT, offset + 1, math.exp(slope * (len(logs) - 1)), p)]
    here = Change(ChangeKind.STEP, offset + first, math.nan, p)
    before, after = _changes(logs[:first], offset, level), _changes(logs[first:], offset + first, level)
    return [*before, here, *after]


def _with_ratio(change: Change, logs: Floats, begin: int, end: int) -> Change:
    before, after = np.median(logs[begin : change.first]), np.median(logs[change.first : end])
    return Change(change.kind, change.first, math.exp(float(after - before)), change.p)


def _fenced(logs: Floats) -> Floats:
    low, high = np.quantile(logs, (0.25, 0.75))
    reach = _FENCE * (high - low)
    return np.clip(logs, low - reach, high + reach)


def _gains(logs: Floats, axis: int = -1) -> Floats:
    """By how much the sum of squares falls if the series is split: for every place that leaves enough on each side."""
    count = logs.shape[axis]
    centred = np.moveaxis(logs - logs.mean(axis=axis, keepdims=True), axis, -1)
    before = np.arange(FEWEST_BESIDE, count - FEWEST_BESIDE + 1)
    sums = np.cumsum(centred, axis=-1)[..., before - 1]
    return np.asarray(sums**2 * count / (before * (count - before)))


def _share_of_shuffles(logs: Floats) -> float:
    def best(series: Floats, axis: int) -> Any:
        return _gains(series, axis).max(axis=-1)

    test = stats.permutation_test(
        (logs,),
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
