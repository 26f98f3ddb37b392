"""Turns what a comparison rests on into the sentences below its table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.compare.pairs import Pair
from analysis.compare.spread import Spreads
from analysis.stats.centre import FEWEST
from analysis.stats.ratio import ABSOLUTE_SPREAD, MOST_RELATED, RELATIVE_SPREAD
from analysis.text import units
from analysis.text.names import cell_name


def why_absolute(pairs: Sequence[Pair]) -> list[str]:
    """Why comparisons are absolute although one might expect relative ones, and what that costs."""
    absolute = [pair for pair in pairs if not pair.steadied and pair.new.cell["work"] not in ("control", "baseline")]
    reasons = {
        "no relative latency to the same control on both sides": [pair for pair in absolute if not pair.related],
        f"more than {MOST_RELATED:g} times the control, which then cancels no drift": [
            pair for pair in absolute if pair.related and not pair.control_apart
        ],
    }
    notes = [
        f"{cell_name(pair.new.cell)}: its control took {units.ratio_text(pair.control_ratio)} times as long, all "
        f"controls together {units.ratio_text(pair.drift)} times; that is no drift of the machine, so the time counts"
        for pair in absolute
        if pair.control_apart
    ]
    notes += [
        f"{reason}: {', '.join(dict.fromkeys(str(pair.new.cell['mechanism']) for pair in affected))}"
        for reason, affected in reasons.items()
        if affected
    ]
    return notes


def spread_between_runs(spreads: Spreads) -> list[str]:
    """Where the spread between runs comes from."""
    assumed = f"assumed (relative {100 * RELATIVE_SPREAD:g} %, absolute {100 * ABSOLUTE_SPREAD:g} %)"
    if spreads.like_runs:
        return [f"spread between runs: {assumed}, corrected by {spreads.like_runs} other runs of this machine"]
    return [f"spread between runs: {assumed}, since no two other runs with the same set-up lie beside these"]


def not_in_turn(base_runs: int, new_runs: int, in_turn: bool) -> list[str]:
    """What keeps several runs on a side from making intervals narrower."""
    if in_turn or base_runs == new_runs == 1:
        return []
    return [
        "the runs of the two sides were not measured in turn, so the machine may have drifted from one side to the "
        "other: each side counts as one occasion. Measure base, new, base, new (python -m bench.experiments.in_turn)"
    ]


def drift_of_machine(pairs: Sequence[Pair]) -> list[str]:
    """How far the machine itself moved: each C control, new over base, at the median of the cells it is in."""
    moved: dict[str, list[float]] = {}
    for pair in pairs:
        if not math.isnan(pair.control_ratio) and not pair.control_apart:
            moved.setdefault(str(pair.new.cell["control"]), []).append(pair.control_ratio)
    return [
        f"drift of the machine: {name} took {np.median(ratios):.3f} times as long as on the base side "
        f"(median of {len(ratios)} cell{'s' if len(ratios) > 1 else ''}; relative latency is free of it)"
        for name, ratios in moved.items()
    ]


def left_out(pairs: Sequence[Pair]) -> list[str]:
    """Runs of a cell that hold too few rounds of it, where others hold enough."""
    notes = []
    for pair in pairs:
        counts = [[len(run) for run in groups.rounds] for groups in (pair.base, pair.new)]
        few = sum(count < FEWEST for side in counts for count in side)
        if few and all(max(side) >= FEWEST for side in counts):
            runs = "1 run" if few == 1 else f"{few} runs"
            notes.append(f"{cell_name(pair.new.cell)}: {runs} with fewer than {FEWEST} rounds of it left out")
    return notes
