"""Turns rounds of mechanisms into how much longer one takes than another, told apart only beyond chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.ranking import pairs_of, times_as_long
from tests.bench_ranking import share_of_claims


def test_every_pair_counts() -> None:
    """Two mechanisms are one pair, five are ten, twenty are 190."""
    assert [pairs_of(number) for number in (1, 2, 3, 5, 20)] == [0, 1, 3, 10, 190]


def test_the_interval_is_students_on_logarithms_corrected_for_all_pairs() -> None:
    """Centre, ends and level are those that scipy's paired t test gives for one of ten pairs."""
    base = np.array([100.0, 110, 95, 105, 120, 98, 101])
    other = base * np.array([1.02, 1.05, 1.01, 1.08, 0.99, 1.03, 1.04])
    ratio = times_as_long(base, other, 5)
    interval = stats.ttest_rel(np.log(other), np.log(base)).confidence_interval(1 - 0.05 / 10)
    assert ratio.center == pytest.approx(math.exp(np.mean(np.log(other / base))))
    assert (ratio.lo, ratio.hi) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))
    assert ratio.confidence == pytest.approx(0.995)
    assert ratio.lo < ratio.center < ratio.hi


def test_two_mechanisms_need_no_correction() -> None:
    """One pair stands at 95 %, and its interval is narrower than that of one of many."""
    base, other = np.array([1.0, 2, 3, 4, 5, 6]), np.array([1.1, 2.1, 3.3, 4.2, 5.5, 6.2])
    alone, many = times_as_long(base, other, 2), times_as_long(base, other, 20)
    assert alone.confidence == pytest.approx(0.95)
    assert many.lo < alone.lo < alone.hi < many.hi


def test_what_a_round_has_in_common_cancels() -> None:
    """A machine that is ten times slower in half of the rounds changes nothing."""
    base, other = np.array([1.0, 2, 3, 4, 5, 6]), np.array([1.1, 2.1, 3.3, 4.2, 5.5, 6.2])
    drift = np.array([1.0, 10, 1, 10, 1, 10])
    still, moved = times_as_long(base, other, 3), times_as_long(base * drift, other * drift, 3)
    assert (moved.center, moved.lo, moved.hi) == pytest.approx((still.center, still.lo, still.hi))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_six_rounds_tell_nothing_apart(count: int) -> None:
    """There is no interval, and the warning says how many rounds are needed."""
    ratio = times_as_long([1.0] * count, [2.0] * count, 2)
    assert math.isnan(ratio.lo)
    assert math.isnan(ratio.hi)
    assert ratio.warnings == (f"need at least 6 rounds to rank, have {count}",)


def test_six_rounds_are_enough() -> None:
    """Six rounds that all say twice as long say so, with an interval."""
    ratio = times_as_long([1.0, 2, 3, 4, 5, 6], [2.0, 4, 6, 8, 10, 12], 2)
    assert (ratio.center, ratio.lo, ratio.hi) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize("mechanisms", [2, 5, 20])
def test_identical_mechanisms_are_seldom_told_apart(mechanisms: int) -> None:
    """A ranking of identical mechanisms claims a difference in about 5 % of 400 simulated runs."""
    assert share_of_claims("normal", 12, mechanisms, runs=400) <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
