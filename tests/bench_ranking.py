"""Prints how often a ranking of identical mechanisms claims a difference: ``python -m tests.bench_ranking`` (seconds).

Mechanisms are identical, rounds scatter by 3 % (or in bursts, or with heavy tails, or each mechanism by another
amount); what is common to a round is in all mechanisms and cancels. A difference is claimed if any mechanism is called
slower than the one with the smallest median.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from analysis.stats.ranking import times_as_long

MECHANISMS = (2, 3, 5, 10, 20)
ROUNDS = (6, 12, 20)
RUNS = 1000


def scatter(kind: str, dice: np.random.Generator, rounds: int, mechanisms: int) -> NDArray[np.float64]:
    """Logarithms of latencies, a row a round: what a round has in common, and each mechanism's own scatter."""
    shape = (rounds, mechanisms)
    own = {
        "normal": lambda: dice.normal(0, 0.03, shape),
        "heavy tails": lambda: 0.02 * dice.standard_t(3, shape),
        "bursts": lambda: dice.normal(0, 0.02, shape) + (dice.random(shape) < 0.08) * dice.exponential(0.2, shape),
        "unequal": lambda: dice.normal(0, 1, shape) * np.geomspace(0.003, 0.05, mechanisms),
    }[kind]()
    return np.asarray(own + np.cumsum(dice.normal(0, 0.03, (rounds, 1)), axis=0))


def claims(latencies: NDArray[np.float64]) -> bool:
    """Whether any mechanism is called slower than the one with the smallest median."""
    best = int(np.argmin(np.median(latencies, axis=0)))
    others = [number for number in range(latencies.shape[1]) if number != best]
    return any(times_as_long(latencies[:, best], latencies[:, other], latencies.shape[1]).lo > 1 for other in others)


def share_of_claims(kind: str, rounds: int, mechanisms: int, runs: int = RUNS, seed: int = 1) -> float:
    """The share of simulated rankings of identical mechanisms that claim a difference, 0 to 1."""
    dice = np.random.default_rng([seed, rounds, mechanisms])
    return float(np.mean([claims(np.exp(scatter(kind, dice, rounds, mechanisms))) for _ in range(runs)]))


def main() -> int:
    """Print the table; 1 if a share lies above 5 % by more than chance (three standard errors)."""
    most = 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5
    print(f"{RUNS} simulated rankings of identical mechanisms, share that claims a difference")
    print(f"{'scatter':<12} {'rounds':>6}  " + "  ".join(f"{number:>5}" for number in MECHANISMS))
    worst = 0.0
    for kind in ("normal", "heavy tails", "bursts", "unequal"):
        for rounds in ROUNDS:
            shares = [share_of_claims(kind, rounds, mechanisms) for mechanisms in MECHANISMS]
            worst = max(worst, *shares)
            print(f"{kind:<12} {rounds:>6}  " + "  ".join(f"{100 * share:>4.1f}%" for share in shares))
    return 0 if worst <= most else 1


if __name__ == "__main__":
    sys.exit(main())
