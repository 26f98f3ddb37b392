"""Prints how often recorded runs of identical code are called different, and how often real changes are found.

``python -m tests.bench_noise``: all pairs of different runs, for several margins, rounds and corrections.
"""

from __future__ import annotations

import sys

from analysis.stats.ratio import MARGIN, Verdict
from tests.noise import ROUNDS, runs_of, verdicts

MARGINS = (0.0, 0.005, 0.01, MARGIN, 0.015, 0.02)


def main() -> int:
    """Print one line for every number of rounds, correction and margin, as percentages of pairs."""
    print("relative latency, all ordered pairs of different runs; percentages of pairs")
    head = ("rounds", "compared", "margin %", "identical: different", "same", "+2 %: slower", "faster", "+8 %: slower")
    print(" | ".join(head))
    for rounds in (ROUNDS, 10):
        one, two, hook = (runs_of(name, rounds=rounds) for name in ("same_a", "same_b", "hook_a"))
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
