"""Turns the calls and blocks of a run into one row of figures for every round of every cell.

Everything that is said about a run rests on this table: rounds are what is sampled, so a round counts once,
however many calls it holds. Intervals over rounds are in `analysis.stats.interval`, tails in
`analysis.stats.tail`, comparisons in `analysis.stats.ratio`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.read.run import Run
from bench.schema import Role

# Text, not members: pandas keeps what it is given.
ROLES = [str(role) for role in Role]
USAGE = (
    "parent_faults",
    "child_faults",
    "parent_user_ns",
    "parent_sys_ns",
    "child_user_ns",
    "child_sys_ns",
    "parent_switches",
    "child_switches",
)
ROUND_COLUMNS = ("calls", "p50_ns", "call_p50_ns", "ready_p50_ns", "control_p50_ns", "rel", "per_second", *USAGE)


def warm_calls(run: Run) -> pd.DataFrame:
    """The calls that count: of complete rounds and of subjects that did not fail, not marked as warm-up."""
    samples = run.samples
    counts = (samples["warmup"] == 0) & run.of_good_subjects(samples)
    return samples if bool(counts.all()) else samples[counts]


def round_table(run: Run, calls: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row for every complete round of every cell that holds calls, ordered by cell and round.

    `calls` are the run's `warm_calls`, where the caller has them already. Columns: ``cell``, ``round``,
    ``calls`` of the mechanism, the medians of their total, call and ready times (``p50_ns``,
    ``call_p50_ns``, ``ready_p50_ns``, ns), the median of the control's calls (``control_p50_ns``, ns),
    ``rel`` (see `round_ratios`), ``per_second`` (see `calls_per_second`), and what `getrusage` counted per call of the
    mechanism. NaN: not known.
    """
    calls = warm_calls(run) if calls is None else calls
    keys = ["cell", "round"]
    medians = _grouped_medians(calls, [*keys, "role"], ["total_ns", "call_ns", "ready_ns"])
    of_mechanism = medians["role"] == Role.MECHANISM
    table = medians[of_mechanism].set_index(keys).drop(columns="role")
    table.columns = pd.Index(["p50_ns", "call_p50_ns", "ready_p50_ns", "calls"])
    table["control_p50_ns"] = medians[~of_mechanism].set_index(keys)["total_ns"]
    table["rel"] = round_ratios(block_medians(calls))
    table = table.join(calls_per_second(run)).join(usage_per_call(run, Role.MECHANISM))
    return table.reset_index()[["cell", "round", *ROUND_COLUMNS]]


def block_medians(calls: pd.DataFrame) -> pd.DataFrame:
    """Median total time (ns) of every block: columns cell, round, block, role, median_ns."""
    keys = ["cell", "round", "block", "role"]
    medians = _grouped_medians(calls, keys, ["total_ns"])
    return medians.rename(columns={"total_ns": "median_ns"})[[*keys, "median_ns"]]


def _grouped_medians(calls: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """For each combination of `keys` that occurs, in order: the keys, the medians of `columns`, the number of `calls`.

    The keys become one whole number first, digit by digit: with four columns as keys pandas keeps a copy of 8 bytes
    a call for each of them, and takes twice as long.
    """
    digits = [(calls[key] == Role.CONTROL).astype("int8") if key == "role" else calls[key] for key in keys]
    lows = [int(digit.min()) if len(calls) else 0 for digit in digits]
    spans = [int(digit.max()) - low + 1 if len(calls) else 1 for digit, low in zip(digits, lows, strict=True)]
    number = np.zeros(len(calls), dtype=np.int64)
    for digit, low, span in zip(digits, lows, spans, strict=True):
        number *= span
        number += digit.to_numpy()
        number -= low
    grouped = calls[columns].groupby(number)
    sizes = grouped.size()
    places = np.unravel_index(sizes.index.to_numpy(), spans)
    table: dict[str, Any] = {key: place + low for key, low, place in zip(keys, lows, places, strict=True)}
    if "role" in keys:
        table["role"] = pd.Categorical.from_codes(table["role"], pd.Index(ROLES))
    table |= {column: grouped[column].median().to_numpy() for column in columns}
    return pd.DataFrame(table | {"calls": sizes.to_numpy()})


def round_ratios(blocks: pd.DataFrame) -> pd.Series[float]:
    """Relative latency of every round (index: cell, round) from `block_medians`.

    Mechanism and control of one block number were measured next to each other: their ratio is taken pair by
    pair, so that what the machine does meanwhile cancels, and the round's is the median over its pairs.
    """
    keys = ["cell", "round", "block"]
    of_mechanism = blocks["role"] == Role.MECHANISM
    mechanism = blocks[of_mechanism].set_index(keys)["median_ns"]
    control = blocks[~of_mechanism].set_index(keys)["median_ns"]
    pairs = (mechanism / control.where(control > 0)).dropna()
    return pairs.groupby(level=["cell", "round"]).median()


def calls_per_second(run: Run) -> pd.Series[float]:
    """Calls of the mechanism a second, of all subjects of a cell together, by complete round; index: cell, round.

    All calls of the round's blocks by the time from the first begin of each to its last end; without the warm-up.
    """
    blocks = run.blocks[run.of_good_subjects(run.blocks)]
    blocks = blocks[(blocks["role"] == Role.MECHANISM) & (blocks["block"] >= 0)]
    sums = blocks.groupby(["cell", "round"])[["calls", "elapsed_ns"]].sum()
    return (sums["calls"] / sums["elapsed_ns"].where(sums["elapsed_ns"] > 0) * 1e9).rename("per_second")


def usage_per_call(run: Run, role: str) -> pd.DataFrame:
    """What `getrusage` counted per call of `role` (columns `USAGE`), by complete round; index: cell, round.

    Blocks of a round weigh as much as they have calls; the warm-up has no weight. NaN: not known.
    """
    blocks = run.blocks[run.of_good_subjects(run.blocks)]
    blocks = blocks[(blocks["role"] == role) & (blocks["block"] >= 0)]
    weights: NDArray[Any] = blocks["calls"].to_numpy(dtype=float)[:, None]
    values = blocks[list(USAGE)].to_numpy(dtype=float)
    # A missing figure has no weight; a round with none at all has 0 / 0, which is missing again.
    both = pd.DataFrame(np.hstack([values * weights, ~np.isnan(values) * weights]), index=blocks.index)
    sums = both.groupby([blocks["cell"], blocks["round"]]).sum()
    weight = sums.iloc[:, len(USAGE) :].set_axis(USAGE, axis=1)
    return sums.iloc[:, : len(USAGE)].set_axis(USAGE, axis=1) / weight.where(weight > 0)
