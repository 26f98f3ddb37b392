"""Turns a row or a key that contradicts the rest of a run into one line: where, what, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import LoadError
from bench import schema
from bench.schema import Role, RunDocument, RunStatus
from bench.schema.rows import MOST_ROUNDS

Mask = NDArray[np.bool_]
Numbers = NDArray[Any]
# Of one contradiction, which may be in every line of a file.
_MOST_NAMED = 1000
_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)
_REMEDY = "the files of the run contradict each other; copy it again or measure again"


@dataclass(frozen=True)
class Tables:
    """What is read of a run at once: everything but its calls. It is held together before anything is derived."""

    directory: Path
    document: RunDocument
    cells: pd.DataFrame
    subjects: pd.DataFrame
    blocks: pd.DataFrame

    @property
    def measured(self) -> bool:
        """Whether the suite measured it itself: an imported run knows less, and its blocks may overlap."""
        return self.document.source is None

    @property
    def rounds(self) -> int:
        """Number of complete rounds."""
        return self.document.rounds

    @property
    def last_round(self) -> int:
        """The last round that may have rows: a partial run may have one more, which is not finished."""
        return self.rounds - (self.document.status is RunStatus.COMPLETE)

    def lacks(self, column: pd.Series[Any]) -> bool:
        """Whether a column is one that an older run does not have."""
        return self.document.schema < schema.SCHEMA_VERSION and bool(((column == "") | column.isna()).all())

    def of_cell(self, column: str, numbers: Numbers) -> Numbers:
        """The values of a column of cells.csv for each of the cells `numbers`; raises `KeyError` for another."""
        at = self._by_cell.index.get_indexer(pd.Index(numbers))
        if (at < 0).any():
            raise KeyError(int(numbers[at < 0][0]))
        values: Numbers = self._by_cell[column].to_numpy()[at]
        return values

    @cached_property
    def _by_cell(self) -> pd.DataFrame:
        return self.cells.set_index("cell")

    def at_once(self, numbers: Numbers) -> NDArray[np.float64]:
        """How many subjects of each of the cells `numbers` make the calls of a block at the same time."""
        subjects = self.of_cell("subjects", numbers).astype(float)
        return np.where(np.isnan(subjects), 1.0, subjects)


def numbers_of(table: pd.DataFrame, column: str) -> Numbers:
    """A column as an array."""
    values: Numbers = table[column].to_numpy()
    return values


def is_control(table: pd.DataFrame) -> Mask:
    """For every row whether it belongs to the control."""
    control: Mask = (table["role"] == Role.CONTROL).to_numpy()
    return control


def places(table: pd.DataFrame) -> NDArray[np.int64]:
    """Cell and round of every row as one whole number; no round is negative."""
    combined: NDArray[np.int64] = table["cell"].to_numpy(dtype=np.int64) * MOST_ROUNDS + table["round"].to_numpy()
    return combined


@contextmanager
def collecting() -> Iterator[list[str]]:
    """Inside, contradictions are added to the list that is given, each as a line, and no error is raised for them."""
    found: list[str] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def refuse(path: Path, place: object, what: str) -> None:
    """Raise `LoadError`, or collect it: `place` is a line, or a key with a blank before it."""
    line, found = f"{path}:{place}: {what}; {_REMEDY}", _collected.get()
    if found is None:
        raise LoadError(line)
    found.append(line)


def rows_of(bad: Mask) -> list[int]:
    """The positions that are `bad`, to be refused in turn: the first one, or all that are named when collecting."""
    if _collected.get() is None:
        return [int(np.argmax(bad))] if bad.any() else []
    return [int(row) for row in np.flatnonzero(bad)[:_MOST_NAMED]]


def refuse_row(tables: Tables, table: schema.Table, bad: Mask, say: Callable[[int], str]) -> None:
    """Refuse the first row of `table` that is `bad`, if there is one; `say` tells what is wrong."""
    for row in rows_of(np.asarray(bad)):
        refuse(tables.directory / table.file, row + 2, say(row))


def refuse_key(tables: Tables, key: str, what: str) -> None:
    """Refuse a key of run.json."""
    refuse(tables.directory / schema.RUN_FILE, f" {key}", what)
