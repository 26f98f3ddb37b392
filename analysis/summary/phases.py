"""Turns cells whose children tell when they began into the phases of a call, and into what the telling costs.

Such a cell has the scenario `phases`, alone or joined to others. The same cell without it is the one whose time
counts; what the telling adds is their ratio.
"""

from __future__ import annotations

import pandas as pd

from analysis.stats.ratio import Ratio, compare_paired, no_ratio
from analysis.summary.analysed_run import AnalysedRun
from bench.schema import Role

SCENARIO = "phases"
BARE = ("parent", "bare")
# In the order of a call; together they are all of it.
PHASES = ("alone_ns", "both_ns", "start_ns", "end_ns")
_MIDDLE = (0.25, 0.75)


def without_telling(scenario: str, level: str) -> tuple[str, str] | None:
    """Scenario and level of the cell that does not tell beside one that does; None: this one does not tell."""
    names, levels = scenario.split("+"), level.split("+")
    if SCENARIO not in names or len(names) != len(levels):
        return None
    kept = [pair for pair in zip(names, levels, strict=True) if pair[0] != SCENARIO]
    if not kept:
        return BARE
    return "+".join(name for name, _ in kept), "+".join(text for _, text in kept)


def telling_cells(analysed: AnalysedRun) -> pd.DataFrame:
    """The summary of the measured cells whose children told, with ``plain_scenario`` and ``plain_level``."""
    rows = analysed.measured_cells()
    plain = [without_telling(*names) for names in zip(rows["scenario"], rows["level"], strict=True)]
    tells = pd.Series([pair is not None for pair in plain], index=rows.index, dtype=bool)
    found = rows[tells & rows["ready_p50_ns"].notna()]
    kept = [pair for pair, index in zip(plain, rows.index, strict=True) if pair and index in found.index]
    return found.assign(plain_scenario=[pair[0] for pair in kept], plain_level=[pair[1] for pair in kept])


def phases_of_cell(analysed: AnalysedRun, cell: int) -> dict[str, float]:
    """The phases (ns, `PHASES`) of a typical call of `cell`, which add up to its ``whole_ns``.

    ``alone_ns``: the parent is in its creating call, the child has not begun; ``both_ns``: the child runs, the
    parent is still in that call; ``start_ns``: the call has returned, the child has not begun; ``end_ns``: after both,
    until the child is reaped. ``overlap`` is the share of calls (0 to 1) whose child began inside the creating call.

    They lie between means of three moments: medians would not add up. The means are over the calls of the middle half
    of each round by their total time, and over the middle half of the rounds (the interquartile mean, a trimmed mean;
    Tukey 1977, "Exploratory Data Analysis").
    """
    calls = analysed.calls
    calls = calls[(calls["cell"] == cell) & (calls["role"] == Role.MECHANISM) & calls["ready_ns"].notna()]
    columns = ["call_ns", "ready_ns", "total_ns"]
    moments = pd.DataFrame([_middle_mean(group[columns]) for _, group in calls.groupby("round")])
    call, ready, whole = (float(_middle_mean(moments)[name]) for name in columns)
    return {
        "alone_ns": min(call, ready),
        "both_ns": max(0.0, call - ready),
        "start_ns": max(0.0, ready - call),
        "end_ns": whole - max(call, ready),
        "whole_ns": whole,
        "overlap": float((calls["ready_ns"] < calls["call_ns"]).mean()),
    }


def _middle_mean(rows: pd.DataFrame) -> pd.Series:
    """The mean of the rows whose total lies in the middle half."""
    low, high = (float(rows["total_ns"].quantile(quantile)) for quantile in _MIDDLE)
    # Of two rows none lies inside.
    kept = rows[rows["total_ns"].between(low, high)]
    return (kept if len(kept) else rows).mean()


def price_of_telling(analysed: AnalysedRun, telling: pd.DataFrame) -> dict[int, Ratio]:
    """For each of `telling_cells`, how many times as long its call takes as in the same cell that does not tell.

    Compared round by round, with intervals that hold together for all of them; with a reason instead where the other
    cell was not measured, or in too few rounds. Relative latencies are compared where both cells have a control: it
    never tells, so what the machine did meanwhile cancels. What the file of the stamps adds to the control (one
    mapping) cancels with it.
    """
    names = ["python", "mechanism", "scenario", "level"]
    summary = analysed.summary
    by_name = dict(zip(summary[names].itertuples(index=False, name=None), summary["cell"], strict=True))
    columns = ["python", "mechanism", "plain_scenario", "plain_level"]
    partners = {
        int(number): by_name.get(name)
        for number, name in zip(telling["cell"], telling[columns].itertuples(index=False, name=None), strict=True)
    }
    comparisons = max(1, sum(partner is not None for partner in partners.values()))
    prices = {}
    for number, partner in partners.items():
        if partner is None:
            prices[number] = no_ratio("the same cell without phases=told was not measured")
            continue
        plain, told = analysed.rounds_of(int(partner)), analysed.rounds_of(number)
        column = "rel" if plain["rel"].notna().any() and told["rel"].notna().any() else "p50_ns"
        both = pd.concat([plain[column], told[column]], axis=1).dropna()
        prices[number] = compare_paired(both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy(), comparisons=comparisons)
    return prices
