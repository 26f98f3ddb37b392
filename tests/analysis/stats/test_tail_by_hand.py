"""Intervals of high percentiles by hand: what the calls of unequal rounds are worth, and when to warn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.tail import quantile_interval, worth


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
    assert found.warnings == ("p99 rests on 5.0 rounds, fewer than 6: its interval is too narrow",)


def test_calls_of_unequal_rounds_of_unequal_size() -> None:
    """Rounds of 100 and 300 calls: what is expected of each is in proportion to its size."""
    # Expected 1 and 3; seen 4, 3, 0, 5: spread 3 0 -1 2, variance 4/3 * 14 / 800².
    above, sizes = np.array([4, 3, 0, 5]), np.array([100, 300, 100, 300])
    correction = (stats.t.ppf(0.95, 799) / stats.t.ppf(0.95, 3)) ** 2
    expected = 0.99 * 0.01 / (4 / 3 * 14 / 800**2) * correction
    assert expected < 800
    assert worth(above, sizes, 0.99, 0.9) == pytest.approx(expected)
    assert worth(np.array([1, 3, 1, 3]), sizes, 0.99) == 800


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
