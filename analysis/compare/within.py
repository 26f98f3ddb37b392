"""Turns one run into a comparison of its own cells with each other, along one of their columns."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.compare.pairs import IDENTITY, CellRounds, Pair, RestsOn
from analysis.compare.rows import Comparison, compare_pairs
from analysis.errors import CompareError
from analysis.read.run import Run
from analysis.stats.centre import FEWEST
from analysis.stats.ratio import MARGIN_WITHIN, Ratio, compare_paired, corrected
from analysis.stats.rounds import round_table
from bench import schema
from bench.schema import state_name

# What goes with a column: where it differs these do too, so that they cannot be asked to be equal.
_WITH = {"scenario": ("level",), "level": (), "python": (), "mechanism": ()}
# Unlike works are never ranked together.
_KEPT = {"mechanism": ("work",)}


def compare_within(run: Run, by: str, base: str | None = None, margin: float = MARGIN_WITHIN) -> Comparison:
    """Compare cells of `run` that differ in column `by` of cells.csv and agree in all else.

    The base is the first cell of each group in the order of the file, or the one whose value is `base`. Rounds
    are shared: values are compared round by round, so that the machine's drift is in both and cancels. Verdicts
    rest on absolute latency, because a control differs with the process it is called from (another interpreter,
    another level), and the question is what the mechanism costs; relative ratios are given beside it.
    Raises `CompareError` for an unknown column or value and where nothing can be compared.
    """
    if by not in schema.CELLS.header or by == "cell":
        columns = ", ".join(name for name in schema.CELLS.header if name != "cell")
        raise CompareError(f"--by {by}: not a column of cells.csv; choose one of {columns}")
    if run.rounds < FEWEST:
        raise CompareError(f"{run.path}: {run.rounds} complete rounds, a comparison needs at least {FEWEST}")
    values = [str(value) for value in dict.fromkeys(run.cells[by])]
    if base is not None and base not in values:
        raise CompareError(f"--base {base}: no cell has this {by}; choose one of {', '.join(values)}")
    pairs = _pairs(run, by, base)
    if not pairs:
        raise CompareError(
            f"{run.path}: no two cells differ in {by} and agree in all else ({by} is {', '.join(values) or 'nowhere'})"
        )

    def ratio_of_pair(pair: Pair, column: str, comparisons: int) -> Ratio:
        before, after = (groups.rounds[0].set_index("round")[column] for groups in (pair.base, pair.new))
        both = pd.concat([before, after], axis=1, keys=["base", "new"]).dropna()
        return compare_paired(both["base"].to_numpy(), both["new"].to_numpy(), margin, comparisons)

    return Comparison(
        rows=compare_pairs(pairs, ratio_of_pair, RestsOn.ABSOLUTE),
        base=", ".join(dict.fromkeys(pair.base_name for pair in pairs)),
        new=", ".join(dict.fromkeys(pair.new_name for pair in pairs)),
        margin=margin,
        confidence=corrected(len(pairs)),
        notes=[f"compared round by round within one run ({run.name}), by {by}"],
        by=by,
    )


def _pairs(run: Run, by: str, base: str | None) -> list[Pair]:
    table = round_table(run)
    by_cell = dict(list(table.groupby("cell")))
    # A column that is none of a cell's names (work, path …) belongs to its mechanism.
    free = (by, *_WITH.get(by, ("mechanism",)))
    names = [*(name for name in IDENTITY if name not in free), *_KEPT.get(by, ())]
    groups: dict[tuple[str, ...], list[pd.Series]] = {}
    for _, cell in run.cells.iterrows():
        groups.setdefault(tuple(str(cell[name]) for name in names), []).append(cell)

    def rounds_of(cell: pd.Series) -> CellRounds:
        return CellRounds(cell, [by_cell.get(cell["cell"], table.iloc[:0])])

    pairs = []
    for cells in groups.values():
        chosen = _base_of(cells, by, base)
        if chosen is not None:
            others = [cell for cell in cells if str(cell[by]) != str(chosen[by])]
            pairs += [Pair(rounds_of(chosen), rounds_of(cell), _name(chosen, by), _name(cell, by)) for cell in others]
    return pairs


def _base_of(cells: Sequence[pd.Series], by: str, base: str | None) -> pd.Series | None:
    return next((cell for cell in cells if base is None or str(cell[by]) == base), None)


def _name(cell: pd.Series, by: str) -> str:
    """What is compared, in a word; a scenario alone does not say which of its levels."""
    if by == "scenario":
        return state_name(str(cell["scenario"]), str(cell["level"]))
    return str(cell[by]) if by in IDENTITY else f"{cell['mechanism']} ({cell[by]})"
