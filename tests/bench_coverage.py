"""Prints how often the intervals of the report and of comparisons hold the true figure, in simulated runs.

``python -m tests.bench_coverage [RUNS]``: seeded. The data are nested (subjects of a round differ by 1 %), drift
with a memory (2.6 %, correlation 0.5 from round to round), have bursts (every twentieth round is 5 to 60 % slower), or
grow with memory along a curve. The true figure is that of the machine as it was in the run: an interval is about
that. The last lines say how often it holds what the machine does in the long run, which a single run cannot promise.
Exit status 1: an interval that is about its run holds in less than 94 % of the runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.model.memory_growth import Sizes, meeting_size, step_between
from analysis.stats.interval import median_interval
from analysis.stats.ratio import RELATIVE_SPREAD, Spread, compare_alternated, compare_groups, compare_paired
from analysis.stats.tail import quantile_interval

ROUNDS = 12
LEAST = 0.94
MEGABYTES = np.array([9.0, 25.0, 73.0, 265.0])
Floats = NDArray[np.float64]
# One simulated run: whether its interval holds the true figure; ``None``: it gave none.
Trial = Callable[[np.random.Generator], bool | None]


def machine(dice: np.random.Generator, kind: str, rounds: int = ROUNDS) -> Floats:
    """What the machine does in each round (logarithms, its long-run median 0)."""
    state = np.zeros(rounds)
    if "drift" in kind:
        step = dice.normal(0, 0.026, rounds)
        state[0] = step[0]
        for number in range(1, rounds):
            state[number] = 0.5 * state[number - 1] + step[number] * np.sqrt(1 - 0.5**2)
    if "bursts" in kind:
        state += np.where(dice.random(rounds) < 0.05, dice.uniform(0.05, 0.5, rounds), 0.0)
    return state


def median(kind: str, long_run: bool = False) -> Trial:
    """The median time over rounds."""

    def trial(dice: np.random.Generator) -> bool:
        state = machine(dice, kind)
        found = median_interval(np.exp(state + dice.normal(0, 0.01, ROUNDS)))
        true = 1.0 if long_run else float(np.exp(np.median(state)))
        return found.lo <= true <= found.hi

    return trial


def relative(kind: str) -> Trial:
    """The median of the ratios to a control that meets the same machine, a moment later."""

    def trial(dice: np.random.Generator) -> bool:
        state = machine(dice, kind)
        later = state + dice.normal(0, 0.003, ROUNDS)
        found = median_interval(np.exp(state + dice.normal(0, 0.01, ROUNDS) - later))
        return found.lo <= 1.0 <= found.hi

    return trial


def high_percentile(kind: str, long_run: bool = False) -> Trial:
    """p99 over the calls of all rounds; slow calls come at another rate in each round."""
    calls = 400

    def rates(dice: np.random.Generator, rounds: int) -> Floats:
        return np.minimum(0.3, dice.gamma(0.5, 0.04, rounds)) if "bursts" in kind else np.full(rounds, 0.02)

    def times(dice: np.random.Generator, state: Floats, rate: Floats, count: int) -> list[Floats]:
        return [
            np.exp(a + dice.normal(0, 0.05, count) + (dice.random(count) < b) * dice.exponential(0.4, count))
            for a, b in zip(state, rate, strict=True)
        ]

    dice = np.random.default_rng(5)
    usual = float(np.quantile(np.concatenate(times(dice, machine(dice, kind, 4000), rates(dice, 4000), 250)), 0.99))

    def trial(dice: np.random.Generator) -> bool | None:
        state, rate = machine(dice, kind), rates(dice, ROUNDS)
        found = quantile_interval(times(dice, state + dice.normal(0, 0.01, ROUNDS), rate, calls), 0.99)
        if found.warnings:
            return None
        true = usual if long_run else float(np.quantile(np.concatenate(times(dice, state, rate, 8000)), 0.99))
        return found.lo <= true <= found.hi

    return trial


def sizes(dice: np.random.Generator, state: Floats, latency: Floats) -> Sizes:
    """Parents of the sizes in `MEGABYTES`, in rounds that drift together."""
    dose = np.tile(MEGABYTES, (ROUNDS, 1))
    times = latency * np.exp(state[:, None] + dice.normal(0, 0.02, dose.shape))
    return Sizes(pd.DataFrame(dose), pd.DataFrame(times))


def curve(dose: Floats) -> Floats:
    """A fork that takes 0.24 ms in a small parent, and with every MB more takes more and more: 0.0135 to 0.02 ms."""
    return np.asarray(0.12 + 0.0135 * dose + 0.000012 * dose**2)


def growth_step(dice: np.random.Generator) -> bool:
    """What is added between the two largest sizes."""
    state = machine(dice, "drift")
    slope = step_between(sizes(dice, state, curve(MEGABYTES)), 2, 3).slope
    usual = (curve(MEGABYTES)[3] - curve(MEGABYTES)[2]) / (MEGABYTES[3] - MEGABYTES[2])
    true = usual * np.exp(np.median(state))
    return bool(slope.lo <= true <= slope.hi)


def break_even(dice: np.random.Generator) -> bool:
    """The size from which a program of 0.88 ms is faster, between two sizes of a curve."""
    state = machine(dice, "drift")
    found = meeting_size(sizes(dice, state, curve(MEGABYTES)), sizes(dice, state, np.full(4, 0.88)))
    assert found is not None
    roots = np.roots([0.000012, 0.0135, 0.12 - 0.88])
    return bool(found.lo <= float(roots[roots > 0][0]) <= found.hi)


def _run(dice: np.random.Generator, spread: float = RELATIVE_SPREAD) -> Floats:
    return np.asarray(np.exp(dice.normal(0, spread) + dice.normal(0, 0.008, ROUNDS)))


def one_run_each(dice: np.random.Generator) -> bool:
    """Two runs of identical code, relative latency."""
    found = compare_groups([_run(dice)], [_run(dice)], Spread(RELATIVE_SPREAD))
    return found.lo <= 1 <= found.hi


def within(dice: np.random.Generator) -> bool:
    """Two identical cells of one run, absolute latency, with drift and bursts."""
    state = machine(dice, "drift, bursts")
    base, new = (np.exp(state + dice.normal(0, 0.01, ROUNDS)) for _ in range(2))
    found = compare_paired(base, new)
    return found.lo <= 1 <= found.hi


def _drifting_runs(dice: np.random.Generator, count: int) -> list[Floats]:
    """Runs on a machine that drifts from run to run: 2 % with a correlation of 0.8."""
    state = [dice.normal(0, 0.02)]
    while len(state) < count:
        state.append(0.8 * state[-1] + dice.normal(0, 0.02 * 0.6))
    return [np.exp(value + dice.normal(0, 0.008, ROUNDS)) for value in state]


def in_turn(dice: np.random.Generator) -> bool:
    """Four pairs of runs, measured in turn on a machine that drifts from run to run."""
    runs = _drifting_runs(dice, 8)
    found = compare_alternated(list(zip(runs[::2], runs[1::2], strict=True)), Spread(RELATIVE_SPREAD))
    return found.lo <= 1 <= found.hi


def base_first(dice: np.random.Generator) -> bool:
    """Three runs of each side, all of base first, with the spread of that machine learned from others."""
    runs = _drifting_runs(dice, 6)
    found = compare_groups(runs[:3], runs[3:], Spread(0.02))
    return found.lo <= 1 <= found.hi


ABOUT_ITS_RUN: dict[str, Trial] = {
    **{f"median time, {kind}": median(kind) for kind in ("nested", "drift", "bursts", "drift, bursts")},
    **{f"relative latency, {kind}": relative(kind) for kind in ("nested", "drift", "drift, bursts")},
    **{f"p99, {kind}": high_percentile(kind) for kind in ("nested", "drift", "bursts", "drift, bursts")},
    "growth between two sizes of a curve": growth_step,
    "break-even on a curve": break_even,
    "ratio of two runs": one_run_each,
    "ratio within a run": within,
    "ratio of 4 pairs of runs in turn": in_turn,
    "ratio of 3 runs against 3, base first": base_first,
}
IN_THE_LONG_RUN: dict[str, Trial] = {
    **{f"median time, {kind}": median(kind, long_run=True) for kind in ("nested", "drift", "drift, bursts")},
    **{f"p99, {kind}": high_percentile(kind, long_run=True) for kind in ("nested", "drift", "bursts")},
}


def main() -> int:
    """Print a line for each interval; 1 if one that is about its run holds less often than it should."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    worst = min(_shown(name, trial, runs) for name, trial in ABOUT_ITS_RUN.items())
    print("\nof the same intervals, those that hold the machine's figure in the long run:")
    for name, trial in IN_THE_LONG_RUN.items():
        _shown(name, trial, runs)
    return 0 if worst >= LEAST else 1


def _shown(name: str, trial: Trial, runs: int) -> float:
    """Print the share of runs whose interval holds, of those that have one, and return it."""
    dice = np.random.default_rng(1)
    found = [held for held in (trial(dice) for _ in range(runs)) if held is not None]
    share = float(np.mean(found))
    print(f"{name:<40} {100 * share:5.1f} % of {len(found)} runs with an interval")
    return share


if __name__ == "__main__":
    sys.exit(main())
