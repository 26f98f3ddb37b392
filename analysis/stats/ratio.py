"""Turns two groups of rounds into a ratio with an interval and a verdict; pure mathematics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.centre import FEWEST, Centre, centre, centres, freedom_of_sum
from analysis.stats.interval import CONFIDENCE, Values


class Verdict(StrEnum):
    """What a comparison says of the new side (see `_verdict`)."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"


# What does not matter between runs. Chosen on the even runs of recorded noise, and reported for the odd ones
# (`python -m tests.bench_noise`).
MARGIN = 0.0125
# What does not matter between cells of one run, whose rounds share all that differs from run to run; chosen and
# reported in the same way.
MARGIN_WITHIN = 0.005
# How far the same code lies apart from run to run beyond what its rounds tell (standard deviation of the
# logarithm), assumed until runs of the machine tell (`analysis.compare.spread`). Relative: 0.2 % in the recording,
# with which 95 % intervals hold 95 % of its pairs. Absolute: 0.9 % there, in a quiet hour; 5 % for `mp_forkserver`
# in 14 runs of 10 s on a machine with other work (a 15th, with a burst in it, lay 30 % off). No run can tell what
# another one met.
RELATIVE_SPREAD, ABSOLUTE_SPREAD = 0.002, 0.05
# A control cancels the drift of what it is a part of. Between identical runs, relative latency stayed within 1 %
# where it was 1 to 4; `mp_forkserver`, at 50 times its control, moved by 8 %, as far as its absolute latency did.
MOST_RELATED = 10.0
# From so many pairs of runs on, measured in turn, the spread between runs is measured, not assumed.
ENOUGH_PAIRS = 4

# Squares of differences of logarithms below it are rounding of floats.
_ROUNDING = 1e-18

POWER = 0.8


@dataclass(frozen=True)
class Ratio:
    """The ratio new / base; `lo` to `hi` is its interval at `confidence` (0 to 1), already corrected.

    `smallest` is the share (0.02: 2 %) by which a change would have had to differ from 1 to be shown with a
    probability of `POWER`. Where no comparison can be made, every number is NaN, `verdict` is ``None``, and
    `reason` says why.
    """

    ratio: float
    lo: float
    hi: float
    confidence: float
    smallest: float
    verdict: Verdict | None
    reason: str = ""


@dataclass(frozen=True)
class Spread:
    """How far runs of the same code lie apart: `value` is a standard deviation of logarithms.

    `freedom` is the number of degrees of freedom that it was estimated with, infinite where it is assumed.
    """

    value: float
    freedom: float = math.inf


def identity(ratio: Ratio) -> Ratio:
    """`ratio` where both sides are the same runs: it is 1, whatever they scatter; what has no verdict keeps none."""
    return ratio if ratio.verdict is None else replace(ratio, ratio=1.0, lo=1.0, hi=1.0, verdict=Verdict.SAME)


def no_ratio(reason: str) -> Ratio:
    """The comparison that cannot be made, because of `reason`."""
    return Ratio(math.nan, math.nan, math.nan, math.nan, math.nan, None, reason)


def corrected(comparisons: int, confidence: float = CONFIDENCE) -> float:
    """The confidence of each of `comparisons` intervals so that all of them hold together with `confidence`.

    Bonferroni (Dunn 1961, "Multiple Comparisons Among Means", JASA 56). Not the false discovery rate: a gate
    fails on a single verdict, cells share the machine's drift (this holds for any dependence), and a verdict
    must be readable from the interval beside it, which no step-wise procedure gives.
    """
    return 1 - (1 - confidence) / max(1, comparisons)


