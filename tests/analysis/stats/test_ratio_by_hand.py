"""Ratios worked out by hand or by other code: every part of the variance, and every edge of a verdict."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from analysis.stats import ratio
from analysis.stats.centre import FEWEST
from analysis.stats.ratio import (
    Ratio,
    Spread,
    Verdict,
    compare_alternated,
    compare_groups,
    compare_paired,
    identity,
    no_ratio,
)

Rounds = NDArray[np.float64]
FLAT = np.full(6, 1000.0)
# Logarithms 0, .01, .02, .03, .04, .05: centre .025; winsorised sum of squares .00095, by 4 * 3.
LADDER = np.exp(np.arange(6) / 100)
LADDER_VARIANCE = 0.00095 / 12


def half(found: Ratio) -> float:
    """Half the width of the interval on logarithms, checked to be around the ratio."""
    lo, center, hi = (math.log(value) for value in (found.lo, found.ratio, found.hi))
    assert center - lo == pytest.approx(hi - center)
    return (hi - lo) / 2


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        (2.0, Verdict.SAME),
        (0.5, Verdict.SAME),
        (2.001, Verdict.SLOWER),
        (0.4999, Verdict.FASTER),
        (1.999, Verdict.SAME),
        (0.5001, Verdict.SAME),
        (1.0, Verdict.SAME),
    ],
)
def test_the_edge_of_the_margin_is_inside_it(factor: float, verdict: str) -> None:
    """With a margin of 100 %, exactly twice and half as long are the last that are the same."""
    found = compare_paired(FLAT, factor * FLAT, margin=1.0)
    assert found.verdict == verdict
    assert (found.lo, found.hi) == pytest.approx((found.ratio, found.ratio))
    assert found.ratio == pytest.approx(factor)
    assert found.smallest == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.0124, Verdict.SAME), (1.0126, Verdict.SLOWER), (1 / 1.0124, Verdict.SAME), (0.9876, Verdict.FASTER)],
)
def test_the_margin_between_runs_is_one_and_a_quarter_per_cent(factor: float, verdict: str) -> None:
    """Unless told otherwise, 1.25 % is what matters between runs, on either side."""
    assert compare_groups([FLAT], [factor * FLAT], spread=Spread(0.0)).verdict == verdict


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.0049, Verdict.SAME), (1.0051, Verdict.SLOWER), (1 / 1.0049, Verdict.SAME), (1 / 1.0051, Verdict.FASTER)],
)
def test_the_margin_within_a_run_is_half_a_per_cent(factor: float, verdict: str) -> None:
    """Unless told otherwise, 0.5 % is what matters within one run, on either side."""
    assert compare_paired(FLAT, factor * FLAT).verdict == verdict


def test_an_interval_that_holds_one_is_no_change() -> None:
    """A ratio far beyond the margin whose interval still holds 1 is unclear, and so is one that leaves the margin."""
    wide = compare_groups([FLAT], [1.1 * FLAT], spread=Spread(0.05))
    assert wide.lo < 1 < 1.1 < wide.hi
    assert wide.verdict == Verdict.UNCLEAR
    assert compare_groups([1.1 * FLAT], [FLAT], spread=Spread(0.05)).verdict == Verdict.UNCLEAR
    # Inside the margin with its ratio, beyond it with one end of its interval.
    assert compare_groups([FLAT], [1.012 * FLAT], spread=Spread(0.002)).verdict == Verdict.UNCLEAR
    assert compare_groups([1.012 * FLAT], [FLAT], spread=Spread(0.002)).verdict == Verdict.UNCLEAR


@pytest.mark.parametrize("comparisons", [1, 3, 20])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_each_interval_is_corrected(comparisons: int, confidence: float) -> None:
    """Of 20 intervals at 95 % each is at 99.75 %, by Student's t with that confidence, paired or not."""
    each = 1 - (1 - confidence) / comparisons
    paired = compare_paired(np.ones(6), LADDER, comparisons=comparisons, confidence=confidence)
    assert paired.confidence == pytest.approx(each)
    assert half(paired) == pytest.approx(stats.t.ppf((1 + each) / 2, 3) * math.sqrt(LADDER_VARIANCE))
    groups = compare_groups([LADDER], [LADDER], Spread(0.0), comparisons=comparisons, confidence=confidence)
    assert groups.confidence == pytest.approx(each)
    assert half(groups) == pytest.approx(stats.t.ppf((1 + each) / 2, 6) * math.sqrt(2 * LADDER_VARIANCE))


def test_one_comparison_at_95_per_cent_unless_told_otherwise() -> None:
    """Neither a correction nor another confidence is applied that nobody asked for."""
    assert compare_paired(FLAT, FLAT).confidence == compare_groups([FLAT], [FLAT], Spread(0.0)).confidence == 0.95
    assert half(compare_paired(np.ones(6), LADDER)) == pytest.approx(stats.t.ppf(0.975, 3) * math.sqrt(LADDER_VARIANCE))


