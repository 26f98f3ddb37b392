"""Turns latencies measured in parents of several sizes into steps between neighbours, and where two mechanisms meet.

A size is the dose that was verified in the subject, never the level asked for. Latency grows faster in larger
parents, so no straight line is drawn through all sizes, and nothing is said of sizes that were not enclosed by two
measured ones. Everything is taken inside one round, because the cells of a round are interleaved. The result is the
median over rounds with its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.interval import CONFIDENCE, Estimate, median_interval
from analysis.stats.ratio import corrected
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds

GIB = float(1 << 30)
# Sizes closer than this are one size: a step between them would be a step through noise.
LEAST_SPREAD = 1.5


@dataclass(frozen=True)
class Step:
    """What memory adds between two neighbouring sizes (bytes): `slope` in ns a byte."""

    smaller: float
    larger: float
    slope: Estimate


@dataclass(frozen=True)
class Growth:
    """How latency grows with memory: a step for each pair of neighbouring sizes, and `overall` from end to end.

    `smallest_parent_ns` is the median latency in the smallest parent.
    """

    steps: Sequence[Step]
    overall: Step
    smallest_parent_ns: float


@dataclass(frozen=True)
class Sizes:
    """One mechanism in parents of several sizes: `dose` in bytes and `latency` in ns, a row a round, a column a size.

    Columns are in the order of size. A round lacks what was not measured in it (NaN).
    """

    dose: pd.DataFrame
    latency: pd.DataFrame

    def slopes(self, smaller: int, larger: int) -> pd.Series:
        """Slope (ns a byte) from one size to another in every round that has both."""
        rise = self.latency.iloc[:, larger] - self.latency.iloc[:, smaller]
        return (rise / (self.dose.iloc[:, larger] - self.dose.iloc[:, smaller])).dropna()


def cells_of_several_sizes(analysed: AnalysedRun, dose_column: str = "rss_bytes") -> pd.DataFrame:
    """The mechanisms measured in parents of several sizes: their summary rows with the median ``dose`` in bytes.

    Bare parents count as a size too. Of sizes that are nearly the same the smallest counts. Ordered by interpreter,
    mechanism and dose; empty where there is none.
    """
    rows = pd.concat([analysed.bare_cells(), analysed.cells_at("rss")])
    rows = rows.assign(dose=rows["cell"].map(analysed.verified_doses(dose_column).median()))
    rows = rows[rows["dose"] > 0].sort_values(["python", "mechanism", "dose"], ignore_index=True)
    kept: list[int] = []
    for _, group in rows.groupby(["python", "mechanism"]):
        apart = _apart(group["dose"])
        kept += apart if len(apart) > 1 else []
    return rows.loc[sorted(kept)].reset_index(drop=True)


def _apart(doses: pd.Series) -> list[int]:
    """Index of those of the ascending `doses` that are sizes of their own."""
    kept: list[int] = []
    last = 0.0
    for index, dose in doses.items():
        if dose >= LEAST_SPREAD * last:
            kept.append(int(str(index)))
            last = float(dose)
    return kept


def sizes_of(analysed: AnalysedRun, python: str, mechanism: str, dose_column: str) -> Sizes | None:
    """What was measured of one mechanism; ``None`` where it was not measured in parents of several sizes."""
    cells = cells_of_several_sizes(analysed, dose_column)
    numbers = cells.loc[(cells["python"] == python) & (cells["mechanism"] == mechanism), "cell"].tolist()
    if not numbers:
        return None
    rounds = analysed.rounds[analysed.rounds["cell"].isin(numbers)]
    latency = rounds.pivot_table(index="round", columns="cell", values="p50_ns").reindex(columns=numbers)
    dose = analysed.verified_doses(dose_column).reindex(index=latency.index, columns=numbers)
    return Sizes(dose, latency)


def growth(analysed: AnalysedRun, python: str, mechanism: str) -> Growth | None:
    """What private memory adds to a mechanism's latency; ``None`` where too few sizes were measured."""
    sizes = sizes_of(analysed, python, mechanism, "private_bytes")
    if sizes is None:
        return None
    last = sizes.latency.shape[1] - 1
    overall = step_between(sizes, 0, last)
    if math.isnan(overall.slope.center):
        return None
    steps = [step_between(sizes, place, place + 1) for place in range(last)]
    return Growth(steps, overall, float(sizes.latency.iloc[:, 0].median()))


