"""Turns one CSV file of a run into a typed table, or into one line that says which line of it is wrong.

Tables are parsed by pandas at full speed; only when one does not fit its description in `bench.schema`
is the file read again, row by row, to name the line. What pandas does not tell (it fills up rows that are too
short) is seen from the number of commas that pass by.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import LoadError
from analysis.read.bounded_file import DAMAGED, MOST_TABLE, BoundedFile
from analysis.read.watched_file import WatchedFile
from bench import schema
from bench.schema import RunDocument, RunStatus
from bench.schema.json_text import shown
from bench.schema.visible import visible

# Narrow types for what every call repeats: 10 million calls then take 38 bytes each.
_NARROW = {name: np.dtype("int32") for name in ("cell", "round", "block", "order")} | {"warmup": np.dtype("int8")}
# As types, not as their names: pandas would look each name up in all kinds of types that it has.
_WHOLE, _NUMBER, _TEXT = np.dtype("int64"), np.dtype("float64"), pd.StringDtype(na_value=np.nan)
_ROLE_TYPE = pd.CategoricalDtype([str(role) for role in schema.Role])
# What tells the rows of a file apart; calls have no such thing.
_KEYS = {"cells": ["cell"], "subjects": ["round", "cell"], "blocks": ["cell", "round", "block", "role"]}
# What int64 holds; pandas refuses more.
_LARGEST = 2**63 - 1


def find_file(directory: Path, table: schema.Table) -> Path:
    """The file of `table`, compressed or not; raises `LoadError` where there is none."""
    # The plain file wins: beside it, a compressed one is what an interrupted compression left.
    for path in (directory / table.file, directory / f"{table.file}.gz"):
        if path.exists() and not path.is_dir():
            return path
    raise LoadError(f"{directory / table.file}: missing; the run is not whole, copy it again or measure again")


def _open(path: Path) -> BoundedFile:
    return BoundedFile(path, MOST_TABLE)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise `LoadError` for what the system or an archive says of `path`."""
    try:
        yield
    except DAMAGED as error:
        raise LoadError(f"{path}: cut off or damaged ({error}); copy it again or measure again") from None
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror or error}); copy it again") from None


def read_table(directory: Path, table: schema.Table, document: RunDocument, cells: set[int] | None) -> pd.DataFrame:
    """The rows of `table`, columns as in its description, with free text made `visible`; raises `LoadError`.

    `document` is run.json, `cells` the numbers that the column of that name may have (``None``: any).
    """
    with readable(directory):
        path = find_file(directory, table)
    with readable(path):
        older = document.schema < schema.SCHEMA_VERSION
        columns = read_header(path, table, older)
        limit = _whole_rows(path, document.status is RunStatus.PARTIAL)
        with _open(path) as stream:
            watched = WatchedFile(stream, limit)
            frame = _parse(watched, columns)
        bad = frame is None or _has_bad_row(frame, columns, cells)
        if bad or watched.zeros or not watched.even(len(columns)):
            _name_bad_line(path, columns, cells, limit)
        if bad:
            names = ",".join(column.name for column in columns)
            raise LoadError(f"{path}: does not hold the columns it should ({names})")
    assert frame is not None
    if table.name in _KEYS and (twice := frame.duplicated(_KEYS[table.name])).any():
        line = int(np.argmax(twice.to_numpy())) + 2
        raise LoadError(f"{path}:{line}: the same {', '.join(_KEYS[table.name])} as in a line before")
    for column in table.columns:
        if column.name not in frame:
            frame[column.name] = "" if column.kind == "str" else np.nan
        elif column.kind == "str" and not column.words:
            frame[column.name] = frame[column.name].map(visible)
    header = list(table.header)
    return frame if list(frame.columns) == header else frame[header]  # which copies, and calls are many


def read_header(path: Path, table: schema.Table, older: bool) -> list[schema.Column]:
    """The columns in file order; a file of an `older` version may lack optional ones."""
    with _open(path) as stream:
        line = stream.readline()
    if not line:
        raise LoadError(f"{path}:1: the file is empty; the run is not whole")
    names = line.decode("utf-8", "replace").rstrip("\r\n").split(",")
    described = {column.name: column for column in table.columns}
    needed = [column.name for column in table.columns if not (older and column.optional)]
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in described]
    if missing or unknown or len(set(names)) < len(names):
        what = (
            f"column {missing[0]} is missing"
            if missing
            else f"column {shown(repr((unknown or names)[0]))} is unknown or doubled"
        )
        raise LoadError(f"{path}:1: {what}; the header should be {','.join(table.header)}")
    return [described[name] for name in names]


