"""Ratios of groups of rounds: by hand, by properties, against scipy, by simulation, and on recorded noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from analysis.stats.ratio import (
    MARGIN,
    RELATIVE_SPREAD,
    Spread,
    Verdict,
    compare_alternated,
    compare_groups,
    compare_paired,
    corrected,
)
from tests.noise import runs_of, verdicts

TIMES = st.lists(st.floats(1e2, 1e9), min_size=6, max_size=30)
# Logarithms 0, .01, .02, .03, .04, .05: a middle half (the inner four) around .025.
LADDER = np.exp(np.arange(6) / 100)


def test_centre_and_interval_by_hand() -> None:
    """Six values lose one at each end; the winsorised variance gives the interval with 3 degrees of freedom a side."""
    found = compare_groups([LADDER], [2 * LADDER], spread=Spread(0.0))
    # Winsorised: .01 .01 .02 .03 .04 .04, mean .025, sum of squares .00095, by 4 * 3 a side.
    error = math.sqrt(2 * (0.00095 / 12))
    reach = stats.t.ppf(0.975, 6) * error
    assert found.ratio == pytest.approx(2.0)
    assert (found.lo, found.hi) == pytest.approx((2 * math.exp(-reach), 2 * math.exp(reach)))
    assert found.smallest == pytest.approx(math.expm1(reach + stats.t.ppf(0.8, 6) * error))
    assert (found.verdict, found.confidence, found.reason) == (Verdict.SLOWER, 0.95, "")


def test_paired_by_hand() -> None:
    """Round by round, only the ratios count: what moves both alike is gone."""
    drift = np.array([1.0, 3.0, 0.5, 7.0, 2.0, 1.5])
    found = compare_paired(drift, drift * LADDER)
    reach = stats.t.ppf(0.975, 3) * math.sqrt(0.00095 / 12)
    assert found.ratio == pytest.approx(math.exp(0.025))
    assert found.lo == pytest.approx(math.exp(0.025 - reach))


@given(TIMES, TIMES)
def test_agrees_with_scipy(base: list[float], new: list[float]) -> None:
    """Without a spread between runs, one run a side is `scipy.stats.ttest_ind` with trimming, on logarithms."""
    if len(set(base)) < 4 or len(set(new)) < 4:
        return
    found = compare_groups([base], [new], spread=Spread(0.0))
    expected = stats.ttest_ind(np.log(new), np.log(base), equal_var=False, trim=0.25)
    statistic = math.log(found.ratio) / ((math.log(found.hi) - math.log(found.lo)) / 2)
    assert statistic * stats.t.ppf(0.975, expected.df) == pytest.approx(expected.statistic, rel=1e-6, abs=1e-9)


@given(TIMES, TIMES, st.floats(0.01, 100))
def test_turning_round_and_scaling(base: list[float], new: list[float], factor: float) -> None:
    """Swapping the sides inverts ratio and verdict; another unit on both sides changes nothing."""
    one, back = compare_groups([base], [new], Spread(0.002)), compare_groups([new], [base], Spread(0.002))
    scaled = compare_groups([factor * np.array(base)], [factor * np.array(new)], Spread(0.002))
    assert one.ratio * back.ratio == pytest.approx(1)
    assert (one.lo * back.hi, one.hi * back.lo) == pytest.approx((1, 1), rel=1e-6)
    turned: dict[Verdict | None, Verdict] = {Verdict.FASTER: Verdict.SLOWER, Verdict.SLOWER: Verdict.FASTER}
    assert back.verdict == turned.get(one.verdict, one.verdict)
    assert scaled.ratio == pytest.approx(one.ratio)


@given(TIMES, TIMES, st.floats(0, 0.5), st.integers(1, 100))
def test_verdict_follows_from_interval_and_margin(
    base: list[float], new: list[float], margin: float, comparisons: int
) -> None:
    """The verdict can be read from the interval; a correction for more comparisons only ever widens it."""
    found = compare_groups([base], [new], Spread(0.002), margin, comparisons)
    alone = compare_groups([base], [new], Spread(0.002), margin)
    assert found.lo <= alone.lo <= found.ratio <= alone.hi <= found.hi
    assert found.smallest >= margin * (1 - 1e-9)
    expected = Verdict.UNCLEAR
    if found.lo > 1 and found.ratio > 1 + margin:
        expected = Verdict.SLOWER
    elif found.hi < 1 and found.ratio < 1 / (1 + margin):
        expected = Verdict.FASTER
    elif 1 / (1 + margin) <= found.lo and found.hi <= 1 + margin:
        expected = Verdict.SAME
    assert found.verdict == expected


def test_a_burst_is_no_change() -> None:
    """One round of twenty that a neighbour made ten times slower moves the ratio by no more than a rank would."""
    quiet = np.exp(np.linspace(-0.01, 0.01, 20))
    burst = quiet.copy()
    burst[3] *= 10
    assert abs(math.log(compare_groups([quiet], [burst], Spread(0.0)).ratio)) < 0.002


def test_values_that_do_not_vary() -> None:
    """Identical rounds give an interval without width within a run, and one as wide as the spread between runs."""
    flat = np.full(10, 120_000.0)
    assert compare_paired(flat, flat).verdict == Verdict.SAME
    assert compare_paired(flat, 1.02 * flat).verdict == Verdict.SLOWER
    between = compare_groups([flat], [flat], Spread(0.002))
    assert math.log(between.hi) == pytest.approx(stats.norm.ppf(0.975) * math.sqrt(2) * 0.002)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_no_time_gets_no_verdict(wrong: float) -> None:
    """NaN, infinite, zero and negative values make the comparison impossible, and the reason names them."""
    for found in (
        compare_groups([[*LADDER, wrong]], [LADDER], Spread(0.0)),
        compare_groups([LADDER], [LADDER, [*LADDER, wrong]], Spread(0.0)),
        compare_paired([*LADDER, wrong], [*LADDER, 1.0]),
    ):
        assert found.verdict is None
        assert "is not a time" in found.reason
        assert all(math.isnan(value) for value in (found.ratio, found.lo, found.hi, found.smallest))


def test_too_few_rounds_get_no_verdict() -> None:
    """With fewer than 6 rounds on a side there is only a reason, which says how many are needed."""
    assert compare_groups([LADDER], [LADDER[:5]], Spread(0.0)).reason == "new: need at least 6 rounds, have 5"
    assert compare_groups([], [LADDER], Spread(0.0)).reason == "base: need at least 6 rounds, have 0"
    assert compare_paired(LADDER[:3], LADDER[:3]).verdict is None
    assert compare_groups([LADDER[:2], LADDER], [LADDER], Spread(0.0)).verdict is not None


def test_unequal_lengths_cannot_be_paired() -> None:
    """Values of different rounds are a mistake of the caller, never silently cut."""
    with pytest.raises(ValueError, match="one length"):
        compare_paired(LADDER, LADDER[:-1])


def test_correction_is_bonferroni() -> None:
    """Ten intervals at 99.5 % hold together at 95 %; one or none needs no correction."""
    assert corrected(10) == pytest.approx(0.995)
    assert corrected(1) == corrected(0) == pytest.approx(0.95)


def test_two_runs_that_disagree_widen_the_interval() -> None:
    """With two runs on a side the spread seen counts if it is more than the one assumed."""
    alike = compare_groups([LADDER, LADDER], [LADDER, LADDER], Spread(0.002))
    apart = compare_groups([LADDER, 1.1 * LADDER], [LADDER, 1.1 * LADDER], Spread(0.002))
    single = compare_groups([LADDER], [LADDER], Spread(0.002))
    assert apart.hi > 1.2 > single.hi > alike.hi


def simulated(dice: np.random.Generator, rounds: int, spread: float) -> NDArray[np.float64]:
    """Relative latency of each round of a run: run, subject, block, and a drift that moves while a pair is measured."""
    shape = (rounds, 4, 2)
    drift = np.cumsum(dice.normal(0, 0.004, shape).ravel()).reshape(shape)
    subject = dice.normal(0, 0.01, (rounds, 1)) + np.where(dice.random((rounds, 1)) < 0.05, 0.05, 0.0)
    blocks = np.exp(drift + dice.normal(0, 0.005, shape))
    ratios = blocks[:, :, 0] / blocks[:, :, 1] * np.exp(subject + dice.normal(0, spread))
    return np.median(ratios, axis=1)


@pytest.mark.parametrize("rounds", [10, 20])
def test_coverage_between_runs(rounds: int) -> None:
    """95 % intervals of identical nested and drifting runs hold 1 in 93 to 97 % of 2000 pairs."""
    dice = np.random.default_rng(7)
    sides = [[simulated(dice, rounds, 0.002) for _ in range(2)] for _ in range(2000)]
    found = [compare_groups([base], [new], Spread(RELATIVE_SPREAD)) for base, new in sides]
    assert 0.93 <= np.mean([one.lo <= 1 <= one.hi for one in found]) <= 0.97


@pytest.mark.parametrize("pairs", [4, 6])
def test_coverage_of_runs_in_turn(pairs: int) -> None:
    """Pairs measured in turn on a machine that drifts from run to run: 95 % intervals hold 1 in 93 to 97 % of 2000."""
    dice = np.random.default_rng(11)
    hits = 0
    for _ in range(2000):
        drift = np.exp(np.cumsum(dice.normal(0, 0.01, 2 * pairs)))
        runs = [by * np.exp(dice.normal(0, 0.01, 8)) for by in drift]
        found = compare_alternated(list(zip(runs[::2], runs[1::2], strict=True)), Spread(RELATIVE_SPREAD))
        hits += found.lo <= 1 <= found.hi
    assert 0.93 <= hits / 2000 <= 0.97


@pytest.mark.parametrize("rounds", [8, 12, 20])
def test_coverage_within_a_run(rounds: int) -> None:
    """95 % intervals of two identical cells that share rounds and a strong drift hold 1 in 93 to 97 % of 1000 runs."""
    dice = np.random.default_rng(2)
    hits = 0
    for _ in range(1000):
        drift = np.exp(np.cumsum(dice.normal(0, 0.1, rounds)))
        base, new = (drift * np.exp(dice.standard_t(4, rounds) * 0.01) for _ in range(2))
        found = compare_paired(base, new)
        hits += found.lo <= 1 <= found.hi
    assert 930 <= hits <= 970


def test_identical_code_on_recorded_noise() -> None:
    """At most 1 % of the pairs of recorded identical runs are called faster or slower."""
    for one, two in (("same_a", "same_b"), ("same_b", "same_a")):
        found = verdicts(runs_of(one), runs_of(two))
        assert found[Verdict.FASTER] + found[Verdict.SLOWER] <= 0.01
        assert found[Verdict.SAME] > 0.5


def test_intervals_hold_on_recorded_noise() -> None:
    """The spread assumed between runs is the recording's: 95 % intervals leave out 1 in 3 to 7 % of its pairs."""
    found = verdicts(runs_of("same_a"), runs_of("same_b"), margin=0.0)
    assert 0.03 <= found[Verdict.FASTER] + found[Verdict.SLOWER] <= 0.07