def compare_groups(
    base: Sequence[Values],
    new: Sequence[Values],
    spread: Spread,
    margin: float = MARGIN,
    comparisons: int = 1,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Ratio of `new` to `base`: each a sequence of runs, a run the values of its rounds (any unit, above 0).

    Runs count alike. The interval is Welch's on trimmed means (Yuen 1974, "The two-sample trimmed t for unequal
    population variances", Biometrika 61; as `scipy.stats.ttest_ind` with `trim`), to whose variance each side adds
    the square of `spread` or what its runs show, if that is more. More runs on a side do not make this part smaller:
    the machine drifts, and all runs of a side may have met the same hour. For that, measure in turn (see
    `compare_alternated`). Runs with fewer than `FEWEST` rounds are left out; `no_ratio` where a side is left with
    none or a value is not a time.
    """
    sides: list[list[Centre]] = []
    for name, runs in (("base", base), ("new", new)):
        arrays = [np.asarray(run, dtype=float) for run in runs]
        reason = _unusable(name, arrays)
        if reason:
            return no_ratio(reason)
        sides.append(centres(arrays))
    return _ratio_of(_difference(sides, spread), margin, corrected(comparisons, confidence))


def compare_alternated(
    pairs: Sequence[tuple[Values, Values]],
    spread: Spread,
    margin: float = MARGIN,
    comparisons: int = 1,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Ratio of new to base in `pairs` of runs (base, new) that were measured one after the other.

    What drifts from pair to pair is in both runs of a pair and cancels. From `ENOUGH_PAIRS` on the interval is
    Student's on the differences of the pairs, which takes all that they differ by as it is. With fewer, the variance
    is that of the rounds and of `spread`. Pairs with fewer than `FEWEST` rounds in a run are left out.
    """
    arrays = [tuple(np.asarray(run, dtype=float) for run in pair) for pair in pairs]
    for place, name in enumerate(("base", "new")):
        reason = _unusable(name, [pair[place] for pair in arrays])
        if reason:
            return no_ratio(reason)
    kept = [centres(pair) for pair in arrays if min(map(len, pair)) >= FEWEST]
    if not kept:
        return no_ratio(f"no pair of runs that both have {FEWEST} rounds")
    return _ratio_of(_mean_difference(kept, spread), margin, corrected(comparisons, confidence))


def compare_paired(
    base: Values, new: Values, margin: float = MARGIN_WITHIN, comparisons: int = 1, confidence: float = CONFIDENCE
) -> Ratio:
    """Ratio of `new` to `base` whose values, round by round, were measured in the same rounds of one run.

    What the machine does in a round is in both and cancels. The interval is that of a trimmed mean (Tukey and
    McLaughlin 1963, "Less vulnerable confidence and significance procedures for location", Sankhya A 25).
    Raises `ValueError` if the two are not of one length.
    """
    before, after = np.asarray(base, dtype=float), np.asarray(new, dtype=float)
    if before.shape != after.shape:
        raise ValueError(f"paired values must be of one length, not {before.shape} and {after.shape}")
    reason = _unusable("base", [before]) or _unusable("new", [after])
    if reason:
        return no_ratio(reason)
    return _ratio_of(centre(np.log(after / before)), margin, corrected(comparisons, confidence))


def _unusable(name: str, runs: Sequence[NDArray[np.float64]]) -> str:
    """Why no comparison can rest on these runs, or ``""``."""
    for run in runs:
        wrong = run[~(np.isfinite(run) & (run > 0))]
        if len(wrong):
            return f"{name}: {wrong[0]:g} is not a time"
    most = max((len(run) for run in runs), default=0)
    return f"{name}: need at least {FEWEST} rounds, have {most}" if most < FEWEST else ""


def _difference(sides: Sequence[Sequence[Centre]], spread: Spread) -> Centre:
    """New minus base over the runs of both sides, with all that it is uncertain by."""
    base, new = (float(np.mean([run.value for run in side])) for side in sides)
    beyond = sum(len(side) - 1 for side in sides)
    squares = sum(float(np.var([run.value for run in side])) * len(side) for side in sides)
    within = float(np.mean([run.variance for side in sides for run in side]))
    seen = squares / beyond - within if beyond else 0.0
    parts = [(run.variance / len(side) ** 2, run.freedom) for side in sides for run in side]
    parts.append((2 * spread.value**2, spread.freedom) if seen <= spread.value**2 else (2 * seen, beyond))
    return Centre(new - base, sum(part for part, _ in parts), freedom_of_sum(parts))


def _mean_difference(pairs: Sequence[Sequence[Centre]], spread: Spread) -> Centre:
    """New minus base over pairs of runs."""
    steps = np.array([new.value - base.value for base, new in pairs])
    count = len(steps)
    # Pairs that agree to the last digit show the resolution of a clock, not that the machine never changes.
    if count >= ENOUGH_PAIRS and float(steps.var()) > _ROUNDING:
        return Centre(float(steps.mean()), float(steps.var(ddof=1)) / count, count - 1)
    parts = [(run.variance / count**2, run.freedom) for pair in pairs for run in pair]
    within = float(np.mean([base.variance + new.variance for base, new in pairs]))
    seen = float(steps.var(ddof=1)) - within if count > 1 else 0.0
    assumed = 2 * spread.value**2
    parts.append((assumed / count, spread.freedom) if seen <= assumed else (seen / count, count - 1))
    return Centre(float(steps.mean()), sum(part for part, _ in parts), freedom_of_sum(parts))


def _ratio_of(difference: Centre, margin: float, confidence: float) -> Ratio:
    """The ratio whose logarithm is `difference`, with its interval, its verdict and the smallest change to show."""
    error = math.sqrt(difference.variance)
    # A rule against rounding: values that do not vary at all still have a quantile.
    freedom = max(difference.freedom, 1.0)
    reach = float(special.stdtrit(freedom, (1 + confidence) / 2)) * error
    edge = math.log1p(margin)
    lo, hi = difference.value - reach, difference.value + reach
    # Bloom 1995, "Minimum detectable effects", Evaluation Review 19; here the margin is to be passed as well.
    smallest = max(reach, edge) + float(special.stdtrit(freedom, POWER)) * error
    return Ratio(
        math.exp(difference.value),
        math.exp(lo),
        math.exp(hi),
        confidence,
        math.expm1(min(smallest, 700.0)),
        _verdict(difference.value, lo, hi, edge),
    )


def _verdict(value: float, lo: float, hi: float, edge: float) -> Verdict:
    """The verdict on a logarithm with its interval `lo` to `hi`, and the margin (`edge`, a logarithm too).

    `faster` or `slower`: the interval excludes 1 (the change is real) and the ratio lies beyond the margin
    (it matters). `same`: the interval lies within the margin (no change that matters is left open). That the
    whole interval lies beyond the margin, the other usual rule, would need a margin so small for a change of 2 %
    that `same` could never be said.
    """
    if lo > 0 and value > edge:
        return Verdict.SLOWER
    if hi < 0 and value < -edge:
        return Verdict.FASTER
    return Verdict.SAME if -edge <= lo and hi <= edge else Verdict.UNCLEAR
