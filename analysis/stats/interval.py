"""Turns the figures of rounds into a median with an exact interval; pure mathematics.

Rounds are the sampling unit. Each round has fresh subjects, so rounds are nearly independent; calls and blocks
are not. Where the sample cannot carry a figure, a warning says what it would need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

CONFIDENCE = 0.95

Values = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; `lo` and `hi` are NaN where the sample cannot carry one.

    `confidence` is what the interval achieves (0 to 1). An exact interval achieves a little more than was asked
    for. `warnings` say in words what is missing and how much is needed.
    """

    center: float
    lo: float
    hi: float
    confidence: float
    warnings: tuple[str, ...] = ()


def needed(quantile: float, confidence: float = CONFIDENCE) -> int:
    """Smallest number of independent values that holds an equal-tailed interval of `quantile` (0 to 1).

    The largest of n values lies below the quantile with probability quantile**n, which must not be more
    than half of what the interval may miss (Wilks 1941, "Determination of sample sizes for setting tolerance
    limits"): 6 for the median, 368 for p99, 3688 for p99.9 at 95 %.
    """
    farther_share = max(quantile, 1 - quantile)
    return math.ceil(math.log((1 - confidence) / 2) / math.log(farther_share))


# Here and elsewhere `scipy.special`: the same numbers as from `scipy.stats`, which takes four times as long to load.
@lru_cache(1024)
def _rank(count: int, confidence: float) -> int:
    """The k of the exact interval from the k-th smallest to the k-th largest; 0: there is none."""
    tail = (1 - confidence) / 2
    rank = math.ceil(special.bdtrik(tail, count, 0.5)) if count else 0
    # The inverse is of a continuous function, and may lie a little above a whole number.
    return rank - 1 if rank > 0 and special.bdtr(rank - 1, count, 0.5) >= tail else max(rank, 0)


@lru_cache(1024)
def _achieved_confidence(count: int, rank: int) -> float:
    """The confidence of the interval from the rank-th smallest to the rank-th largest of `count` values."""
    return float(1 - 2 * special.bdtr(rank - 1, count, 0.5))


def _middle(ordered: NDArray[np.float64]) -> float:
    """What `np.median` of sorted values is, which would look for their middle again; NaN if one of them is NaN."""
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return math.nan if math.isnan(ordered[-1]) else float(middle)


def _too_few(values: NDArray[np.float64], confidence: float) -> Estimate:
    center = float(np.median(values)) if len(values) else math.nan
    fewest = needed(0.5, confidence)
    warning = f"need at least {fewest} rounds for an interval at {confidence * 100:g} %, have {len(values)}"
    return Estimate(center, math.nan, math.nan, 0.0, (warning,))


def median_interval(values: Values, confidence: float = CONFIDENCE) -> Estimate:
    """The median of `values` with its exact order-statistic interval, which holds for every distribution.

    From the k-th smallest to the k-th largest, k as large as the binomial distribution allows (Conover 1999,
    "Practical Nonparametric Statistics", 3.2; as in `scipy.stats.quantile_test`, which does not return
    the confidence achieved). It is at least `confidence`: 96.9 % for 6 values, 97.9 % for 10, 95.9 % for 20.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    rank = _rank(len(ordered), confidence)
    if rank < 1:
        return _too_few(ordered, confidence)
    achieved = _achieved_confidence(len(ordered), rank)
    return Estimate(_middle(ordered), float(ordered[rank - 1]), float(ordered[-rank]), achieved)