def test_a_slowdown_is_found_on_recorded_noise() -> None:
    """A hook that makes forks 8 % slower is found in at least 99 % of the pairs."""
    assert verdicts(runs_of("same_a"), runs_of("hook_a"))[Verdict.SLOWER] >= 0.99


@pytest.mark.parametrize("subject", ["same_a", "same_b"])
def test_two_percent_are_found_on_recorded_noise(subject: str) -> None:
    """Times made 2 % longer are called slower in at least 90 % of the pairs, and never faster."""
    base = runs_of(subject)
    found = verdicts(base, tuple(1.02 * run for run in base))
    assert found[Verdict.SLOWER] >= 0.90
    assert found[Verdict.FASTER] == 0


def test_absolute_latency_on_recorded_noise() -> None:
    """Absolute latency of single runs is never called different for the machine's drift alone."""
    found = verdicts(runs_of("same_a", "absolute"), runs_of("same_b", "absolute"), rests_on="absolute")
    assert found[Verdict.FASTER] + found[Verdict.SLOWER] == 0


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_pooling_more_runs_finds_no_change_in_identical_code(seed: int) -> None:
    """Any three against any three of the recorded identical runs, margin and all, are not called different."""
    order = np.random.default_rng(seed).permutation(30)
    one, two = runs_of("same_a"), runs_of("same_b")
    found = compare_groups([one[i] for i in order[:3]], [two[i] for i in order[3:6]], Spread(RELATIVE_SPREAD))
    assert found.verdict in (Verdict.SAME, Verdict.UNCLEAR), (found, MARGIN)
