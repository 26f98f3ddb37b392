"""Turns the calls of rounds into a high percentile with an interval that resamples rounds; pure mathematics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.stats_interval import CONFIDENCE, Estimate, needed

RESAMPLES = 999
_SEED = 20_260_101

Rounds = Sequence[NDArray[Any]]


def quantile_interval(rounds: Rounds, quantile: float, confidence: float = CONFIDENCE) -> Estimate:
    """The `quantile` (0 to 1) of all calls, with a bootstrap interval over whole rounds.

    `rounds` holds one array of calls for each round. Calls of a round share its subject, so rounds are drawn
    with replacement, never calls. A percentile interval of few rounds is too narrow; its levels are widened
    as in Hesterberg 2015, "What Teachers Should Know About the Bootstrap", The American Statistician 69
    ("expanded percentile"). Too few calls (see `needed`): no value, only a warning; too few rounds: no interval.
    """
    count, filled = sum(len(calls) for calls in rounds), [np.sort(calls) for calls in rounds if len(calls)]
    name, least = f"p{quantile * 100:g}", needed(quantile, confidence)
    if count < least:
        warning = f"too few calls for {name}: need at least {least}, have {count}"
        return Estimate(math.nan, math.nan, math.nan, 0.0, (warning,))
    center = float(np.quantile(np.concatenate(filled), quantile))
    few = needed(0.5, confidence)
    if len(filled) < few:
        warning = f"need at least {few} rounds for an interval of {name}, have {len(filled)}"
        return Estimate(center, math.nan, math.nan, 0.0, (warning,))

    def resampled(drawn: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        return weighted_quantile(filled, _multiplicity(drawn, len(filled)), quantile)

    drawn = stats.bootstrap(
        (np.arange(len(filled)),),
        resampled,
        n_resamples=RESAMPLES,
        batch=RESAMPLES,
        vectorized=True,
        confidence_level=expanded(len(filled), confidence),
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    lo, hi = drawn.confidence_interval
    # The value is interpolated between two calls, the ends are calls: keep them on either side of it.
    return Estimate(center, min(float(lo), center), max(float(hi), center), confidence)


def expanded(count: int, confidence: float = CONFIDENCE) -> float:
    """The level to ask of a percentile interval over `count` values so that it reaches `confidence`.

    Hesterberg 2015, section 5.3: the ends of the level at ``-sqrt(n / (n - 1)) * t`` of the normal curve.
    """
    reach = math.sqrt(count / (count - 1)) * stats.t.ppf((1 + confidence) / 2, count - 1)
    return float(1 - 2 * stats.norm.sf(reach))


def _multiplicity(drawn: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How often each of `count` rounds is in each row of `drawn`: shape (rows, count)."""
    rows = np.atleast_2d(drawn)
    flat = (rows + np.arange(len(rows))[:, None] * count).ravel()
    return np.bincount(flat, minlength=len(rows) * count).reshape(len(rows), count)


def weighted_quantile(rounds: Rounds, weights: NDArray[np.int64], quantile: float) -> NDArray[np.float64]:
    """The `quantile` of the sorted `rounds`, each taken as often as each row of `weights` says.

    Shape of `weights`: (rows, rounds); of the result: (rows,). The smallest call that at least the share
    `quantile` of all calls does not exceed, found for all rows at once by halving the range of ranks: the
    calls are counted, never copied, so a round of a million calls costs no more than its logarithm.
    """
    pooled = np.sort(np.concatenate(list(rounds)))
    sizes = np.array([len(calls) for calls in rounds])
    target = np.ceil(weights @ sizes * quantile - 1e-9)
    low = np.zeros(len(weights), dtype=np.int64)
    high = np.full(len(weights), len(pooled) - 1)
    while (low < high).any():
        middle = (low + high) // 2
        values = pooled[middle]
        below = sum(weights[:, i] * np.searchsorted(calls, values, side="right") for i, calls in enumerate(rounds))
        enough = below >= target
        high = np.where(enough, middle, high)
        low = np.where(enough, low, middle + 1)
    return pooled[low].astype(float)
