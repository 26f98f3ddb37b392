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
from analysis.stats.ratio import Ratio, Verdict, compare_groups, compare_paired

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
def test_the_margin_is_one_and_a_quarter_per_cent(factor: float, verdict: str) -> None:
    """Unless told otherwise, 1.25 % is what matters, on either side."""
    assert compare_paired(FLAT, factor * FLAT).verdict == verdict
    assert compare_groups([FLAT], [factor * FLAT], spread=0.0).verdict == verdict


def test_an_interval_that_holds_one_is_no_change() -> None:
    """A ratio far beyond the margin whose interval still holds 1 is unclear, and so is one that leaves the margin."""
    wide = compare_groups([FLAT], [1.1 * FLAT], spread=0.05)
    assert wide.lo < 1 < 1.1 < wide.hi
    assert wide.verdict == Verdict.UNCLEAR
    assert compare_groups([1.1 * FLAT], [FLAT], spread=0.05).verdict == Verdict.UNCLEAR
    # Inside the margin with its ratio, beyond it with one end of its interval.
    assert compare_groups([FLAT], [1.012 * FLAT], spread=0.002).verdict == Verdict.UNCLEAR
    assert compare_groups([1.012 * FLAT], [FLAT], spread=0.002).verdict == Verdict.UNCLEAR


@pytest.mark.parametrize("comparisons", [1, 3, 20])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_each_interval_is_corrected(comparisons: int, confidence: float) -> None:
    """Of 20 intervals at 95 % each is at 99.75 %, by Student's t with that confidence, paired or not."""
    each = 1 - (1 - confidence) / comparisons
    paired = compare_paired(np.ones(6), LADDER, comparisons=comparisons, confidence=confidence)
    assert paired.confidence == pytest.approx(each)
    assert half(paired) == pytest.approx(stats.t.ppf((1 + each) / 2, 3) * math.sqrt(LADDER_VARIANCE))
    groups = compare_groups([LADDER], [LADDER], 0.0, comparisons=comparisons, confidence=confidence)
    assert groups.confidence == pytest.approx(each)
    assert half(groups) == pytest.approx(stats.t.ppf((1 + each) / 2, 6) * math.sqrt(2 * LADDER_VARIANCE))


def test_one_comparison_at_95_per_cent_unless_told_otherwise() -> None:
    """Neither a correction nor another confidence is applied that nobody asked for."""
    assert compare_paired(FLAT, FLAT).confidence == compare_groups([FLAT], [FLAT], 0.0).confidence == 0.95
    assert half(compare_paired(np.ones(6), LADDER)) == pytest.approx(stats.t.ppf(0.975, 3) * math.sqrt(LADDER_VARIANCE))


def test_the_smallest_change_passes_interval_and_margin() -> None:
    """The wider of the two, and the 80 % quantile of Student's t more; never beyond what a number holds."""
    for margin in (0.0001, 0.5):
        found = compare_paired(np.ones(6), LADDER, margin=margin)
        wider = max(half(found), math.log1p(margin))
        expected = wider + stats.t.ppf(0.8, 3) * math.sqrt(LADDER_VARIANCE)
        assert found.smallest == pytest.approx(math.expm1(expected))
    assert compare_groups([FLAT], [FLAT], spread=200.0).smallest == pytest.approx(math.expm1(700))


@pytest.mark.parametrize(("base", "new"), [(3, 3), (1, 5), (5, 1), (2, 4), (2, 5)])
def test_four_runs_beyond_one_a_side_are_enough_to_measure(base: int, new: int) -> None:
    """Then the interval is Student's t on the centres of the runs alone, whatever was assumed."""
    steps = [[0.01 * place**2 for place in range(count)] for count in (base, new)]
    before, after = ([LADDER * math.exp(step) for step in side] for side in steps)
    found = compare_groups(before, after, spread=0.5)
    freedom = base + new - 2
    variance = sum(float(np.var(side)) * len(side) for side in steps) / freedom * (1 / base + 1 / new)
    assert math.log(found.ratio) == pytest.approx(np.mean(steps[1]) - np.mean(steps[0]))
    assert half(found) == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(variance))


@pytest.mark.parametrize(("base", "new"), [(1, 1), (1, 2), (2, 2), (2, 3), (1, 4), (3, 1), (3, 3)])
def test_flat_runs_have_the_spread_assumed(base: int, new: int) -> None:
    """Flat runs that agree have an interval of the spread given, by the number of runs of each side."""
    found = compare_groups([FLAT] * base, [FLAT] * new, spread=0.05)
    assert half(found) == pytest.approx(stats.norm.ppf(0.975) * 0.05 * math.sqrt(1 / base + 1 / new))


def test_a_spread_seen_that_is_more_than_assumed_counts_with_its_doubt() -> None:
    """Two runs apart by d, one on the other side: the variance is 3/4 d², with a single degree of freedom."""
    found = compare_groups([FLAT, math.exp(0.2) * FLAT], [FLAT], spread=0.01)
    assert math.log(found.ratio) == pytest.approx(-0.1)
    assert half(found) == pytest.approx(stats.t.ppf(0.975, 1) * math.sqrt(0.75) * 0.2)
    # Two and two: squares .02 and .00125 over 2, by 1/2 + 1/2; two degrees of freedom.
    found = compare_groups([FLAT, math.exp(0.2) * FLAT], [FLAT, math.exp(0.05) * FLAT], spread=0.01)
    assert half(found) == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(0.02125 / 2))


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
    each = 1 / len(base) + 1 / len(new)
    total = max(seen, spread**2) * each
    doubt = (seen * each) ** 2 / beyond if seen > spread**2 else 0.0
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
        found = compare_groups(before, after, spread)
        center, reach = reference(before, after, spread)
        assert math.log(found.ratio) == pytest.approx(center)
        assert half(found) == pytest.approx(reach)


def test_runs_with_too_few_rounds_are_left_out_of_their_side() -> None:
    """A run of five rounds changes nothing beside one of six; alone it is a reason, on the side that it is on."""
    short = 5 * FLAT[:5]
    alone = compare_groups([FLAT], [FLAT], 0.05)
    assert compare_groups([short, FLAT], [FLAT], 0.05) == compare_groups([FLAT], [short, FLAT], 0.05) == alone
    assert compare_groups([short, short[:2]], [FLAT], 0.05).reason == "base: need at least 6 rounds, have 5"
    assert compare_paired(short, short).reason == "base: need at least 6 rounds, have 5"
    assert compare_paired(FLAT, [*FLAT[:5], 0.0]).reason == "new: 0 is not a time"
    assert compare_paired([*FLAT[:4], -3.0, 0.0], FLAT).reason == "base: -3 is not a time"


def test_the_constants_are_those_of_the_documentation() -> None:
    """0.2 % and 5 % between runs, 80 % power, six rounds: the help text and the notes rest on them."""
    assert (ratio.RELATIVE_SPREAD, ratio.ABSOLUTE_SPREAD, ratio.MARGIN) == (0.002, 0.05, 0.0125)
    assert (ratio.POWER, ratio.FEWEST, ratio.ENOUGH_RUNS) == (0.8, 6, 4)
