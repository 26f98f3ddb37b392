"""Turns amounts and costs into the price of one of each; pure mathematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Differences beyond this part of the cost count in proportion to their size, no longer to its square: a burst in one
# cell does not bend the rest.
OUTLYING = 0.05


def prices(amounts: Numbers, cost: Numbers, scale: Numbers) -> Numbers:
    """The prices, none below 0, for which ``amounts @ prices`` is nearest to `cost`; a row a parent.

    Differences are taken as parts of `scale`, because costs span from 0.1 to 30 ms and their errors grow with them.
    The loss is soft L1, 2 (sqrt(1 + z²) - 1) (`scipy.optimize.least_squares`; Triggs et al. 1999, "Bundle Adjustment -
    A Modern Synthesis", 4.3, have why a robust loss).
    """
    from scipy.optimize import least_squares, nnls  # takes long to load, and no report has need of it

    weighted, wanted = amounts / scale[:, None], cost / scale
    # Columns of one length, or steps in the amount of pages drown all others.
    lengths = np.linalg.norm(weighted, axis=0)
    lengths[lengths == 0] = 1.0
    matrix = weighted / lengths
    start, _ = nnls(matrix, wanted)

    def off(price: Numbers) -> Numbers:
        return np.asarray(matrix @ price - wanted, dtype=np.float64)

    def slope(price: Numbers) -> Numbers:
        return np.asarray(matrix, dtype=np.float64)

    found = least_squares(
        off,
        start,
        jac=slope,
        bounds=(0.0, np.inf),
        loss="soft_l1",
        f_scale=OUTLYING,
    )
    return np.asarray(found.x / lengths, dtype=np.float64)


def identified(amounts: Numbers, spreads: Numbers) -> NDArray[np.bool_]:
    """Which columns of `amounts` differ by their spread at least between parents; a spread of 0: always."""
    return np.asarray((np.ptp(amounts, axis=0) >= spreads) | (spreads == 0), dtype=np.bool_)
