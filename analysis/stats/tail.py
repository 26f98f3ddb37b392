"""Turns the calls of rounds into a high percentile with an interval that counts rounds; pure mathematics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.interval import CONFIDENCE, Estimate, needed

Rounds = Sequence[NDArray[Any]]

# The number of slow calls differs by chance, so that six good rounds with some slow calls each are worth 4.5 to 6.
GOOD_ROUNDS = 0.75


def quantile_interval(rounds: Rounds, quantile: float, confidence: float = CONFIDENCE) -> Estimate:
    """The `quantile` (0 to 1) of all calls, with an interval whose sampling unit is the round.

    `rounds` holds one array of calls for each round. The share of slow calls differs from round to round; this
    says how many independent calls all calls are worth (`effective_calls`). The exact binomial interval of so many
    calls, in shares of calls, is then read off the sorted calls (Woodruff 1952, "Confidence intervals for medians
    and other position measures", JASA 47; Korn and Graubard 1998, "Confidence intervals for proportions with small
    expected number of positive counts", Survey Methodology 24). Drawing rounds with replacement, expanded as in
    Hesterberg 2015, was tried over simulated calls whose rounds differ by 3 %: its 95 % interval held p99 in 83 to
    89 % of the runs of 20 rounds, this one in 92 to 97 %.

    Rounds count as independent. Where a round depends on the round before (correlation 0.3), 90 % are held instead
    of 95. Too few calls (see `needed`): no value, only a warning. Too few rounds: no interval. Where the slow calls
    come from few rounds, a warning says so: the interval is then too narrow (80 to 90 %).
    """
    rounds = [np.asarray(calls) for calls in rounds if len(calls)]
    call_count, name, fewest_calls = sum(map(len, rounds)), f"p{quantile * 100:g}", needed(quantile, confidence)
    if call_count < fewest_calls:
        warning = f"too few calls for {name}: need at least {fewest_calls}, have {call_count}"
        return Estimate(math.nan, math.nan, math.nan, 0.0, (warning,))
    all_calls = np.concatenate(rounds)
    center = float(np.quantile(all_calls, quantile))
    fewest_rounds = needed(0.5, confidence)
    if len(rounds) < fewest_rounds:
        warning = f"need at least {fewest_rounds} rounds for an interval of {name}, have {len(rounds)}"
        return Estimate(center, math.nan, math.nan, 0.0, (warning,))
    slow_calls = np.array([np.count_nonzero(calls > center) for calls in rounds])
    calls_of_rounds = np.array([len(calls) for calls in rounds])
    size = effective_calls(slow_calls, calls_of_rounds, quantile, confidence)
    lo, hi = np.quantile(all_calls, _binomial_shares(size, quantile, confidence), method="inverted_cdf")
    slow_rounds = effective_rounds(slow_calls / calls_of_rounds)
    enough = GOOD_ROUNDS * fewest_rounds
    warning = f"{name} rests on {slow_rounds:.1f} rounds, fewer than {enough:g}: its interval is too narrow"
    # The value is interpolated between two calls, the ends are calls: keep the value between them.
    ends = min(float(lo), center), max(float(hi), center)
    return Estimate(center, *ends, confidence, (warning,) if 0 < slow_rounds < enough else ())


def _binomial_shares(size: float, quantile: float, confidence: float) -> NDArray[np.float64]:
    """The exact interval (Clopper and Pearson 1934) of a share that is `quantile` in a sample of `size` calls."""
    missed, below = (1 - confidence) / 2, size * quantile
    shares = special.betaincinv([below, below + 1], [size - below + 1, size - below], [missed, 1 - missed])
    return np.asarray(shares, dtype=float)


def effective_calls(
    slow_calls: NDArray[Any], calls_of_rounds: NDArray[Any], quantile: float, confidence: float = CONFIDENCE
) -> float:
    """How many independent calls the calls of rounds are worth for one `quantile`; at most their number.

    `slow_calls` counts the calls of each round that exceed the quantile, `calls_of_rounds` all calls of each round.
    The variance of the share is that of a ratio over rounds. It is estimated from few rounds, which quantiles of
    Student's t correct for (Korn and Graubard 1998, section 3).
    """
    call_count, round_count = float(calls_of_rounds.sum()), len(calls_of_rounds)
    excess = slow_calls - calls_of_rounds * (1 - quantile)
    variance = round_count / (round_count - 1) * float(excess @ excess) / call_count**2
    if variance == 0:
        return call_count
    t_quantile = (1 + confidence) / 2
    correction = (special.stdtrit(call_count - 1, t_quantile) / special.stdtrit(round_count - 1, t_quantile)) ** 2
    return min(call_count, float(quantile * (1 - quantile) / variance * correction))


def effective_rounds(shares: NDArray[Any]) -> float:
    """How many equal rounds would weigh as much as these `shares` (Kish 1965, effective sample size); 0: none."""
    squares = float(shares @ shares)
    return float(shares.sum()) ** 2 / squares if squares else 0.0
