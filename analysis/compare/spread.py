"""Turns other runs of the same machine into how far runs of the same code lie apart there."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from analysis.compare.differences import set_up
from analysis.compare.pairs import IDENTITY
from analysis.errors import LoadError
from analysis.read.run import Run, load_run
from analysis.stats.centre import FEWEST, Centre, centre
from analysis.stats.ratio import Spread
from analysis.stats.rounds import round_table
from bench import schema

# The newest runs beside those that are compared; each takes about as long to read as one of these.
MOST_RUNS = 8
# The assumed spread counts as if it had been estimated with so many degrees of freedom (the scaled inverse chi-square
# prior of a variance: Gelman et al. 2013, "Bayesian Data Analysis", 2.6): two or three odd runs do not outweigh it,
# ten do.
PRIOR_FREEDOM = 4
# The range of three normal values is 1.69 times their standard deviation on average (Tippett 1925, Biometrika 17).
_RANGE_OF_THREE = 1.69
_COLUMNS = ("rel", "p50_ns")
_DRIFT = "drift"

# What a cell is called in all runs: mechanism, scenario, level, Python.
Cell = tuple[str, ...]
Centres = Mapping[tuple[Cell, str], Centre]


@dataclass(frozen=True)
class _Learned:
    """Squares of differences between like runs, beyond what their rounds tell, and their degrees of freedom."""

    squares: float
    freedom: int


@dataclass(frozen=True)
class Spreads:
    """What is known of the spread between runs of one machine.

    `like_runs` is the number of runs that it was learned from, `drift` what the compared runs drifted by themselves
    (standard deviation of the logarithm of a control's time).
    """

    learned: Mapping[tuple[Cell, str], _Learned]
    like_runs: int
    drift: float

    def of(self, cell: Cell, column: str, assumed: float, absolute: bool) -> Spread:
        """The spread of one column of the rounds of a cell: the `assumed` one, corrected by what was learned."""
        found = self.learned.get((cell, column))
        # A run that drifts within itself by more than this lies apart from another one by at least as much.
        least = self.drift if absolute else 0.0
        if found is None:
            return Spread(max(assumed, least))
        freedom = PRIOR_FREEDOM + found.freedom
        variance = (PRIOR_FREEDOM * assumed**2 + max(found.squares, 0.0)) / freedom
        return Spread(max(math.sqrt(variance), least), freedom)


def learn(compared: Sequence[Run]) -> Spreads:
    """Learn from the newest runs that lie beside the `compared` ones, were made on their machine, and are not they.

    Runs are alike where all that may explain a difference is the same (see `differences.set_up`). What a damaged run
    holds is not learned from.
    """
    others = _runs_beside(compared)
    groups: dict[tuple[tuple[str, str], ...], list[Centres]] = defaultdict(list)
    for path in others:
        try:
            like, centres = _centres_of(path)
        except LoadError:
            continue
        groups[like].append(centres)
    squares: dict[tuple[Cell, str], list[tuple[float, int]]] = defaultdict(list)
    alike = [group for group in groups.values() if len(group) > 1]
    for group in alike:
        for key in set().union(*group):
            found = [centres[key] for centres in group if key in centres]
            if len(found) > 1:
                squares[key].append(_beyond_rounds(found))
    learned = {key: _Learned(sum(s for s, _ in parts), sum(f for _, f in parts)) for key, parts in squares.items()}
    return Spreads(learned, sum(map(len, alike)), max((_drift(run) for run in compared), default=0.0))


def _beyond_rounds(found: Sequence[Centre]) -> tuple[float, int]:
    freedom = len(found) - 1
    squares = float(np.var([run.value for run in found])) * len(found)
    return squares - freedom * float(np.mean([run.variance for run in found])), freedom


def _runs_beside(compared: Sequence[Run]) -> list[Path]:
    """Directories of runs of the same machine, newest last; a run's name begins with its time."""
    own = {run.path.resolve() for run in compared}
    beside = {
        file.parent.resolve()
        for parent in {path.parent for path in own}
        for file in parent.glob(f"*/{schema.RUN_FILE}")
    }
    machines = {run.machine for run in compared}
    return sorted((path for path in beside - own if path.parent.name in machines), key=lambda path: path.name)[
        -MOST_RUNS:
    ]


@cache
def _centres_of(path: Path) -> tuple[tuple[tuple[str, str], ...], Centres]:
    """What a run was measured with, and the centre of each column of its cells; raises `LoadError`."""
    run = load_run(path)
    rounds = dict(list(round_table(run).groupby("cell")))
    centres: dict[tuple[Cell, str], Centre] = {}
    for _, cell in run.cells.iterrows():
        if cell["cell"] not in rounds:
            continue
        for column in _COLUMNS:
            values = rounds[cell["cell"]][column].dropna().to_numpy(float)
            if len(values) >= FEWEST and bool((values > 0).all()):
                centres[tuple(str(cell[name]) for name in IDENTITY), column] = centre(np.log(values))
    return set_up(run.document), centres


def _drift(run: Run) -> float:
    """What the certificate says of the drift within the run (slowest third over fastest), as a standard deviation."""
    certificate = run.document.certificate
    values = [check.value for check in certificate.checks if check.name == _DRIFT] if certificate else []
    ratio = next((value for value in values if value is not None and value > 1), 1.0)
    return math.log(ratio) / _RANGE_OF_THREE


__all__ = ["MOST_RUNS", "PRIOR_FREEDOM", "Spreads", "learn"]
