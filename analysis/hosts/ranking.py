"""Turns the medians of many hosts into ranks: a host is behind those whose intervals lie wholly before its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.interval import CONFIDENCE
from analysis.stats.ranking import pairs_of
from analysis.stats.ratio import corrected

Floats = NDArray[np.float64]


def widening(hosts: int) -> float:
    """By how much intervals are widened, as a factor, before they are held against each other.

    Two intervals at 95 % that do not overlap differ by more than a test at 95 % asks for: by the square root of 2
    where they are equally wide. That is as much as the correction for all pairs of 3 hosts (Bonferroni); from
    there on it grows.
    """
    asked = float(special.ndtri((1 + corrected(pairs_of(max(2, hosts)))) / 2))
    plain = float(special.ndtri((1 + CONFIDENCE) / 2))
    return max(1.0, asked / (plain * 2**0.5))


def ranks(centers: Floats, lows: Floats, highs: Floats, spread: float) -> NDArray[np.int64]:
    """The rank of each host, from 1: how many are surely before it, and one more; 0 where there is no value.

    `spread` is what runs of one host lie apart beyond what their rounds tell (standard deviation of the logarithm). A
    value without an interval is behind nobody, and nobody is behind it.
    """
    known = np.isfinite(centers) & (centers > 0)
    bounded = known & np.isfinite(lows) & np.isfinite(highs) & (lows > 0)
    factor = widening(int(known.sum()))
    reach = factor * float(special.ndtri((1 + CONFIDENCE) / 2)) * spread
    safe = np.where(bounded, centers, 1.0)
    middle = np.log(safe)
    low = middle + factor * (np.log(np.where(bounded, lows, 1.0)) - middle) - reach
    high = np.sort((middle + factor * (np.log(np.where(bounded, highs, 1.0)) - middle) + reach)[bounded])
    before = np.searchsorted(high, low, side="left")
    return np.where(bounded, before + 1, np.where(known, 1, 0)).astype(np.int64)
