"""Turns the limits of an axis into its ticks: a few round values with room for their labels."""

from __future__ import annotations

import math

LABEL_SHARE = 0.175  # of the width of an axis, what the label of a tick takes at most


def round_values(lo: float, hi: float, base: float, steps: tuple[float, ...]) -> list[float]:
    """All ``step * base**n`` between `lo` and `hi`, ascending."""
    first, last = math.floor(math.log(lo, base)) - 1, math.ceil(math.log(hi, base)) + 1
    values = sorted(step * base**power for power in range(first, last) for step in steps)
    return [value for value in values if lo * (1 - 1e-9) <= value <= hi * (1 + 1e-9)]


def log_ticks(lo: float, hi: float, most: int = 6) -> list[float]:
    """Ticks for a decimal log axis: the densest of some plain patterns that has at most `most` of them."""
    patterns: tuple[tuple[float, ...], ...] = (
        (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9),
        (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
        (1, 1.5, 2, 3, 4, 5, 7),
        (1, 2, 5),
        (1, 3),
        (1,),
    )
    for pattern in patterns:
        ticks = round_values(lo, hi, 10, pattern)
        if len(ticks) <= most:
            return ticks if len(ticks) > 1 else plain_ticks(lo, hi)
    ticks = round_values(lo, hi, 10, (1,))
    return ticks[:: math.ceil(len(ticks) / most)]


def plain_ticks(lo: float, hi: float) -> list[float]:
    """A few evenly spaced round ticks, for an axis that spans too little for decimal steps."""
    step = 10.0 ** math.floor(math.log10((hi - lo) or hi or 1.0))
    step *= next((factor for factor in (0.1, 0.2, 0.5, 1.0) if (hi - lo) / (step * factor) <= 6), 2.0)
    first = math.ceil(lo / step - 1e-9)
    return [index * step for index in range(first, math.floor(hi / step + 1e-9) + 1)]


def apart(ticks: list[float], lo: float, hi: float) -> list[float]:
    """The ticks of a log axis without those whose label would touch the one before."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or math.log(tick / kept[-1]) >= LABEL_SHARE * math.log(hi / lo):
            kept.append(tick)
    return kept