def test_the_smallest_change_passes_interval_and_margin() -> None:
    """The wider of the two, and the 80 % quantile of Student's t more; never beyond what a number holds."""
    for margin in (0.0001, 0.5):
        found = compare_paired(np.ones(6), LADDER, margin=margin)
        wider = max(half(found), math.log1p(margin))
        expected = wider + stats.t.ppf(0.8, 3) * math.sqrt(LADDER_VARIANCE)
        assert found.smallest == pytest.approx(math.expm1(expected))
    assert compare_groups([FLAT], [FLAT], spread=Spread(200.0)).smallest == pytest.approx(math.expm1(700))


def in_turn(steps: Sequence[float], drifts: Sequence[float]) -> list[tuple[Rounds, Rounds]]:
    """Pairs of flat runs: the new one is longer by a step, and both by what the machine drifted (logarithms)."""
    return [(FLAT * math.exp(drift), FLAT * math.exp(drift + step)) for step, drift in zip(steps, drifts, strict=True)]


def test_pairs_in_turn_are_student_on_their_differences() -> None:
    """From four pairs on, only the differences of pairs count: neither the drift between pairs nor what is assumed."""
    steps = [0.01, 0.03, 0.02, 0.06]
    found = compare_alternated(in_turn(steps, [0.0, 0.5, -0.3, 2.0]), Spread(0.5))
    expected = stats.ttest_1samp(steps, 0).confidence_interval()
    assert math.log(found.ratio) == pytest.approx(0.03)
    assert (math.log(found.lo), math.log(found.hi)) == pytest.approx((expected.low, expected.high))


def test_few_pairs_in_turn_have_the_spread_assumed_or_seen() -> None:
    """Three pairs: twice the square of the spread, by three; or what they differ by, with two degrees of freedom."""
    found = compare_alternated(in_turn([0.01, 0.011, 0.012], [0.0, 1.0, 2.0]), Spread(0.05))
    assert half(found) == pytest.approx(stats.norm.ppf(0.975) * 0.05 * math.sqrt(2 / 3))
    found = compare_alternated(in_turn([0.1, 0.2, 0.3], [0.0, 1.0, 2.0]), Spread(0.05))
    assert half(found) == pytest.approx(stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3))
    # One pair, and pairs that agree to the last digit: nothing is seen.
    alone = compare_alternated(in_turn([0.1], [0.0]), Spread(0.05, 7))
    assert half(alone) == pytest.approx(stats.t.ppf(0.975, 7) * 0.05 * math.sqrt(2))
    flat = compare_alternated(in_turn([0.1] * 5, [0.0] * 5), Spread(0.05))
    assert half(flat) == pytest.approx(stats.norm.ppf(0.975) * 0.05 * math.sqrt(2 / 5))


def test_rounds_of_pairs_count_where_few_are_measured_in_turn() -> None:
    """One pair of ladders: the variances of both centres and of the spread, by Satterthwaite."""
    found = compare_alternated([(LADDER, LADDER)], Spread(0.01))
    total = 2 * LADDER_VARIANCE + 2 * 0.01**2
    freedom = total**2 / (2 * LADDER_VARIANCE**2 / 3)
    assert half(found) == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(total))


def test_pairs_with_too_few_rounds_are_left_out() -> None:
    """A pair counts if both of its runs have six rounds; without such a pair there is a reason."""
    short = FLAT[:5]
    good = in_turn([0.1, 0.2], [0.0, 0.0])
    assert compare_alternated([(short, FLAT), *good, (FLAT, short)], Spread(0.05)) == compare_alternated(
        good, Spread(0.05)
    )
    assert compare_alternated([(short, FLAT)], Spread(0.05)).reason == "base: need at least 6 rounds, have 5"
    apart = compare_alternated([(short, FLAT), (FLAT, short)], Spread(0.05))
    assert (apart.verdict, apart.reason) == (None, "no pair of runs that both have 6 rounds")
    assert compare_alternated([(FLAT, 0 * FLAT)], Spread(0.05)).reason == "new: 0 is not a time"


def test_the_same_runs_are_the_same() -> None:
    """Whatever runs scatter, against themselves their ratio is exactly 1; what cannot be compared still cannot."""
    found = identity(compare_groups([LADDER], [2 * LADDER], Spread(0.05)))
    assert (found.ratio, found.lo, found.hi, found.verdict) == (1, 1, 1, Verdict.SAME)
    assert identity(no_ratio("why")).reason == "why"


@pytest.mark.parametrize(("base", "new"), [(1, 1), (1, 2), (2, 2), (2, 3), (1, 4), (3, 1), (3, 3)])
def test_flat_runs_have_the_spread_assumed(base: int, new: int) -> None:
    """Flat runs that agree have an interval of the spread given, however many there are: each side met one hour."""
    found = compare_groups([FLAT] * base, [FLAT] * new, spread=Spread(0.05))
    assert half(found) == pytest.approx(stats.norm.ppf(0.975) * 0.05 * math.sqrt(2))


