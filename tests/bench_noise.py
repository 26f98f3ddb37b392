"""Prints how often recorded runs of identical code are called different, and how often real changes are found.

``python -m tests.bench_noise``: all pairs of different runs, for several margins, rounds and corrections. Margins are
chosen on the even runs of the recording; what counts is what they do on the odd ones.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.stats.ratio import MARGIN, MARGIN_WITHIN, Verdict, compare_paired
from tests.noise import ROUNDS, Runs, runs_of, verdicts

MARGINS = (0.0, 0.005, 0.01, MARGIN, 0.015, 0.02)
MARGINS_WITHIN = (0.0, 0.0025, MARGIN_WITHIN, 0.0075, 0.01)
HALVES = {"even runs (chosen on)": 0, "odd runs (held out)": 1}
# A run of 30 s of two interpreters and one mechanism has 300 to 400 rounds (docs/evidence.md).
ROUNDS_WITHIN = 300
DRAWS = 2000


def main() -> int:
    """Print both tables, as percentages of pairs or of draws."""
    for half, first in HALVES.items():
        _between(half, first)
    for half, first in HALVES.items():
        _within(half, first)
    return 0


def _between(half: str, first: int) -> None:
    print(f"\nbetween runs, {half}: relative latency, all ordered pairs of different runs; percentages of pairs")
    head = ("rounds", "compared", "margin %", "identical: different", "same", "+2 %: slower", "faster", "+8 %: slower")
    print(" | ".join(head))
    for rounds in (ROUNDS, 10):
        one, two, hook = (runs_of(name, rounds=rounds)[first::2] for name in ("same_a", "same_b", "hook_a"))
        more = tuple(1.02 * run for run in one)
        for comparisons in (1, 5, 30):
            for margin in MARGINS:
                same = verdicts(one, two, margin=margin, comparisons=comparisons)
                two_percent = verdicts(one, more, margin=margin, comparisons=comparisons)
                hooked = verdicts(one, hook, margin=margin, comparisons=comparisons)
                shares = (
                    same[Verdict.FASTER] + same[Verdict.SLOWER],
                    same[Verdict.SAME],
                    two_percent[Verdict.SLOWER],
                    two_percent[Verdict.FASTER],
                )
                cells = [f"{rounds}", f"{comparisons}", f"{100 * margin:g}"]
                cells += [f"{100 * share:.2f}" for share in (*shares, hooked[Verdict.SLOWER])]
                print(" | ".join(f"{text:>{len(name)}}" for text, name in zip(cells, head, strict=True)))


def _within(half: str, first: int) -> None:
    """Runs of many rounds, drawn with replacement from those of the recording (seeded)."""
    print(f"\nwithin a run of {ROUNDS_WITHIN} rounds, {half}: absolute latency, {DRAWS} draws; percentages of draws")
    head = ("margin %", "identical: different", "same", "+1 %: slower")
    print(" | ".join(head))
    one, two = (runs_of(name, "absolute")[first::2] for name in ("same_a", "same_b"))
    for margin in MARGINS_WITHIN:
        dice = np.random.default_rng(1)
        drawn = [_drawn(dice, one, two) for _ in range(DRAWS)]
        same = [compare_paired(base, new, margin).verdict for base, new in drawn]
        slower = [compare_paired(base, 1.01 * new, margin).verdict for base, new in drawn]
        shares = (
            _share(same, Verdict.FASTER) + _share(same, Verdict.SLOWER),
            _share(same, Verdict.SAME),
            _share(slower, Verdict.SLOWER),
        )
        cells = [f"{100 * margin:g}", *(f"{100 * share:.2f}" for share in shares)]
        print(" | ".join(f"{text:>{len(name)}}" for text, name in zip(cells, head, strict=True)))


def _drawn(dice: np.random.Generator, one: Runs, two: Runs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rounds of both subjects; the two of a round belong together, and either may be the base."""
    runs, rounds = dice.integers(len(one), size=ROUNDS_WITHIN), dice.integers(ROUNDS, size=ROUNDS_WITHIN)
    pairs = np.array([(one[run][number], two[run][number]) for run, number in zip(runs, rounds, strict=True)])
    base, new = pairs.T if dice.random() < 0.5 else pairs.T[::-1]
    return base, new


def _share(found: Sequence[Verdict | None], verdict: Verdict) -> float:
    return found.count(verdict) / len(found)


if __name__ == "__main__":
    sys.exit(main())
