"""Turns the rounds of a cell on two sides into a pair, which knows what its comparison can rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.ratio import MOST_RELATED

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
    """Two cells to compare, with what the sides are called in their row."""

    base: CellRounds
    new: CellRounds
    base_name: str
    new_name: str

    @property
    def related(self) -> bool:
        """Whether both have a relative latency, to the same control."""
        return self.base.related and self.new.related and self.base.cell["control"] == self.new.cell["control"]

    @property
    def steadied(self) -> bool:
        """Whether the control is a part of the latency that is large enough to cancel its drift."""
        return self.related and max(self.base.median("rel"), self.new.median("rel")) <= MOST_RELATED
