"""Turns the rounds of a cell on two sides into a pair, which knows what its comparison can rest on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.ratio import MOST_RELATED

# A machine that drifts takes all controls of a run with it. Where one went its own way by more than this factor, the
# state of the parent changed (huge pages make a fork of 256 MiB 14 times faster), and there is nothing to cancel.
# It is what the certificate allows as drift within a run.
MOST_APART = 1.5

IDENTITY = ("mechanism", "scenario", "level", "python")


class RestsOn(StrEnum):
    """The kind of latency that a verdict is taken from."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


@dataclass(frozen=True)
class CellRounds:
    """One cell on one side: a table of its rounds for every run of the side (see `stats.round_table`)."""

    cell: pd.Series
    rounds: list[pd.DataFrame]

    def values(self, column: str) -> list[NDArray[np.float64]]:
        """The known values of `column`, one array a run; what was not measured in a round does not count."""
        return [run[column].dropna().to_numpy(dtype=float) for run in self.rounds]

    def median(self, column: str) -> float:
        """The median over all rounds of all runs."""
        pooled: NDArray[Any] = np.concatenate(self.values(column)) if self.rounds else np.empty(0)
        return float(np.median(pooled)) if len(pooled) else math.nan

    @property
    def count(self) -> int:
        """How many rounds there are."""
        return sum(len(run) for run in self.rounds)

    @property
    def related(self) -> bool:
        """Whether there is a relative latency."""
        return bool(self.cell["control"]) and any(len(run) for run in self.values("rel"))


@dataclass(frozen=True)
class Pair:
    """Two cells to compare, with what the sides are called in their row.

    `drift` is how many times as long the controls of all pairs took on the new side; unknown: NaN.
    """

    base: CellRounds
    new: CellRounds
    base_name: str
    new_name: str
    drift: float = math.nan

    @property
    def related(self) -> bool:
        """Whether both have a relative latency, to the same control."""
        return self.base.related and self.new.related and self.base.cell["control"] == self.new.cell["control"]

    @property
    def control_ratio(self) -> float:
        """How many times as long the control took on the new side; NaN where there is none in common."""
        before = self.base.median("control_p50_ns") if self.related else math.nan
        return self.new.median("control_p50_ns") / before if before > 0 else math.nan

    @property
    def control_apart(self) -> bool:
        """Whether the control changed in another way than the machine did."""
        apart = self.control_ratio / self.drift
        return apart > 0 and abs(math.log(apart)) > math.log(MOST_APART)

    @property
    def steadied(self) -> bool:
        """Whether the control cancels the drift: it has to be a large part of the latency, and to drift alike."""
        large_enough = self.related and max(self.base.median("rel"), self.new.median("rel")) <= MOST_RELATED
        return large_enough and not self.control_apart


def with_drift(pairs: Sequence[Pair]) -> list[Pair]:
    """`pairs` with the drift of the machine: the median over their controls."""
    ratios = [pair.control_ratio for pair in pairs]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    return [replace(pair, drift=float(np.median(known))) if known else pair for pair in pairs]