def step_between(sizes: Sizes, smaller: int, larger: int) -> Step:
    """What memory adds from one size of `sizes` to another, given by their places."""
    doses = sizes.dose.median()
    return Step(
        float(doses.iloc[smaller]), float(doses.iloc[larger]), median_over_rounds(sizes.slopes(smaller, larger))
    )


def break_even_size(
    analysed: AnalysedRun, python: str, growing: str, steady: str, comparisons: int = 1
) -> Estimate | None:
    """Resident size (bytes) of a parent from which `steady` takes less time than `growing`; ``None``: not measured.

    So many `comparisons` hold together with the usual confidence.
    """
    of_growing, of_steady = (sizes_of(analysed, python, name, "rss_bytes") for name in (growing, steady))
    if of_growing is None or of_steady is None:
        return None
    return meeting_size(of_growing, of_steady, corrected(comparisons))


def meeting_size(growing: Sizes, steady: Sizes, confidence: float = CONFIDENCE) -> Estimate | None:
    """Size (bytes) from which `steady` takes less time than `growing`; ``None``: they share no round.

    In each round the two meet between two neighbouring sizes. A straight line between these would be right only if
    latency grew evenly there. So each round gives a range (see `meeting_range`), and the interval reaches from the
    lower end for the ranges' lower ends to the upper end for their upper ends. A round counts as 0 where `steady` is
    cheaper at every size, and as infinite where it is not cheaper in the largest parent.
    """
    rounds = growing.latency.dropna().index.intersection(steady.latency.dropna().index)
    if rounds.empty:
        return None
    ranges = []
    for number in rounds:
        dose, latency = (table.loc[number].to_numpy(float) for table in (growing.dose, growing.latency))
        at = steady.dose.loc[number].to_numpy(float)
        lead = np.interp(dose, at, steady.latency.loc[number].to_numpy(float)) - latency
        ranges.append(meeting_range(dose, lead))
    lows, highs = np.array(ranges, dtype=float).T
    below, above = median_interval(lows, confidence), median_interval(highs, confidence)
    return Estimate(_middle(below.center, above.center), below.lo, above.hi, below.confidence, below.warnings)


def _middle(low: float, high: float) -> float:
    return high if math.isinf(high) else (low + high) / 2


def meeting_range(dose: NDArray[np.float64], lead: NDArray[np.float64]) -> tuple[float, float]:
    """The smallest and the largest size at which a `lead` (ns, at ascending `dose`) may be lost for good.

    It is lost between two neighbouring sizes. Where the curve bends one way only, it lies between the straight line
    of these two and the lines of their neighbours on both sides, extended. Without such neighbours any size between
    the two may be the one. (0, 0): there is no lead anywhere; (inf, inf): it is not lost.
    """
    ahead = np.flatnonzero(lead > 0)
    if not len(ahead):
        return 0.0, 0.0
    place = int(ahead[-1])
    if place == len(dose) - 1:
        return math.inf, math.inf
    smaller, larger = float(dose[place]), float(dose[place + 1])
    extended = []
    if place > 0:
        extended.append(_zero_of_line(dose, lead, place - 1, place))
    if place + 2 < len(dose):
        extended.append(_zero_of_line(dose, lead, place + 1, place + 2))
    if not extended:
        return smaller, larger
    within = [min(max(size, smaller), larger) for size in extended]
    straight = _zero_of_line(dose, lead, place, place + 1)
    # Both neighbours on one side: the curve bends one way, and cannot lie beyond the nearer of the two.
    if min(within) >= straight:
        return straight, min(within)
    if max(within) <= straight:
        return max(within), straight
    return min(within), max(within)


def _zero_of_line(dose: NDArray[np.float64], lead: NDArray[np.float64], first: int, second: int) -> float:
    """Where the line through two points is 0; a line that does not fall never is."""
    loss = float(lead[first] - lead[second])
    return float(dose[first] + (dose[second] - dose[first]) * lead[first] / loss) if loss > 0 else math.inf
