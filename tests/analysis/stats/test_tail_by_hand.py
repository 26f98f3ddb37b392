"""Intervals of high percentiles by hand: what the calls of unequal rounds are worth, and when to warn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from analysis.stats import tail
from analysis.stats.tail import effective_calls, quantile_interval


def test_an_interval_of_unequal_rounds_worked_out_by_hand() -> None:
    """Slow calls in five of ten rounds: 2000 calls are worth 669.6, whose exact binomial interval is read off."""
    # Calls 0 … 1999, p99 is 1979.01; of the 20 calls above it four are in each of five rounds, 2 are expected.
    # Spread: 10 * 2² = 40; variance 10 / 9 * 40 / 2000²; worth .0099 / that = 891; by 0.751567 (see above).
    slow = np.arange(1980, 2000).reshape(5, 4)
    fast = iter(range(1980))
    rounds = [np.array([*itertools.islice(fast, 196), *slow[place]]) for place in range(5)]
    rounds += [np.array([*itertools.islice(fast, 200)]) for _ in range(5)]
    pooled = np.arange(2000)
    found = quantile_interval(rounds, 0.99)
    assert found.center == pytest.approx(1979.01)
    size = 891 * (stats.t.ppf(0.975, 1999) / stats.t.ppf(0.975, 9)) ** 2
    assert size == pytest.approx(669.6, abs=0.1)
    hits = 0.99 * size
    lowest = stats.beta.ppf(0.025, hits, size - hits + 1)
    highest = stats.beta.ppf(0.975, hits + 1, size - hits)
    assert found.lo == pooled[math.ceil(2000 * lowest) - 1]
    assert found.hi == pooled[math.ceil(2000 * highest) - 1]
    assert found.confidence == 0.95
    assert found.warnings == ()  # five of ten rounds carry the tail, 4.5 are enough


def test_calls_of_unequal_rounds_of_unequal_size() -> None:
    """Rounds of 100 and 300 calls: what is expected of each is in proportion to its size, and is not spread."""
    # p99 of 0 … 1599 is 1583.01, so 16 calls are above it: 1 or 3 expected of a round. The last are as expected.
    # Squares: 9 0 1 4 1 4 0 1 = 20; variance 8 / 7 * 20 / 1600²; worth .0099 / that, by Student's t at 90 %.
    sizes = [100, 300] * 4
    fast, slow = iter(range(1584)), iter(range(1584, 1600))

    def dealt(counts: list[int]) -> list[NDArray[np.int64]]:
        return [
            np.array([*itertools.islice(fast, size - count), *itertools.islice(slow, count)])
            for size, count in zip(sizes, counts, strict=True)
        ]

    found = quantile_interval(dealt([4, 3, 0, 5, 0, 1, 1, 2]), 0.99, confidence=0.9)
    size = 0.0099 / (8 / 7 * 20 / 1600**2) * (stats.t.ppf(0.95, 1599) / stats.t.ppf(0.95, 7)) ** 2
    assert 700 < size < 1600
    hits = 0.99 * size
    assert found.lo == math.ceil(1600 * stats.beta.ppf(0.05, hits, size - hits + 1)) - 1
    assert found.hi == math.ceil(1600 * stats.beta.ppf(0.95, hits + 1, size - hits)) - 1
    # The shares of slow calls are 12 3 0 5 0 1 3 2 of 300: 26² / 192 = 3.5 rounds carry them.
    assert found.warnings == ("p99 rests on 3.5 rounds, fewer than 3.75: its interval is too narrow",)
    fast, slow = iter(range(1584)), iter(range(1584, 1600))
    share = stats.binomtest(1584, 1600).proportion_ci()
    even = quantile_interval(dealt([1, 3] * 4), 0.99)
    assert (even.lo, even.hi) == (math.ceil(1600 * share.low) - 1, math.ceil(1600 * share.high) - 1)


def test_no_warning_where_enough_rounds_carry_the_tail() -> None:
    """Six equal rounds out of seven are enough; another confidence and quantile need other numbers."""
    shares = [6] * 6 + [0]
    rounds = [np.concatenate([np.full(200 - slow, 10), np.arange(100, 100 + slow)]) for slow in shares]
    assert quantile_interval(rounds, 0.99).warnings == ()
    assert quantile_interval(rounds, 0.99, confidence=0.99).warnings == (
        "need at least 8 rounds for an interval of p99, have 7",
    )
    few = quantile_interval(rounds[:1], 0.99, confidence=0.9)
    assert few.warnings == ("too few calls for p99: need at least 299, have 200",)
    assert (few.confidence, math.isnan(few.hi)) == (0.0, True)


def test_the_call_at_the_percentile_is_not_a_slow_one() -> None:
    """Of 0 … 1000, p99 is the call 990: ten calls are slower than it, and it is not one of them."""
    # Rounds of 143 calls: 1.43 slow ones expected of each; seen 4 3 2 1 0 0 0, and 990 itself is in the first.
    fast, slow = iter(range(990)), iter(range(991, 1001))
    rounds = []
    for place, count in enumerate((4, 3, 2, 1, 0, 0, 0)):
        slow_calls = [*itertools.islice(slow, count), *([990] if place == 0 else [])]
        rounds.append(np.array([*itertools.islice(fast, 143 - len(slow_calls)), *slow_calls]))
    found = quantile_interval(rounds, 0.99)
    assert found.center == 990
    squares = sum((count - 1.43) ** 2 for count in (4, 3, 2, 1, 0, 0, 0))
    size = 0.0099 / (7 / 6 * squares / 1001**2) * (stats.t.ppf(0.975, 1000) / stats.t.ppf(0.975, 6)) ** 2
    hits = 0.99 * size
    assert found.lo == math.ceil(1001 * stats.beta.ppf(0.025, hits, size - hits + 1)) - 1
    # 100 / 30 rounds, where one of five would have been 121 / 39.
    assert found.warnings == ("p99 rests on 3.3 rounds, fewer than 4.5: its interval is too narrow",)


def test_the_ends_of_an_interval_are_those_of_the_binomial_distribution_to_a_rank() -> None:
    """100,000 calls in rounds that hold 30 and 70 slow ones in turn: ends of Clopper and Pearson, rank by rank."""
    fast, slow = iter(range(99_000)), iter(range(99_000, 100_000))
    counts = [30, 70] * 10
    rounds = [np.array([*itertools.islice(fast, 5000 - count), *itertools.islice(slow, count)]) for count in counts]
    found = quantile_interval(rounds, 0.99)
    # Expected are 50 of each: squares 20 * 400.
    size = 0.0099 / (20 / 19 * 8000 / 100_000**2) * (stats.t.ppf(0.975, 99_999) / stats.t.ppf(0.975, 19)) ** 2
    hits = 0.99 * size
    assert found.lo == math.ceil(100_000 * stats.beta.ppf(0.025, hits, size - hits + 1)) - 1
    assert found.hi == math.ceil(100_000 * stats.beta.ppf(0.975, hits + 1, size - hits)) - 1
    assert found.warnings == ()


def test_few_calls_have_the_degrees_of_freedom_of_few_calls() -> None:
    """Six rounds of three calls, half of them slow: 18 calls are worth .25 / variance, by t of 17 over t of 5."""
    # Expected 1.5 of each round: squares 6 * 2.25; variance 6 / 5 * 13.5 / 18² = .05.
    sizes = np.full(6, 3)
    correction = (stats.t.ppf(0.975, 17) / stats.t.ppf(0.975, 5)) ** 2
    assert effective_calls(np.array([3, 0] * 3), sizes, 0.5) == pytest.approx(0.25 / 0.05 * correction, rel=1e-9)
    # As many slow calls in each round as expected: no variance at all, and every call counts.
    assert effective_calls(np.full(6, 2), np.full(6, 4), 0.5) == 24


def test_six_rounds_that_carry_the_tail_alike_are_just_enough() -> None:
    """Three slow calls of 256 in each of six rounds are six rounds, which is not fewer than six."""
    rounds = [np.array([10] * 253 + [100 + 3 * place + slow for slow in range(3)]) for place in range(6)]
    found = quantile_interval([*rounds, np.full(256, 10)], 0.99)
    assert found.warnings == ()
    assert found.center == pytest.approx(10 + 0.09 * 90)


def test_equal_calls_rest_on_no_slow_round_and_need_no_warning() -> None:
    """Where no call is slower than p99, nothing is said of the rounds that slow calls come from."""
    assert quantile_interval([np.full(100, 5000)] * 8, 0.99).warnings == ()
    few = quantile_interval([np.full(1000, 5000)] * 5, 0.99)
    assert (few.center, few.confidence, len(few.warnings)) == (5000, 0.0, 1)


@pytest.mark.parametrize(("below", "size"), [(54, 60), (99, 100), (1980, 2000)])
def test_shares_of_calls_are_the_exact_binomial_interval(below: int, size: int) -> None:
    """For whole numbers of calls both ends are those of scipy's exact binomial test."""
    interval = stats.binomtest(below, size).proportion_ci(0.95, method="exact")
    assert tail._binomial_shares(size, below / size, 0.95) == pytest.approx([interval.low, interval.high])
