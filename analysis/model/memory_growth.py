"""Turns latencies measured in parents of several sizes into lines: what memory adds, and where two lines cross.

Sizes are the dose that was verified in the subject, never the one asked for. Every line is fitted within one
round, whose cells were measured interleaved; what is reported is the median over rounds with its interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.interval import Estimate, median_interval
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds

GIB = float(1 << 30)
# Sizes closer than this are one size: a line through them would be a line through noise.
LEAST_SPREAD = 1.5


@dataclass(frozen=True)
class Growth:
    """How latency grows with memory: `slope` in ns a byte, `reach` the largest dose measured in bytes.

    `base` is the median latency (ns) of the smallest parent, `sizes` the number of sizes.
    `misfit` is the largest relative distance of a measured size's median from the line of the medians.
    """

    slope: Estimate
    base: float
    reach: float
    sizes: int
    misfit: float


def fit_line(dose: NDArray[np.float64], latency: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and base of latency over dose, by least squares of the relative error.

    Latencies scatter in proportion to themselves, so each point has the weight 1 / latency; else the
    largest parents alone would decide where the line begins. NaN where there are fewer than two sizes.
    """
    usable = np.isfinite(dose) & np.isfinite(latency) & (latency > 0)
    dose, latency = dose[usable], latency[usable]
    if len(dose) < 2 or dose.max() < LEAST_SPREAD * dose.min():
        return math.nan, math.nan
    slope, base = np.polyfit(dose, latency, 1, w=1 / latency)
    return float(slope), float(base)


def points(analysed: AnalysedRun, column: str = "rss_bytes") -> pd.DataFrame:
    """The mechanisms measured in parents of several sizes: their summary rows with the median ``dose`` in bytes.

    Bare parents count as a size too. Ordered by interpreter, mechanism and dose; empty where there is none.
    """
    rows = pd.concat([analysed.bare_cells(), analysed.cells_at("rss")])
    rows = rows.assign(dose=rows["cell"].map(analysed.verified_doses(column).median()))
    rows = rows[rows["dose"] > 0]
    spread = rows.groupby(["python", "mechanism"])["dose"].transform(lambda dose: dose.max() / dose.min())
    return rows[spread >= LEAST_SPREAD].sort_values(["python", "mechanism", "dose"], ignore_index=True)


def lines(analysed: AnalysedRun, python: str, mechanism: str, column: str) -> pd.DataFrame:
    """One fitted line a round (index): ``slope`` in ns a byte and ``base`` in ns, over the dose in `column`."""
    at = points(analysed, column)
    cells = at[(at["python"] == python) & (at["mechanism"] == mechanism)]["cell"].tolist()
    rounds = analysed.rounds[analysed.rounds["cell"].isin(cells)]
    latency = rounds.pivot_table(index="round", columns="cell", values="p50_ns").reindex(columns=cells)
    dose = analysed.verified_doses(column).reindex(index=latency.index, columns=cells)
    fits = [fit_line(dose.loc[at].to_numpy(float), latency.loc[at].to_numpy(float)) for at in latency.index]
    return pd.DataFrame(fits, columns=["slope", "base"], index=latency.index).dropna()


def growth(analysed: AnalysedRun, python: str, mechanism: str) -> Growth | None:
    """What private memory adds to a mechanism's latency; ``None`` where too few sizes were measured."""
    at = points(analysed, "private_bytes")
    at = at[(at["python"] == python) & (at["mechanism"] == mechanism)]
    fits = lines(analysed, python, mechanism, "private_bytes")
    if at.empty or fits.empty:
        return None
    slope, base = fit_line(at["dose"].to_numpy(float), at["p50_ns"].to_numpy(float))
    misfit = np.abs((slope * at["dose"] + base) / at["p50_ns"] - 1).max()
    return Growth(
        median_over_rounds(fits["slope"]), float(at["p50_ns"].iloc[0]), float(at["dose"].max()), len(at), float(misfit)
    )


def crossing(analysed: AnalysedRun, python: str, growing: str, steady: str) -> Estimate | None:
    """Resident size (bytes) of a parent from which `steady` takes less time than `growing`; ``None``: no lines.

    The lines of one round meet where their difference is 0. A round in which `steady` is the cheaper one from
    the smallest parent on counts as 0, one in which it never becomes so as infinite; the interval may end in either.
    """
    one, other = lines(analysed, python, growing, "rss_bytes"), lines(analysed, python, steady, "rss_bytes")
    both = one.merge(other, left_index=True, right_index=True, suffixes=("", "_steady"))
    if both.empty:
        return None
    at = points(analysed)
    doses = at.loc[(at["python"] == python) & at["mechanism"].isin([growing, steady]), "dose"]
    smallest, largest = float(doses.min()), float(doses.max())
    rise = (both["slope"] - both["slope_steady"]).to_numpy(float)
    behind = (both["base_steady"] - both["base"]).to_numpy(float) - rise * smallest
    meets = smallest + behind / np.where(rise > 0, rise, np.inf)
    from_start = (behind <= 0) & (behind - rise * (largest - smallest) <= 0)
    return median_interval(np.where(from_start, 0.0, np.where((behind > 0) & (rise > 0), meets, np.inf)))
