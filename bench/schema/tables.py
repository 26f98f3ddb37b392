"""The CSV files of a run: which record is a row of which file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from bench.schema.column import Column, columns_of
from bench.schema.rows import BlockRow, CellRow, Row, SampleRow, SubjectRow, SummaryRow
from bench.schema.visible import writable


@dataclass(frozen=True)
class Table:
    """One CSV file of a run; `row` says what one row is, `record` is its class."""

    name: str
    row: str
    record: type[Row]

    @property
    def file(self) -> str:
        """The file's name inside the run's directory, before any compression."""
        return f"{self.name}.csv"

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in file order: the fields of the record."""
        return columns_of(self.record)

    @property
    def header(self) -> tuple[str, ...]:
        """The column names in file order."""
        return self.record.__struct_fields__

    @property
    def first_line(self) -> str:
        """The line that begins the file."""
        return ",".join(self.header) + "\n"

    def lines(self, rows: Iterable[Row]) -> str:
        """`rows` as lines of the file; what is None becomes an empty field."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(self._fields, rows))
        return writable(text.getvalue())

    @cached_property
    def _fields(self) -> Callable[[Row], tuple[object, ...]]:
        return attrgetter(*self.header)


CELLS = Table("cells", "a cell", CellRow)
SUBJECTS = Table(
    "subjects", "a subject: one fresh interpreter process, the measured parent of one cell in one round", SubjectRow
)
BLOCKS = Table("blocks", "a block: calls in a row in one subject", BlockRow)
SAMPLES = Table("samples", "a call: one child created and reaped", SampleRow)
SUMMARY = Table("summary", "a cell, derived from the files above", SummaryRow)

RAW_TABLES = (CELLS, SUBJECTS, BLOCKS, SAMPLES)
TABLES = (*RAW_TABLES, SUMMARY)
