"""How much more time one cell takes than another, worked out by hand."""

from __future__ import annotations

import math

import pytest

from analysis.stats.rise import rise


def test_a_rise_is_the_trimmed_mean_of_the_differences() -> None:
    """Differences 1 to 8: the middle half is 3 to 6, their mean 4.5; winsorised to 3,3,3,4,5,6,6,6 the variance
    is 14/7 = 2, so that of the mean is 7 * 2 / (4 * 3) = 1.1667; t of 3 degrees at 97.5 % is 3.1824.
    """
    found = rise([10.0] * 8, [11.0, 12, 13, 14, 15, 16, 17, 18])
    assert found.center == 4.5
    assert found.hi - found.center == pytest.approx(3.18245 * math.sqrt(14 / 12), rel=1e-5)
    assert found.center - found.lo == pytest.approx(found.hi - found.center)


def test_ten_comparisons_widen_the_interval() -> None:
    """At 0.05 / 10 the same differences reach t(3, 99.75 %) = 7.4533 standard errors instead of 3.1824."""
    found = rise([10.0] * 8, [11.0, 12, 13, 14, 15, 16, 17, 18], comparisons=10)
    assert found.confidence == pytest.approx(0.995)
    assert found.hi - found.center == pytest.approx(7.4533 * math.sqrt(14 / 12), rel=1e-4)
    assert found.lo < 0 < rise([10.0] * 8, [11.0, 12, 13, 14, 15, 16, 17, 18]).lo


def test_five_rounds_have_no_interval() -> None:
    """Five rounds give the middle difference and say how many it takes; none give nothing."""
    found = rise([1.0] * 5, [2.0, 3, 4, 5, 9])
    assert (found.center, found.warnings) == (3.0, ("need at least 6 rounds that have both, have 5",))
    assert math.isnan(found.lo)
    assert math.isnan(rise([], []).center)


def test_unequal_lengths_are_refused() -> None:
    """Values of different rounds have no difference."""
    with pytest.raises(ValueError, match="broadcast"):
        rise([1.0, 2.0], [1.0, 2.0, 3.0])
