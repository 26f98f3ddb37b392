"""Prints how often a trend claims a change: ``python -m tests.bench_trend`` (some two minutes).

First of identical runs (false alarms, which must not exceed 5 %), simulated and recorded; then of runs with a step in
the middle, of a size in standard deviations of the noise (power: how often the step is found within one run of its
place); of a drift, and of a bump that ends. `walk` is noise that remembers, which no test of shuffled runs can stand.
Absolute latency on a shared machine does remember, relative latency hardly: see the rows of the recorded noise. So
absolute latency is judged by sudden steps only; these rows say `sudden`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.trend.change import LEVEL, ChangeKind, find_changes
from tests.noise import runs_of

LENGTHS = (8, 12, 20, 30)
SERIES = 400
NOISE = 0.005
STEPS = (1, 2, 3, 5)
Floats = NDArray[np.float64]
Make = Callable[[np.random.Generator, int], Floats]

# Logarithms of latencies of identical runs.
SIMULATED: dict[str, Make] = {
    "normal": lambda dice, count: dice.normal(0, NOISE, count),
    "heavy tails": lambda dice, count: NOISE * dice.standard_t(3, count),
    "bursts": lambda dice, count: (
        dice.normal(0, NOISE, count) + (dice.random(count) < 0.08) * dice.exponential(0.03, count)
    ),
    "walk": lambda dice, count: np.cumsum(dice.normal(0, NOISE, count)),
}


def recorded(rests_on: str) -> Make:
    """The recorded runs of identical code: a stretch of them in the order in which they were measured."""
    values = np.log([float(np.median(run)) for run in runs_of("same_a", rests_on)])

    def stretch(dice: np.random.Generator, count: int) -> Floats:
        begin = int(dice.integers(0, len(values) - count + 1))
        return values[begin : begin + count]

    return stretch


def share_of_claims(make: Make, count: int, series: int = SERIES, seed: int = 1, wanders: bool = False) -> float:
    """The share of series of identical runs in which a change is claimed, 0 to 1."""
    dice = np.random.default_rng([seed, count])
    return float(
        np.mean([bool(find_changes(np.exp(make(dice, count)).tolist(), wanders=wanders)) for _ in range(series)])
    )


def power(
    count: int, sigmas: float, shape: str = "step", series: int = SERIES // 4, seed: int = 1, wanders: bool = False
) -> float:
    """The share of series with a known change of `sigmas` standard deviations in which it is found, 0 to 1."""
    dice = np.random.default_rng([seed, count])
    places = np.arange(count)
    third = count // 3
    change = {
        "step": (places >= count // 2).astype(float),
        "drift": places / (count - 1),
        "bump": ((places >= third) & (places < 2 * third)).astype(float),
    }[shape]
    found = 0
    for _ in range(series):
        changes = find_changes(np.exp(dice.normal(0, NOISE, count) + change * sigmas * NOISE).tolist(), wanders=wanders)
        near = [abs(one.first - (count // 2 if shape == "step" else third)) <= 1 for one in changes]
        drifts = [one.kind is ChangeKind.DRIFT for one in changes]
        found += any(drifts if shape == "drift" else near)
    return found / series


def main() -> int:
    """Print the tables; 1 if false alarms exceed 5 % by more than chance (three errors)."""
    most = LEVEL + 3 * (LEVEL * (1 - LEVEL) / SERIES) ** 0.5
    print(f"identical runs: share of {SERIES} series in which a change is claimed\n{'noise':<32}" + _row(LENGTHS, "5d"))
    worst = 0.0
    kinds = SIMULATED | {f"recorded, {measure}": recorded(measure) for measure in ("relative", "absolute")}
    for wanders in (False, True):
        for kind, make in kinds.items():
            shares = [share_of_claims(make, count, wanders=wanders) for count in LENGTHS]
            print(f"{kind + _sudden(wanders):<32}" + _row(shares, "5.1%"), flush=True)
            if kind in SIMULATED and (wanders or kind != "walk"):
                worst = max(worst, *shares)
    print(f"\nknown changes: share of {SERIES // 4} series in which it is found\n{'change':<32}" + _row(LENGTHS, "5d"))
    for shape, wanders in (("step", False), ("drift", False), ("bump", False), ("step", True)):
        for sigmas in STEPS:
            shares = [power(count, sigmas, shape, wanders=wanders) for count in LENGTHS]
            print(f"{f'{shape} of {sigmas} sigma' + _sudden(wanders):<32}" + _row(shares, "5.0%"), flush=True)
    return 0 if worst <= most else 1


def _sudden(wanders: bool) -> str:
    """How absolute latency is judged: a step must be sudden."""
    return ", sudden" if wanders else ""


def _row(values: tuple[int, ...] | list[float], form: str) -> str:
    return "".join(f"  {value:{form}}" for value in values)


if __name__ == "__main__":
    sys.exit(main())
