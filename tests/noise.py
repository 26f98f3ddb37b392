"""Turns the recorded noise into runs of rounds, and pairs of them into shares of verdicts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.ratio import ABSOLUTE_SPREAD, MARGIN, RELATIVE_SPREAD, Spread, Verdict, compare_groups

FILE = Path(__file__).with_name("data") / "noise-blocks.csv.gz"
RUNS, ROUNDS = 30, 20

Runs = Sequence[NDArray[np.float64]]


@cache
def recorded() -> pd.DataFrame:
    """One row for every pair of blocks; see tests/data/README.md."""
    return pd.read_csv(FILE)


@cache
def runs_of(subject: str, rests_on: str = "relative", rounds: int = ROUNDS) -> tuple[NDArray[np.float64], ...]:
    """The first `rounds` values of each of the runs of `subject`: as `analysis.stats.rounds` makes them of blocks."""
    rows = recorded()[lambda table: table["subject"] == subject]
    values = rows["mechanism_ns"] / rows["control_ns"] if rests_on == "relative" else rows["mechanism_ns"]
    table = values.groupby([rows["run"], rows["round"]]).median().unstack().to_numpy(dtype=float)
    return tuple(row[:rounds] for row in table)


def verdicts(
    base: Runs, new: Runs, rests_on: str = "relative", margin: float = MARGIN, comparisons: int = 1
) -> dict[str, float]:
    """The share of each verdict (0 to 1) over all ordered pairs of different runs."""
    spread = RELATIVE_SPREAD if rests_on == "relative" else ABSOLUTE_SPREAD
    pairs = list(itertools.permutations(range(len(base)), 2))
    found = Counter(
        compare_groups([base[one]], [new[other]], Spread(spread), margin, comparisons).verdict for one, other in pairs
    )
    return {verdict: found[verdict] / len(pairs) for verdict in Verdict}
