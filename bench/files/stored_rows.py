"""Turns a CSV file that this program wrote into its records, each with the byte at which its line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from bench.schema import Row, Table

R = TypeVar("R", bound=Row)


class RowError(ValueError):
    """A line is not a row of its table; the text begins with the number of the line."""


@dataclass(frozen=True)
class StoredRow(Generic[R]):
    """A row, and the byte behind its line."""

    record: R
    end: int


def stored_rows(directory: Path, table: Table, record: type[R]) -> Iterator[StoredRow[R]]:
    """The whole rows of a table in their order; a torn last line is left out. Raises `OSError` and `RowError`.

    No text that this program writes into these files holds a line end.
    """
    with open(directory / table.file, "rb") as stream:
        end = 0
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return
            end += len(line)
            if number == 1:
                if line.decode("utf-8", "replace") != table.first_line:
                    raise RowError("1: another header than this program writes")
                continue
            yield StoredRow(_record(number, line, table, record), end)


def header_end(directory: Path, table: Table) -> int:
    """The byte behind the header of a table's file; 0: it has none, or half of one."""
    with open(directory / table.file, "rb") as stream:
        return stream.tell() if stream.readline().decode("utf-8", "replace") == table.first_line else 0


def _record(number: int, line: bytes, table: Table, record: type[R]) -> R:
    fields = next(csv.reader([line.decode("utf-8", "replace")]), [])
    if len(fields) != len(table.header):
        raise RowError(f"{number}: {len(fields)} fields instead of {len(table.header)}")
    known = {name: text for name, text in zip(table.header, fields, strict=True) if text}
    try:
        return msgspec.convert(known, record, strict=False)
    except msgspec.ValidationError as error:
        raise RowError(f"{number}: {error}") from None
