"""Turns the runs of two sides into a comparison of the cells that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.compare.differences import differences
from analysis.compare.pairs import IDENTITY, CellRounds, Pair, RestsOn
from analysis.compare.rows import Comparison, compare_pairs
from analysis.errors import CompareError
from analysis.read.run import Run, load_run
from analysis.stats.ratio import (
    ABSOLUTE_SPREAD,
    FEWEST,
    MARGIN,
    MOST_RELATED,
    RELATIVE_SPREAD,
    Ratio,
    compare_groups,
    corrected,
)
from analysis.stats.rounds import round_table
from analysis.text.names import cell_name
from bench import schema

Key = tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """The runs of one side with the rounds of each (see `stats.round_table`)."""

    runs: Sequence[Run]
    rounds: Sequence[pd.DataFrame]

    @property
    def name(self) -> str:
        """The names of the runs; of more than three, the first and the number of the others."""
        names = [run.name for run in self.runs]
        return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"

    @property
    def pythons(self) -> list[str]:
        """Labels of the interpreters that were measured."""
        return list(dict.fromkeys(label for run in self.runs for label in run.cells["python"]))

    def cells(self, names: Sequence[str]) -> dict[Key, CellRounds]:
        """The cells of all runs, keyed by their columns `names`, in the order of the files."""
        parts: dict[Key, list[tuple[pd.Series, pd.DataFrame]]] = {}
        for run, rounds in zip(self.runs, self.rounds, strict=True):
            by_cell = dict(list(rounds.groupby("cell")))
            for _, cell in run.cells.iterrows():
                key = tuple(str(cell[name]) for name in names)
                parts.setdefault(key, []).append((cell, by_cell.get(cell["cell"], rounds.iloc[:0])))
        return {key: CellRounds(same[0][0], [rounds for _, rounds in same]) for key, same in parts.items()}


def run_paths(paths: Sequence[Path]) -> list[Path]:
    """The runs in `paths`: a run stands for itself, a directory of runs (``results/MACHINE``) for all of them.

    Raises `CompareError` for a run that is named twice.
    """
    runs: list[Path] = []
    for path in paths:
        inside = sorted(file.parent for file in path.glob(f"*/{schema.RUN_FILE}")) if path.is_dir() else []
        if inside and not (path / schema.RUN_FILE).exists():
            runs += inside
        else:
            runs.append(path)
    if len({path.resolve() for path in runs}) < len(runs):
        raise CompareError("a run is named twice on one side; it would count as if it were two")
    return runs


def open_side(paths: Sequence[Path]) -> Side:
    """Load the runs in `paths` (see `run_paths`); raises `LoadError` and `CompareError`."""
    runs = [load_run(path) for path in run_paths(paths)]
    for run in runs:
        if run.rounds < FEWEST:
            have = f"{run.rounds} complete round{'' if run.rounds == 1 else 's'}" if run.rounds else "no complete round"
            raise CompareError(f"{run.path}: {have}, a comparison needs at least {FEWEST}; measure longer (--budget)")
    return Side(runs, [round_table(run) for run in runs])


def compare(base: Side, new: Side, margin: float = MARGIN, across_machines: bool = False) -> Comparison:
    """Compare all common cells; `margin` is a share (0.01: 1 %).

    Relative latencies where both sides have them and the control steadies them, else absolute ones. Interpreters
    are matched by label; where each side measured exactly one, that one. Raises `CompareError` for unlike machines
    (unless `across_machines`), for sides without a common cell, and where no cell at all can be compared.
    """
    _check_machines(base, new, across_machines)
    one_each = len(base.pythons) == len(new.pythons) == 1
    names = IDENTITY[:-1] if one_each else IDENTITY
    before, after = base.cells(names), new.cells(names)
    pairs = [Pair(before[key], after[key], base.name, new.name) for key in after if key in before]
    if not pairs:
        raise CompareError(_nothing_common(base, new))

    def ratio_of_pair(pair: Pair, column: str, comparisons: int) -> Ratio:
        spread = RELATIVE_SPREAD if column == "rel" and pair.steadied else ABSOLUTE_SPREAD
        return compare_groups(pair.base.values(column), pair.new.values(column), spread, margin, comparisons)

    return Comparison(
        rows=compare_pairs(pairs, ratio_of_pair, RestsOn.RELATIVE),
        base=base.name,
        new=new.name,
        margin=margin,
        confidence=corrected(len(pairs)),
        differences=differences([run.document for run in base.runs], [run.document for run in new.runs]),
        missing=[_identity(before[key]) for key in before if key not in after],
        added=[_identity(after[key]) for key in after if key not in before],
        notes=[*_absolute(pairs), *_drift(pairs), *_left_out(pairs), *_same_runs(base, new)],
    )


def _identity(groups: CellRounds) -> dict[str, str]:
    return {name: str(groups.cell[name]) for name in IDENTITY}


def _check_machines(base: Side, new: Side, across_machines: bool) -> None:
    machines = list(dict.fromkeys(run.machine for side in (base, new) for run in side.runs))
    if len(machines) > 1 and not across_machines:
        raise CompareError(
            f"measured on different machines ({', '.join(machines)}): their ratio says little about the code; "
            "add --across-machines to compare them all the same"
        )


def _nothing_common(base: Side, new: Side) -> str:
    if not set(base.pythons) & set(new.pythons):
        return (
            f"no common cell: {base.name} measured Python {', '.join(base.pythons)}, {new.name} Python "
            f"{', '.join(new.pythons)}, and only where each side has one interpreter are unlike ones compared"
        )
    mechanisms = [sorted({name for run in side.runs for name in run.cells["mechanism"]}) for side in (base, new)]
    return (
        f"no common cell: {base.name} has {', '.join(mechanisms[0]) or 'none'}, {new.name} has "
        f"{', '.join(mechanisms[1]) or 'none'}; measure the same mechanisms and scenarios on both sides"
    )


def _absolute(pairs: Sequence[Pair]) -> list[str]:
    """Why comparisons are absolute although one might expect relative ones, and what that costs."""
    absolute = [pair for pair in pairs if not pair.steadied and pair.new.cell["work"] not in ("control", "baseline")]
    reasons = {
        "no relative latency to the same control on both sides": [pair for pair in absolute if not pair.related],
        f"more than {MOST_RELATED:g} times the control, which then cancels no drift": [
            pair for pair in absolute if pair.related
        ],
    }
    notes = [
        f"{reason}: {', '.join(dict.fromkeys(str(pair.new.cell['mechanism']) for pair in affected))}"
        for reason, affected in reasons.items()
        if affected
    ]
    if notes:
        notes.append(
            f"absolute latency differs from run to run with the machine: a spread of {100 * ABSOLUTE_SPREAD:g} % a run "
            "is assumed until 3 runs on each side measure it"
        )
    return notes


def _drift(pairs: Sequence[Pair]) -> list[str]:
    """How far the machine itself moved: each C control, new over base, at the median of the cells it is in."""
    moved: dict[str, list[float]] = {}
    for pair in pairs:
        before, after = pair.base.median("control_p50_ns"), pair.new.median("control_p50_ns")
        if pair.related and before > 0:
            moved.setdefault(str(pair.new.cell["control"]), []).append(after / before)
    return [
        f"drift of the machine: {name} took {np.median(ratios):.3f} times as long as on the base side "
        f"(median of {len(ratios)} cell{'s' if len(ratios) > 1 else ''}; relative latency is free of it)"
        for name, ratios in moved.items()
    ]


def _left_out(pairs: Sequence[Pair]) -> list[str]:
    """Runs of a cell that hold too few rounds of it, where others hold enough."""
    notes = []
    for pair in pairs:
        counts = [[len(run) for run in groups.rounds] for groups in (pair.base, pair.new)]
        few = sum(count < FEWEST for side in counts for count in side)
        if few and all(max(side) >= FEWEST for side in counts):
            runs = "1 run" if few == 1 else f"{few} runs"
            notes.append(f"{cell_name(pair.new.cell)}: {runs} with fewer than {FEWEST} rounds of it left out")
    return notes


def _same_runs(base: Side, new: Side) -> list[str]:
    both = {run.path.resolve() for run in base.runs} & {run.path.resolve() for run in new.runs}
    return ["the same run is on both sides"] if both else []


__all__ = ["Side", "compare", "open_side", "run_paths"]
