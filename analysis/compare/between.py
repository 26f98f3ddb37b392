"""Turns the runs of two sides into a comparison of the cells that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.compare import notes, releases
from analysis.compare.differences import differences
from analysis.compare.pairs import IDENTITY, CellRounds, Pair, RestsOn, with_drift
from analysis.compare.rows import Comparison, compare_pairs
from analysis.compare.spread import learn
from analysis.compare.turns import turns
from analysis.errors import CompareError
from analysis.read.run import Run, load_run
from analysis.stats.centre import FEWEST
from analysis.stats.ratio import (
    ABSOLUTE_SPREAD,
    MARGIN,
    RELATIVE_SPREAD,
    Ratio,
    compare_alternated,
    compare_groups,
    corrected,
    identity,
)
from analysis.stats.rounds import round_table
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
        found: dict[Key, CellRounds] = {}
        for place, (run, rounds) in enumerate(zip(self.runs, self.rounds, strict=True)):
            by_cell = dict(list(rounds.groupby("cell")))
            for _, cell in run.cells.iterrows():
                key = tuple(str(cell[name]) for name in names)
                if key not in found:  # a run that lacks the cell has no rounds of it
                    found[key] = CellRounds(cell, [each.iloc[:0] for each in self.rounds])
                found[key].rounds[place] = by_cell.get(cell["cell"], rounds.iloc[:0])
        return found


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
    partner = releases.partners(before, after)
    pairs = [Pair(before[old], after[key], base.name, new.name) for key, old in partner.items()]
    if len(_machines(base, new)) == 1:  # another machine has controls of another speed, each by another factor
        pairs = with_drift(pairs)
    if not pairs:
        raise CompareError(_nothing_common(base, new))

    same_runs = _paths(base) == _paths(new)
    of_same_runs = _same_runs(base, new, same_runs)  # may refuse, before other runs are read
    in_turn = turns(base.runs, new.runs)
    spreads = learn([*base.runs, *new.runs])

    def ratio_of_pair(pair: Pair, column: str, comparisons: int) -> Ratio:
        steadied = column == "rel" and pair.steadied
        cell = tuple(str(pair.base.cell[name]) for name in IDENTITY)
        spread = spreads.of(cell, column, RELATIVE_SPREAD if steadied else ABSOLUTE_SPREAD, absolute=not steadied)
        before, after = pair.base.values(column), pair.new.values(column)
        if in_turn:
            ratio = compare_alternated(
                [(before[turn.base], after[turn.new]) for turn in in_turn], spread, margin, comparisons
            )
        else:
            ratio = compare_groups(before, after, spread, margin, comparisons)
        return identity(ratio) if same_runs else ratio

    return Comparison(
        rows=compare_pairs(pairs, ratio_of_pair, RestsOn.RELATIVE),
        base=base.name,
        new=new.name,
        margin=margin,
        confidence=corrected(len(pairs)),
        differences=[
            *releases.changed_files((pair.base.cell.to_dict(), pair.new.cell.to_dict()) for pair in pairs),
            *differences([run.document for run in base.runs], [run.document for run in new.runs]),
        ],
        missing=[_identity(before[key]) for key in before if key not in partner.values()],
        added=[_identity(after[key]) for key in after if key not in partner],
        notes=[
            *of_same_runs,
            *notes.why_absolute(pairs),
            *([] if same_runs else notes.spread_between_runs(spreads)),
            *notes.not_in_turn(len(base.runs), len(new.runs), bool(in_turn)),
            *notes.drift_of_machine(pairs),
            *notes.left_out(pairs),
        ],
    )


def _identity(groups: CellRounds) -> dict[str, str]:
    return {name: str(groups.cell[name]) for name in IDENTITY}


def _machines(base: Side, new: Side) -> list[str]:
    return list(dict.fromkeys(run.machine for side in (base, new) for run in side.runs))


def _check_machines(base: Side, new: Side, across_machines: bool) -> None:
    machines = _machines(base, new)
    if len(machines) > 1 and not across_machines:
        raise CompareError(
            f"measured on different machines ({', '.join(machines)}): their ratio says little about the code; "
            "add --across-machines to compare them all the same"
        )


def _nothing_common(base: Side, new: Side) -> str:
    if not set(base.pythons) & set(new.pythons):
        return (
            f"no common cell: {base.name} measured Python {', '.join(base.pythons)}, {new.name} Python "
            f"{', '.join(new.pythons)}, and only where each side has one interpreter are different ones compared"
        )
    mechanisms = [sorted({name for run in side.runs for name in run.cells["mechanism"]}) for side in (base, new)]
    return (
        f"no common cell: {base.name} has {', '.join(mechanisms[0]) or 'none'}, {new.name} has "
        f"{', '.join(mechanisms[1]) or 'none'}; measure the same mechanisms and scenarios on both sides"
    )


def _paths(side: Side) -> set[Path]:
    return {run.path.resolve() for run in side.runs}


def _same_runs(base: Side, new: Side, same: bool) -> list[str]:
    if same:
        return ["both sides are the same: every ratio is 1, and says nothing of what runs scatter"]
    if both := _paths(base) & _paths(new):
        names = ", ".join(sorted(path.name for path in both))
        raise CompareError(f"on both sides: {names}; name each run on one side only")
    return []


__all__ = ["Side", "compare", "open_side", "run_paths"]
