"""Turns two groups of rounds into a ratio with an interval and a verdict; pure mathematics.

Everything is done on logarithms, where a ratio is a difference and halving is as far from 1 as doubling. The
centre of a run's rounds is the mean of their middle half (a trimmed mean): nearly as steady as a mean where
rounds are quiet and as deaf to a burst as a median. The Hodges-Lehmann shift did equally well on recorded
noise, but has no standard error to which the spread between runs could be added; the ratio of medians needed
intervals 14 % wider. Bootstrap intervals of it over 20 rounds called 12 % of the pairs of identical runs different.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.interval import CONFIDENCE, Values, needed


class Verdict(StrEnum):
    """What a comparison says of the new side (see `_verdict`)."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"


# Chosen on recorded noise (`python -m tests.bench_noise` prints the table): of the pairs of identical runs of 20
# rounds, 1.3 % were called different with a margin of 1 %, 0.1 % with 1.25 %; a slowdown of 2 % was still
# found in 98 % of the pairs.
MARGIN = 0.0125
# How far the same code lies apart from run to run beyond what its rounds tell (standard deviation of the
# logarithm), assumed until enough runs measure it. Relative: 0.2 % in the recording, with which 95 % intervals
# hold 95 % of its pairs. Absolute: 0.9 % there, in a quiet hour; 5 % for `mp_forkserver` in 14 runs of 10 s on a
# machine with other work (a 15th, with a burst in it, lay 30 % off). No run can tell what another one met.
RELATIVE_SPREAD, ABSOLUTE_SPREAD = 0.002, 0.05
# A control cancels the drift of what it is a part of. Between identical runs, relative latency stayed within 1 %
# where it was 1 to 4; `mp_forkserver`, at 50 times its control, moved by 8 %, as far as its absolute latency did.
MOST_RELATED = 10.0
# With so many runs beyond one on each side (3 and 3, 1 and 5), the spread between runs is measured, not assumed.
ENOUGH_RUNS = 4

# Squares of differences of logarithms below it are rounding of floats.
_ROUNDING = 1e-18

POWER = 0.8
FEWEST = needed(0.5)
_TRIM = 0.25


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
class _Centre:
    """A centre of logarithms with the square of its standard error, and the degrees of freedom of that error."""

    value: float
    variance: float
    freedom: float


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
    spread: float,
    margin: float = MARGIN,
    comparisons: int = 1,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """Ratio of `new` to `base`: each a sequence of runs, a run the values of its rounds (any unit, above 0).

    Runs count alike. The interval is Welch's on trimmed means (Yuen 1974, "The two-sample trimmed t for unequal
    population variances", Biometrika 61; as `scipy.stats.ttest_ind` with `trim`), to whose variance each run adds
    the square of `spread` (see `RELATIVE_SPREAD`) or what the runs show, if that is more. From `ENOUGH_RUNS`
    on it is Student's on the centres of the runs, which takes all that runs differ by as it is (Donner and
    Klar 2000, "Design and Analysis of Cluster Randomization Trials", 6.2). Runs with fewer than `FEWEST` rounds
    are left out; `no_ratio` where a side is left with none or a value is not a time.
    """
    sides: list[list[_Centre]] = []
    for name, runs in (("base", base), ("new", new)):
        arrays = [np.asarray(run, dtype=float) for run in runs]
        reason = _unusable(name, arrays)
        if reason:
            return no_ratio(reason)
        sides.append([_centre(np.log(run)) for run in arrays if len(run) >= FEWEST])
    return _ratio_of(_difference(sides, spread), margin, corrected(comparisons, confidence))


def compare_paired(
    base: Values, new: Values, margin: float = MARGIN, comparisons: int = 1, confidence: float = CONFIDENCE
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
    return _ratio_of(_centre(np.log(after / before)), margin, corrected(comparisons, confidence))


def _unusable(name: str, runs: Sequence[NDArray[np.float64]]) -> str:
    """Why no comparison can rest on these runs, or ``""``."""
    for run in runs:
        wrong = run[~(np.isfinite(run) & (run > 0))]
        if len(wrong):
            return f"{name}: {wrong[0]:g} is not a time"
    most = max((len(run) for run in runs), default=0)
    return f"{name}: need at least {FEWEST} rounds, have {most}" if most < FEWEST else ""


def _centre(values: NDArray[np.float64]) -> _Centre:
    """The trimmed mean and, from the winsorised values, its variance with h - 1 degrees of freedom (Yuen 1974)."""
    ordered = np.sort(values)
    count = len(ordered)
    cut = int(_TRIM * count)
    kept = count - 2 * cut
    winsorised = np.clip(ordered, ordered[cut], ordered[count - cut - 1])
    variance = (count - 1) * float(winsorised.var(ddof=1)) / (kept * (kept - 1))
    return _Centre(float(ordered[cut : count - cut].mean()), variance, kept - 1)


def _difference(sides: Sequence[Sequence[_Centre]], spread: float) -> _Centre:
    """New minus base over the runs of both sides, with all that it is uncertain by."""
    base, new = (float(np.mean([run.value for run in side])) for side in sides)
    beyond = sum(len(side) - 1 for side in sides)
    squares = sum(float(np.var([run.value for run in side])) * len(side) for side in sides)
    shares = sum(1 / len(side) for side in sides)
    # Runs that agree to the last digit show the resolution of a clock, not that the machine never changes.
    if beyond >= ENOUGH_RUNS and squares > _ROUNDING:
        return _Centre(new - base, squares / beyond * shares, beyond)
    within = float(np.mean([run.variance for side in sides for run in side]))
    seen = squares / beyond - within if beyond else 0.0
    parts = [(run.variance / len(side) ** 2, run.freedom) for side in sides for run in side]
    # An assumed spread is no estimate: it adds to the variance, but not to the doubt about it.
    parts.append((spread**2 * shares, math.inf) if seen <= spread**2 else (seen * shares, beyond))
    return _Centre(new - base, sum(part for part, _ in parts), _freedom(parts))


def _freedom(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946, "An approximate distribution of estimates
    of variance components", Biometrics Bulletin 2).
    """
    doubt = sum(variance**2 / freedom for variance, freedom in parts)
    total = sum(variance for variance, _ in parts) ** 2
    return float(total / doubt) if doubt > 0 else math.inf


def _ratio_of(difference: _Centre, margin: float, confidence: float) -> Ratio:
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
