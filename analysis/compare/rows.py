"""Turns two sets of rounds of a cell into one row of a comparison: values, ratios, verdict, what it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.stats.ratio import Ratio, no_ratio

ABSOLUTE, RELATIVE = "absolute", "relative"
# A control cancels the drift of what it is a part of. Between identical runs, relative latency stayed within 1 %
# where it was 1 to 4; `mp_forkserver`, at 50 times its control, moved by 8 %, as far as its absolute latency did.
MOST_RELATED = 10.0
IDENTITY = ("mechanism", "scenario", "level", "python")
COLUMNS = (
    *("mechanism", "work", "scenario", "level", "python", "base", "new"),
    *("base_rounds", "new_rounds", "base_ns", "new_ns", "base_rel", "new_rel"),
    *("rests_on", "ratio", "ratio_lo", "ratio_hi", "verdict", "smallest_change", "reason"),
    *("absolute_ratio", "absolute_lo", "absolute_hi", "relative_ratio", "relative_lo", "relative_hi"),
)


class CompareError(Exception):
    """What was given cannot be compared; the text is one line: what, where, what to do."""


@dataclass(frozen=True)
class Groups:
    """One cell on one side: a table of its rounds for every run that has the cell (see `stats.round_table`)."""

    cell: pd.Series
    rounds: Sequence[pd.DataFrame]

    def values(self, column: str) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
        """The known values of `column`, one array a run; what was not measured in a round does not count."""
        return [run[column].dropna().to_numpy(dtype=float) for run in self.rounds]

    def median(self, column: str) -> float:
        """The median over all rounds of all runs."""
        pooled = np.concatenate(self.values(column)) if self.rounds else np.empty(0)
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

    base: Groups
    new: Groups
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


@dataclass(frozen=True)
class Comparison:
    """All that a comparison found: `rows` with `COLUMNS`, what is only on one side, and what else differs.

    `by` is the column that cells of one run were compared along, ``""`` where runs were compared.
    """

    rows: pd.DataFrame
    base: str
    new: str
    margin: float
    confidence: float
    differences: Sequence[tuple[str, str, str]] = ()
    missing: Sequence[dict[str, str]] = ()
    added: Sequence[dict[str, str]] = ()
    notes: Sequence[str] = ()
    by: str = ""


Judge = Callable[[Pair, str], Ratio]
_NO_CONTROL = "there is no relative latency to the same control on both sides"


def make_rows(pairs: Sequence[Pair], judge: Judge, prefer_relative: bool) -> pd.DataFrame:
    """One row a pair; `judge` compares its column ``rel`` or ``p50_ns``."""
    return pd.DataFrame([_row(pair, judge, prefer_relative) for pair in pairs], columns=list(COLUMNS))


def _row(pair: Pair, judge: Judge, prefer_relative: bool) -> dict[str, Any]:
    relative = judge(pair, "rel") if pair.related else no_ratio(_NO_CONTROL)
    absolute = judge(pair, "p50_ns")
    rests_on = RELATIVE if prefer_relative and pair.steadied else ABSOLUTE
    chosen = relative if rests_on == RELATIVE else absolute
    base, new = pair.base, pair.new
    return {
        **{name: new.cell[name] for name in ("mechanism", "work", "scenario", "level", "python")},
        **{"base": pair.base_name, "new": pair.new_name, "base_rounds": base.count, "new_rounds": new.count},
        **{"base_ns": base.median("p50_ns"), "new_ns": new.median("p50_ns")},
        **{"base_rel": base.median("rel"), "new_rel": new.median("rel")},
        **{"rests_on": rests_on, "ratio": chosen.ratio, "ratio_lo": chosen.lo, "ratio_hi": chosen.hi},
        **{"verdict": chosen.verdict, "smallest_change": chosen.smallest, "reason": chosen.reason},
        **{"absolute_ratio": absolute.ratio, "absolute_lo": absolute.lo, "absolute_hi": absolute.hi},
        **{"relative_ratio": relative.ratio, "relative_lo": relative.lo, "relative_hi": relative.hi},
    }


def require_verdicts(rows: pd.DataFrame) -> None:
    """Raises `CompareError` if not a single row has a verdict: then there was no comparison."""
    if len(rows) and not (rows["verdict"] != "").any():
        raise CompareError(f"no cell can be compared: {rows['reason'].iloc[0]}")