def _whole_rows(path: Path, partial: bool) -> int | None:
    """How many bytes to read; ``None``: all. Only a partial run may end in the middle of a line.

    The compressed file of a complete run is not looked through for this: its own checksum tells.
    """
    if path.suffix == ".gz":
        return None
    with _open(path) as stream:
        start = stream.seek(0, 2)
        last = b""
        while start > 0 and b"\n" not in last:
            start = max(0, start - (1 << 16))
            stream.seek(start)
            last = stream.read(1 << 16)
        if last.endswith(b"\n"):
            return None
        whole = start + last.rfind(b"\n") + 1
        if partial and whole:
            return whole
        stream.seek(0)
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))
    raise LoadError(f"{path}:{lines + 1}: the file ends in the middle of this line; copy it again or measure again")


def _parse(stream: Any, columns: list[schema.Column]) -> pd.DataFrame | None:
    """The table, or ``None`` where a row does not fit its columns."""
    types: dict[str, Any] = {column.name: _type_of(column) for column in columns}
    empty = {column.name: [""] for column in columns if column.optional and column.kind != "str"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return pd.read_csv(
                stream, dtype=types, na_values=empty, keep_default_na=False, index_col=False, encoding="utf-8"
            )
        except DAMAGED:
            raise
        except (ValueError, OverflowError, Warning):
            return None


def _type_of(column: schema.Column) -> Any:
    if column.name == "role":
        return _ROLE_TYPE
    if column.kind == "str":
        return _TEXT
    # An optional whole number may be missing: float64 holds every number of ns up to 104 days exactly.
    return _NARROW.get(column.name, _WHOLE) if column.kind == "int" and not column.optional else _NUMBER


def _has_bad_row(frame: pd.DataFrame, columns: list[schema.Column], cells: set[int] | None) -> bool:
    for column in columns:
        values = frame[column.name]
        if column.name == "role":
            bad = bool((values.cat.codes < 0).any())
        elif column.words:
            allowed = [*column.words, ""] if column.optional else list(column.words)
            bad = not values.isin(allowed).all()
        elif column.kind == "str":
            bad = not column.optional and bool((values == "").any())
        else:
            bad = _numbers_bad(values.to_numpy(), column)
        if bad:
            return True
    return cells is not None and not set(frame["cell"].unique()) <= cells


def _numbers_bad(numbers: Any, column: schema.Column) -> bool:
    if not len(numbers):
        return False
    lowest, highest = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
    if lowest < column.low or highest > _highest(column) or np.isinf(highest):
        return True
    if numbers.dtype.kind != "f":
        return False
    if not column.optional and bool(np.isnan(numbers).any()):
        return True
    return column.kind == "int" and bool((np.floor(numbers) < numbers).any())


def _name_bad_line(path: Path, columns: list[schema.Column], cells: set[int] | None, limit: int | None) -> None:
    """Raise `LoadError` for the first row that is wrong, if there is one."""
    with _open(path) as stream:
        reader = csv.reader(_lines(path, stream, limit))
        next(reader)
        try:
            for row in reader:
                wrong = _what_is_wrong(row, columns, cells)
                if wrong:
                    raise LoadError(f"{path}:{reader.line_num}: {wrong}")
        except csv.Error as error:
            raise LoadError(f"{path}:{reader.line_num}: {error}") from None


def _lines(path: Path, stream: BoundedFile, limit: int | None) -> Iterator[str]:
    place = 0
    for number, line in enumerate(iter(stream.readline, b""), 1):
        if limit is not None and place >= limit:
            return
        place += len(line)
        if b"\0" in line:
            raise LoadError(f"{path}:{number}: holds a byte of value 0; copy it again or measure again")
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise LoadError(f"{path}:{number}: not UTF-8 text; copy it again or measure again") from None


def _what_is_wrong(row: list[str], columns: list[schema.Column], cells: set[int] | None) -> str:
    if len(row) != len(columns):
        return f"{len(row)} fields instead of {len(columns)}"
    for column, text in zip(columns, row, strict=True):
        if text == "" and (column.optional):
            continue
        wrong = wrong_value(column, text)
        if wrong:
            return f"{column.name} is {shown(repr(text))}, {wrong}"
        if column.name == "cell" and cells is not None and int(text) not in cells:
            return f"cell {shown(text)} is not in {schema.CELLS.file}"
    return ""


def wrong_value(column: schema.Column, text: str) -> str:
    """What is wrong with a field that is not empty, or ``""``."""
    if column.words:
        return "" if text in column.words else f"not one of {', '.join(column.words)}"
    if column.kind == "str":
        return "" if text else "but must not be empty"
    try:
        value = int(text) if column.kind == "int" else float(text)
    except ValueError:
        return "not a whole number" if column.kind == "int" else "not a number"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    if value < column.low:
        return f"below {column.low}"
    return f"above {_highest(column)}" if value > _highest(column) else ""


def _highest(column: schema.Column) -> float:
    if column.high is not None:
        return column.high
    return _LARGEST if column.kind == "int" else math.inf
