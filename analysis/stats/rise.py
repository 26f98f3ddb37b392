"""Turns two cells of the same rounds into how much more time one takes, as one of several answers; pure mathematics."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from analysis.stats.centre import FEWEST, centre
from analysis.stats.interval import CONFIDENCE, Estimate, Values
from analysis.stats.ratio import corrected


def rise(base: Values, other: Values, comparisons: int = 1, confidence: float = CONFIDENCE) -> Estimate:
    """`other` minus `base` (any unit), which were measured in the same rounds, as one of so many `comparisons`.

    Student's t on the trimmed mean of the rounds' differences (Tukey and McLaughlin 1963, as `compare_paired` on
    ratios), at a level at which all comparisons hold together with `confidence`. Not the exact interval of a
    median: at the level of ten comparisons that needs 9 rounds, this one 6. Raises `ValueError` if the two are not
    of one length.
    """
    differences = np.asarray(other, dtype=float) - np.asarray(base, dtype=float)
    if len(differences) < FEWEST:
        middle = float(np.median(differences)) if len(differences) else math.nan
        warning = f"need at least {FEWEST} rounds that have both, have {len(differences)}"
        return Estimate(middle, math.nan, math.nan, 0.0, (warning,))
    level = corrected(comparisons, confidence)
    found = centre(differences)
    reach = float(special.stdtrit(max(found.freedom, 1.0), (1 + level) / 2)) * math.sqrt(found.variance)
    return Estimate(found.value, found.value - reach, found.value + reach, level)
