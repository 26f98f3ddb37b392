"""Turns hand-worked and simulated calls into evidence for high percentiles and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from analysis.stats.tail import effective_calls, effective_rounds, quantile_interval


def split(values: NDArray[np.int64], rounds: int) -> list[NDArray[np.int64]]:
    """`values` dealt out to `rounds`."""
    return [values[number::rounds] for number in range(rounds)]


@pytest.mark.parametrize(("quantile", "name", "least"), [(0.99, "p99", 368), (0.999, "p99.9", 3688)])
def test_too_few_calls_give_no_value_and_the_number_needed(quantile: float, name: str, least: int) -> None:
    """One call too few: no value, and words that say how many it takes; as many as needed: a value."""
    calls = np.arange(1, least + 1)
    too_few = quantile_interval(split(calls[:-1], 10), quantile)
    assert math.isnan(too_few.center)
    assert math.isnan(too_few.lo)
    assert too_few.warnings == (f"too few calls for {name}: need at least {least}, have {least - 1}",)
    enough = quantile_interval(split(calls, 10), quantile)
    assert enough.center == pytest.approx(1 + quantile * (least - 1))
    assert enough.lo <= enough.center <= enough.hi


def test_a_percentile_worked_out_by_hand() -> None:
    """p99 of 1 … 1001 is 991, whatever round a call was in."""
    assert quantile_interval(split(np.arange(1, 1002), 7), 0.99).center == 991


@pytest.mark.parametrize("rounds", [1, 5])
def test_fewer_than_six_rounds_have_a_value_without_interval(rounds: int) -> None:
    """Rounds are what is resampled: five of them carry no interval, however many calls they hold."""
    estimate = quantile_interval(split(np.arange(1, 5001), rounds), 0.99)
    assert estimate.center == pytest.approx(4950.01)
    assert math.isnan(estimate.lo)
    assert math.isnan(estimate.hi)
    assert estimate.warnings == (f"need at least 6 rounds for an interval of p99, have {rounds}",)


def test_rounds_without_calls_do_not_count() -> None:
    """Empty rounds neither disturb the value nor make up the number."""
    full = split(np.arange(1, 5001), 5)
    assert quantile_interval([*full, np.array([], dtype=np.int64)], 0.99).warnings != ()
    assert quantile_interval([], 0.99).warnings == ("too few calls for p99: need at least 368, have 0",)


def test_equal_calls_give_an_interval_of_no_width() -> None:
    """Where every call took the same, there is nothing to be unsure of."""
    estimate = quantile_interval([np.full(100, 5000)] * 8, 0.99)
    assert (estimate.center, estimate.lo, estimate.hi) == (5000, 5000, 5000)


def test_the_interval_does_not_depend_on_the_order_within_rounds() -> None:
    """The same calls give the same interval, to the last digit."""
    dice = np.random.default_rng(3)
    rounds = [dice.integers(1000, 9000, 200) for _ in range(12)]
    shuffled = [dice.permutation(calls) for calls in rounds]
    assert quantile_interval(rounds, 0.99) == quantile_interval(shuffled, 0.99)


def test_calls_of_equal_rounds_are_worth_their_number() -> None:
    """Rounds that share the slow calls evenly, or more evenly than chance would, add nothing and take nothing."""
    assert effective_calls(np.full(10, 2), np.full(10, 200), 0.99) == 2000


def test_calls_of_unequal_rounds_are_worth_less_worked_out_by_hand() -> None:
    """All slow calls in one round of ten: 2000 calls are worth 0.0099 / 0.0001 = 99, corrected to 74.4."""
    # Spread: 18 in one round, -2 in nine: 360; variance 10 / 9 * 360 / 2000**2 = 0.0001.
    # Student's t at 97.5 %: 1.96115 for 1999 degrees of freedom, 2.26216 for 9; their ratio squared 0.75157.
    above = np.array([20] + [0] * 9)
    assert effective_calls(above, np.full(10, 200), 0.99) == pytest.approx(99 * 0.75157, rel=1e-4)


def test_the_rounds_that_carry_the_tail_are_counted() -> None:
    """Equal shares count in full, a single one as one, and 3 to 1 as 16 / 10."""
    assert effective_rounds(np.full(8, 0.01)) == pytest.approx(8)
    assert effective_rounds(np.array([0.2, 0, 0])) == pytest.approx(1)
    assert effective_rounds(np.array([0.03, 0.01])) == pytest.approx(1.6)
    assert effective_rounds(np.zeros(5)) == 0


def test_slow_calls_from_few_rounds_are_warned_of() -> None:
    """Where one round of ten holds all slow calls, the interval comes with a warning that says so."""
    calls = [np.arange(1000, 1200) for _ in range(9)] + [np.arange(5000, 5200)]
    estimate = quantile_interval(calls, 0.99)
    assert estimate.warnings == ("p99 rests on 1.0 rounds, fewer than 4.5: its interval is too narrow",)
    assert estimate.lo <= estimate.center <= estimate.hi


def test_with_independent_calls_the_interval_is_the_exact_binomial_one() -> None:
    """With slow calls spread evenly, 2000 calls give the order statistics of the binomial distribution: 1971 … 1989."""
    # Clopper and Pearson 1934 for 1980 of 2000 (scipy.stats.binomtest): 0.984602 … 0.993883 of the calls.
    share = stats.binomtest(1980, 2000).proportion_ci()
    estimate = quantile_interval(split(np.arange(1, 2001), 10), 0.99)
    assert (estimate.lo, estimate.hi) == (math.ceil(2000 * share.low), math.ceil(2000 * share.high))


@given(st.integers(6, 12), st.integers(62, 90), st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_an_interval_holds_its_value_and_follows_the_unit(rounds: int, calls: int, seed: int, factor: float) -> None:
    """Value between its ends, ends among the calls, and all in proportion when times are in another unit."""
    times = [np.random.default_rng([seed, number]).lognormal(10, 1, calls) for number in range(rounds)]
    estimate = quantile_interval(times, 0.99)
    assert estimate.lo <= estimate.center <= estimate.hi
    assert {estimate.lo, estimate.hi} <= {*np.concatenate(times).tolist(), estimate.center}
    scaled = quantile_interval([part * factor for part in times], 0.99)
    assert (scaled.lo, scaled.hi) == pytest.approx((estimate.lo * factor, estimate.hi * factor))


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_a_95_per_cent_interval_covers_p99_in_93_to_97_per_cent(shift: float) -> None:
    """Nested calls (a round shifts all of its calls by its own amount): p99 is covered as often as is said.

    Calls are normal with a deviation of 1 around their round's shift of deviation `shift`: all together they are
    normal, and p99 is 2.32635 times their deviation.
    """
    dice = np.random.default_rng(11)
    truth = 2.3263479 * math.hypot(1, shift)
    runs = dice.normal(size=(600, 30, 150)) + dice.normal(0, shift, (600, 30, 1))
    estimates = [quantile_interval(list(run), 0.99) for run in runs]
    assert 0.93 <= np.mean([estimate.lo <= truth <= estimate.hi for estimate in estimates]) <= 0.97