def test_a_spread_seen_that_is_more_than_assumed_counts_with_its_doubt() -> None:
    """Two runs apart by d, one on the other side: their variance is d²/2, and counts twice, with one degree."""
    found = compare_groups([FLAT, math.exp(0.2) * FLAT], [FLAT], spread=Spread(0.01))
    assert math.log(found.ratio) == pytest.approx(-0.1)
    assert half(found) == pytest.approx(stats.t.ppf(0.975, 1) * 0.2)
    # Two and two: squares .02 and .00125 over 2, twice; two degrees of freedom.
    found = compare_groups([FLAT, math.exp(0.2) * FLAT], [FLAT, math.exp(0.05) * FLAT], spread=Spread(0.01))
    assert half(found) == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(0.02125))


def reference(base: Sequence[Rounds], new: Sequence[Rounds], spread: float) -> tuple[float, float]:
    """Centre and half width by plain loops, for fewer runs than are enough."""
    variances: list[list[float]] = []
    centres: list[list[float]] = []
    for side in (base, new):
        variances.append([])
        centres.append([])
        for run in side:
            logs = sorted(math.log(value) for value in run)
            cut = len(logs) // 4
            inner = logs[cut : len(logs) - cut]
            clipped = [inner[0]] * cut + inner + [inner[-1]] * cut
            mean = sum(clipped) / len(clipped)
            squares = sum((value - mean) ** 2 for value in clipped)
            variances[-1].append(squares / (len(inner) * (len(inner) - 1)))
            centres[-1].append(sum(inner) / len(inner))
    freedoms = [[len(run) - 2 * (len(run) // 4) - 1 for run in side] for side in (base, new)]
    within = float(np.mean([*variances[0], *variances[1]]))
    beyond = len(base) + len(new) - 2
    between = sum((value - sum(side) / len(side)) ** 2 for side in centres for value in side)
    seen = between / beyond - within if beyond else 0.0
    total = max(seen, spread**2) * 2
    doubt = (seen * 2) ** 2 / beyond if seen > spread**2 else 0.0
    for of_side, degrees in zip(variances, freedoms, strict=True):
        for variance, freedom in zip(of_side, degrees, strict=True):
            total += variance / len(of_side) ** 2
            doubt += (variance / len(of_side) ** 2) ** 2 / freedom
    reach = stats.t.ppf(0.975, total**2 / doubt) * math.sqrt(total)
    return float(np.mean(centres[1]) - np.mean(centres[0])), float(reach)


def test_few_runs_that_vary_agree_with_plain_loops() -> None:
    """Runs of unlike length and noise, one to four in all: centre and interval are those of a plain reckoning."""
    dice = np.random.default_rng(4)
    for (base, new), spread in itertools.product(((1, 1), (2, 1), (1, 3), (2, 2), (2, 3)), (0.001, 0.02, 0.2)):
        before, after = (
            [np.exp(dice.normal(dice.normal(0, 0.03), dice.uniform(0.01, 0.1), dice.integers(6, 14))) for _ in range(n)]
            for n in (base, new)
        )
        found = compare_groups(before, after, Spread(spread))
        center, reach = reference(before, after, spread)
        assert math.log(found.ratio) == pytest.approx(center)
        assert half(found) == pytest.approx(reach)


def test_runs_with_too_few_rounds_are_left_out_of_their_side() -> None:
    """A run of five rounds changes nothing beside one of six; alone it is a reason, on the side that it is on."""
    short = 5 * FLAT[:5]
    alone = compare_groups([FLAT], [FLAT], Spread(0.05))
    assert (
        compare_groups([short, FLAT], [FLAT], Spread(0.05))
        == compare_groups([FLAT], [short, FLAT], Spread(0.05))
        == alone
    )
    assert compare_groups([short, short[:2]], [FLAT], Spread(0.05)).reason == "base: need at least 6 rounds, have 5"
    assert compare_paired(short, short).reason == "base: need at least 6 rounds, have 5"
    assert compare_paired(FLAT, [*FLAT[:5], 0.0]).reason == "new: 0 is not a time"
    assert compare_paired([*FLAT[:4], -3.0, 0.0], FLAT).reason == "base: -3 is not a time"


def test_the_constants_are_those_of_the_documentation() -> None:
    """0.2 % and 5 % between runs, 80 % power, six rounds: the help text and the notes rest on them."""
    assert (ratio.RELATIVE_SPREAD, ratio.ABSOLUTE_SPREAD) == (0.002, 0.05)
    assert (ratio.MARGIN, ratio.MARGIN_WITHIN) == (0.0125, 0.005)
    assert (ratio.POWER, FEWEST, ratio.ENOUGH_PAIRS) == (0.8, 6, 4)
