"""Turns the CSV files of a contributed run into tables, and into everything that is wrong with their lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.errors import LoadError
from analysis.read.bounded_file import BoundedFile
from analysis.read.table import find_file, read_header, read_table, readable, wrong_value
from analysis.validate.finding import MOST_OF_FILE, Findings
from analysis.validate.texts import formula, wrong_text
from bench import schema
from bench.schema import RunDocument
from bench.schema.json_text import shown

# Expanded, with room for runs of an hour: the committed ones have 11 to 16 MB. pandas takes a few times as much.
MOST_BYTES = 128 << 20
# Reading line by line takes 2 µs a field: what is not read in 20 s is not looked through to its end.
_MOST_LINES = 400_000


def check_tables(directory: Path, document: RunDocument, findings: Findings) -> dict[str, pd.DataFrame]:
    """The raw tables by name, with all that is wrong with single lines added; what cannot be used is left out."""
    tables: dict[str, pd.DataFrame] = {}
    cells: set[int] | None = None
    for table in schema.RAW_TABLES:
        try:
            path = find_file(directory, table)
            _check_expanded(path)
            tables[table.name] = read_table(directory, table, document, cells)
        except LoadError as error:
            _name_all_lines(directory, table, document, cells, findings)
            findings.add_error(error, table.file)  # which is the same as one of them, or what no line tells
        else:
            if any(column.kind == "str" and not column.words for column in table.columns):
                _name_all_lines(directory, table, document, cells, findings)
        if table is schema.CELLS and table.name in tables:
            cells = set(tables[table.name]["cell"])
    return tables


def check_interrupted(directory: Path, sizes: dict[str, int], document: RunDocument, findings: Findings) -> None:
    """Add what is wrong with the lines of rounds that were cut off; they are in no figure, but published too."""
    for table in schema.RAW_TABLES:
        if any(f"interrupted/{table.file}{end}" in sizes for end in ("", ".gz")):
            _name_all_lines(directory / "interrupted", table, document, None, findings, "interrupted/")


def _check_expanded(path: Path) -> None:
    """Raise `LoadError` where a file holds more than `MOST_BYTES`: it is not read into the memory then."""
    with readable(path), BoundedFile(path, MOST_BYTES) as stream:
        while stream.read(1 << 20):
            pass


def _name_all_lines(
    directory: Path,
    table: schema.Table,
    document: RunDocument,
    cells: set[int] | None,
    findings: Findings,
    folder: str = "",
) -> None:
    """Add a finding for every field that is wrong; what ends the reading is named by `read_table`."""
    try:
        path = find_file(directory, table)
        with readable(path), BoundedFile(path, MOST_BYTES) as stream:
            columns = read_header(path, table, document.schema < schema.SCHEMA_VERSION)
            _name_lines(_Lines(f"{folder}{path.name}", stream, findings), columns, cells, findings)
    except LoadError as error:
        findings.add_error(error, f"{folder}{table.file}")


class _Lines:
    """The lines of a file as text, for csv; what is no text is named and replaced, so that the count goes on."""

    def __init__(self, file: str, stream: BoundedFile, findings: Findings) -> None:
        self.file = file
        self._stream, self._findings = stream, findings

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(iter(self._stream.readline, b""), 1):
            if number > _MOST_LINES or self._findings.counts.get(self.file, 0) > MOST_OF_FILE:
                return
            if b"\0" in line:
                self._findings.add(self.file, number, "holds a byte of value 0; copy it again or measure again")
            text = line.replace(b"\0", b"").decode("utf-8", "replace")
            if "\ufffd" in text:
                self._findings.add(self.file, number, "not UTF-8 text; copy it again or measure again")
            yield text


def _name_lines(lines: _Lines, columns: list[schema.Column], cells: set[int] | None, findings: Findings) -> None:
    file, keys = lines.file, _key_places(columns)
    reader = csv.reader(lines)
    seen: set[tuple[str, ...]] = set()
    try:
        next(reader)
        for row in reader:
            line = reader.line_num
            if len(row) != len(columns):
                findings.add(file, line, f"{len(row)} fields instead of {len(columns)}")
                continue
            for column, text in zip(columns, row, strict=True):
                for what in _wrong_field(column, text, cells):
                    findings.add(file, line, what)
            key = tuple(row[place] for place in keys)
            if keys and key in seen:
                names = ", ".join(columns[place].name for place in keys)
                findings.add(file, line, f"the same {names} as in a line before")
            seen.add(key)
    except csv.Error as error:
        findings.add(file, reader.line_num, str(error))


def _key_places(columns: list[schema.Column]) -> list[int]:
    """Where the fields are that no two rows may share; none for calls."""
    names = [column.name for column in columns]
    if "total_ns" in names:
        return []
    wanted = ("cell", "round", "block", "role") if "block" in names else ("round", "cell")
    return [names.index(name) for name in wanted if name in names]


def _wrong_field(column: schema.Column, text: str, cells: set[int] | None) -> Iterator[str]:
    if text == "" and column.optional:
        return
    if wrong := wrong_value(column, text):
        yield f"{column.name} is {shown(repr(text))}, {wrong}"
    elif column.name == "cell" and cells is not None and int(text) not in cells:
        yield f"cell {shown(text)} is not in {schema.CELLS.file}"
    if column.kind == "str" and not column.words:
        yield from (f"{column.name} {what}" for what in (*formula(text), *wrong_text(text)))
