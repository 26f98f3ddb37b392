"""Turns latencies measured in parents of several sizes into lines: what memory adds, and where two lines cross.

A size is the dose that was verified in the subject, never the level asked for. Each line is fitted inside one
round, because the cells of a round are interleaved. The result is the median over rounds with its interval.
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
    """How latency grows with memory: `slope` in ns a byte, `largest_dose` in bytes.

    `smallest_parent_ns` is the median latency in the smallest parent, `size_count` the number of sizes.
    `largest_misfit` is the largest relative distance between the median at a size and the line of the medians.
    """

    slope: Estimate
    smallest_parent_ns: float
    largest_dose: float
    size_count: int
    largest_misfit: float


def fit_line(dose: NDArray[np.float64], latency: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of latency over dose, by least squares of the relative error.

    Latencies scatter in proportion to themselves. So each point has the weight 1 / latency; otherwise the
    largest parents alone would decide where the line begins. NaN where there are fewer than two sizes.
    """
    usable = np.isfinite(dose) & np.isfinite(latency) & (latency > 0)
    dose, latency = dose[usable], latency[usable]
    if len(dose) < 2 or dose.max() < LEAST_SPREAD * dose.min():
        return math.nan, math.nan
    slope, intercept = np.polyfit(dose, latency, 1, w=1 / latency)
    return float(slope), float(intercept)


def cells_of_several_sizes(analysed: AnalysedRun, dose_column: str = "rss_bytes") -> pd.DataFrame:
    """The mechanisms measured in parents of several sizes: their summary rows with the median ``dose`` in bytes.

    Bare parents count as a size too. Ordered by interpreter, mechanism and dose; empty where there is none.
    """
    rows = pd.concat([analysed.bare_cells(), analysed.cells_at("rss")])
    rows = rows.assign(dose=rows["cell"].map(analysed.verified_doses(dose_column).median()))
    rows = rows[rows["dose"] > 0]
    spread = rows.groupby(["python", "mechanism"])["dose"].transform(lambda dose: dose.max() / dose.min())
    return rows[spread >= LEAST_SPREAD].sort_values(["python", "mechanism", "dose"], ignore_index=True)


def _cells_of(analysed: AnalysedRun, python: str, mechanism: str, dose_column: str) -> pd.DataFrame:
    cells = cells_of_several_sizes(analysed, dose_column)
    return cells[(cells["python"] == python) & (cells["mechanism"] == mechanism)]


def line_of_each_round(analysed: AnalysedRun, python: str, mechanism: str, dose_column: str) -> pd.DataFrame:
    """One fitted line a round (index): ``slope`` in ns a byte and ``intercept`` in ns, over the dose."""
    cells = _cells_of(analysed, python, mechanism, dose_column)["cell"].tolist()
    rounds = analysed.rounds[analysed.rounds["cell"].isin(cells)]
    latency = rounds.pivot_table(index="round", columns="cell", values="p50_ns").reindex(columns=cells)
    dose = analysed.verified_doses(dose_column).reindex(index=latency.index, columns=cells)
    fits = [fit_line(dose.loc[number].to_numpy(float), latency.loc[number].to_numpy(float)) for number in latency.index]
    return pd.DataFrame(fits, columns=["slope", "intercept"], index=latency.index).dropna()


def growth(analysed: AnalysedRun, python: str, mechanism: str) -> Growth | None:
    """What private memory adds to a mechanism's latency; ``None`` where too few sizes were measured."""
    cells = _cells_of(analysed, python, mechanism, "private_bytes")
    round_lines = line_of_each_round(analysed, python, mechanism, "private_bytes")
    if cells.empty or round_lines.empty:
        return None
    slope, intercept = fit_line(cells["dose"].to_numpy(float), cells["p50_ns"].to_numpy(float))
    misfits = np.abs((slope * cells["dose"] + intercept) / cells["p50_ns"] - 1)
    return Growth(
        slope=median_over_rounds(round_lines["slope"]),
        smallest_parent_ns=float(cells["p50_ns"].iloc[0]),
        largest_dose=float(cells["dose"].max()),
        size_count=len(cells),
        largest_misfit=float(misfits.max()),
    )


def break_even_size(analysed: AnalysedRun, python: str, growing: str, steady: str) -> Estimate | None:
    """Resident size (bytes) of a parent from which `steady` takes less time than `growing`; ``None``: no lines.

    The two lines of a round meet where their difference is 0. A round counts as 0 where `steady` is cheaper in the
    smallest parent and in the largest. It counts as infinite where `steady` never becomes cheaper. The interval may
    end in either.
    """
    growing_lines = line_of_each_round(analysed, python, growing, "rss_bytes")
    steady_lines = line_of_each_round(analysed, python, steady, "rss_bytes")
    rounds = growing_lines.merge(steady_lines, left_index=True, right_index=True, suffixes=("_growing", "_steady"))
    if rounds.empty:
        return None
    cells = cells_of_several_sizes(analysed)
    doses = cells.loc[(cells["python"] == python) & cells["mechanism"].isin([growing, steady]), "dose"]
    smallest, largest = float(doses.min()), float(doses.max())
    # How much longer `steady` takes than `growing`, and how fast this lead is lost with every byte.
    loss_per_byte = (rounds["slope_growing"] - rounds["slope_steady"]).to_numpy(float)
    lead_at_0 = (rounds["intercept_steady"] - rounds["intercept_growing"]).to_numpy(float)
    lead_at_smallest = lead_at_0 - loss_per_byte * smallest
    lead_at_largest = lead_at_smallest - loss_per_byte * (largest - smallest)
    meeting_size = smallest + lead_at_smallest / np.where(loss_per_byte > 0, loss_per_byte, np.inf)
    always_cheaper = (lead_at_smallest <= 0) & (lead_at_largest <= 0)
    becomes_cheaper = (lead_at_smallest > 0) & (loss_per_byte > 0)
    return median_interval(np.where(always_cheaper, 0.0, np.where(becomes_cheaper, meeting_size, np.inf)))
