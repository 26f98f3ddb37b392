"""Turns the directory of a run into its document and tables; its CSV files are read by `analysis.read.table`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.read.call_sums import check_calls
from analysis.read.consistency import check_tables
from analysis.read.contradiction import Tables
from analysis.read.document import read_document
from analysis.read.table import find_file, read_table
from bench import schema
from bench.schema import RunDocument, RunStatus, SubjectStatus
from bench.schema.rows import MOST_ROUNDS

__all__ = ["Run", "find_runs", "load_run", "read_document"]


@dataclass(frozen=True)
class Run:
    """One run: its `document` (run.json) and tables, all rows as they were written, but for text made visible.

    Text of a run is shown in many places, so that `bench.schema.visible` makes it harmless here, once for all.
    Missing values are ``""`` in text columns and NaN in numeric ones, times are nanoseconds.
    `samples`, by far the largest, is read when first asked for.
    """

    path: Path
    document: RunDocument = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    subjects: pd.DataFrame = field(repr=False)
    blocks: pd.DataFrame = field(repr=False)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row a call, columns as in `bench.schema.SAMPLES`, `role` a categorical; raises `LoadError`."""
        samples = read_table(self.path, schema.SAMPLES, self.document, set(self.cells["cell"]))
        tables = Tables(self.path, self.document, self.cells, self.subjects, self.blocks)
        check_calls(tables, samples, find_file(self.path, schema.SAMPLES))
        return samples

    @property
    def rounds(self) -> int:
        """Number of complete rounds; rows of later rounds are in no summary."""
        return self.document.rounds

    @property
    def partial(self) -> bool:
        """Whether the run was ended before its time."""
        return self.document.status is RunStatus.PARTIAL

    @property
    def name(self) -> str:
        """The run's name: its time, and its label if it has one."""
        return self.document.run

    @property
    def machine(self) -> str:
        """The slug of the machine that it was measured on."""
        return self.document.machine

    def complete(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `table` that belong to complete rounds."""
        return table[table["round"] < self.rounds]

    def of_good_subjects(self, table: pd.DataFrame) -> pd.Series[bool]:
        """For every row of `table` whether it counts: its round is complete, and its subject did not fail."""
        counts = table["round"] < self.rounds
        failed = self.subjects[(self.subjects["status"] == SubjectStatus.ERROR) & (self.subjects["round"] >= 0)]
        return counts & ~_places(table).isin(_places(failed)) if len(failed) else counts


def _places(table: pd.DataFrame) -> pd.Series[int]:
    """Cell and round of every row as one whole number: calls are many, and pairs of columns take several times more."""
    return table["cell"].astype("int64") * MOST_ROUNDS + table["round"]


def load_run(path: Path | str) -> Run:
    """Read the run in directory `path` (or given by its run.json); raises `LoadError`."""
    directory = Path(path)
    if directory.name == schema.RUN_FILE:
        directory = directory.parent
    document = read_document(directory)
    cells = read_table(directory, schema.CELLS, document, None)
    cell_numbers = set(cells["cell"])
    subjects = read_table(directory, schema.SUBJECTS, document, cell_numbers)
    blocks = read_table(directory, schema.BLOCKS, document, cell_numbers)
    check_tables(Tables(directory, document, cells, subjects, blocks))
    return Run(directory, document, cells, subjects, blocks)


def find_runs(results: Path | str, machine: str | None = None) -> list[Path]:
    """Directories of the runs under `results` (of one `machine` or of all), oldest first.

    Run names begin with their time in UTC, so that the order of names is the order of time.
    """
    documents = Path(results).glob(f"{glob_escape(machine) if machine else '*'}/*/{schema.RUN_FILE}")
    return sorted((file.parent for file in documents), key=lambda run: (run.name, run.parent.name))


def glob_escape(text: str) -> str:
    """`text` as a pattern that matches only itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)
