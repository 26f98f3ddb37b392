"""Turns the rounds of a run into a centre with its standard error; pure mathematics.

Everything is done on logarithms, where a ratio is a difference and halving is as far from 1 as doubling. The
centre of a run's rounds is the mean of their middle half (a trimmed mean): nearly as steady as a mean where
rounds are quiet and as deaf to a burst as a median. The Hodges-Lehmann shift did equally well on recorded
noise, but has no standard error to which the spread between runs could be added; the ratio of medians needed
intervals 14 % wider. Bootstrap intervals of it over 20 rounds called 12 % of the pairs of identical runs different.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.interval import needed

FEWEST = needed(0.5)
_TRIM = 0.25


@dataclass(frozen=True)
class Centre:
    """A centre of logarithms with the square of its standard error, and the degrees of freedom of that error."""

    value: float
    variance: float
    freedom: float


def centres(runs: Sequence[NDArray[np.float64]]) -> list[Centre]:
    """The centre of the logarithms of each run that has enough rounds; every value above 0."""
    return [centre(np.log(run)) for run in runs if len(run) >= FEWEST]


def centre(values: NDArray[np.float64]) -> Centre:
    """The trimmed mean and, from the winsorised values, its variance with h - 1 degrees of freedom (Yuen 1974)."""
    ordered = np.sort(values)
    count = len(ordered)
    cut = int(_TRIM * count)
    kept = count - 2 * cut
    winsorised = np.clip(ordered, ordered[cut], ordered[count - cut - 1])
    variance = (count - 1) * float(winsorised.var(ddof=1)) / (kept * (kept - 1))
    return Centre(float(ordered[cut : count - cut].mean()), variance, kept - 1)


def freedom_of_sum(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946, "An approximate distribution of estimates
    of variance components", Biometrics Bulletin 2).
    """
    doubt = sum(variance**2 / freedom for variance, freedom in parts)
    total = sum(variance for variance, _ in parts) ** 2
    return float(total / doubt) if doubt > 0 else math.inf
