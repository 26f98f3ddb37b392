"""Turns the directory of a run into its document and tables; its CSV files are read by `analysis.read.table`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.read.table import LoadError, read_table
from bench import schema

__all__ = ["LoadError", "Run", "find_runs", "load_run"]


@dataclass(frozen=True)
class Run:
    """One run: its `document` (run.json) and tables, all rows as they were written.

    Missing values are ``""`` in text columns and NaN in numeric ones, times are nanoseconds.
    `samples`, by far the largest, is read when first asked for.
    """

    path: Path
    document: dict[str, Any] = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    subjects: pd.DataFrame = field(repr=False)
    blocks: pd.DataFrame = field(repr=False)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row a call, columns as in `bench.schema.SAMPLES`, `role` a categorical; raises `LoadError`."""
        return read_table(self.path, schema.SAMPLES, self.document, set(self.cells["cell"]))

    @property
    def rounds(self) -> int:
        """Number of complete rounds; rows of later rounds are in no summary."""
        return int(self.document["rounds"])

    @property
    def partial(self) -> bool:
        """Whether the run was ended before its time."""
        return bool(self.document["status"] == schema.PARTIAL)

    @property
    def name(self) -> str:
        """The run's name: its time, and its label if it has one."""
        return str(self.document["run"])

    @property
    def machine(self) -> str:
        """The slug of the machine that it was measured on."""
        return str(self.document["machine"])

    def complete(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `table` that belong to complete rounds."""
        return table[table["round"] < self.rounds]


def load_run(path: Path | str) -> Run:
    """Read the run in directory `path` (or given by its run.json); raises `LoadError`."""
    directory = Path(path)
    if directory.name == schema.RUN_FILE:
        directory = directory.parent
    document = _read_document(directory)
    cells = read_table(directory, schema.CELLS, document, None)
    known = set(cells["cell"])
    subjects = read_table(directory, schema.SUBJECTS, document, known)
    return Run(directory, document, cells, subjects, read_table(directory, schema.BLOCKS, document, known))


def find_runs(results: Path | str, machine: str | None = None) -> list[Path]:
    """Directories of the runs under `results` (of one `machine` or of all), oldest first.

    Run names begin with their time in UTC, so that the order of names is the order of time.
    """
    found = Path(results).glob(f"{glob_escape(machine) if machine else '*'}/*/{schema.RUN_FILE}")
    return sorted((file.parent for file in found), key=lambda run: (run.name, run.parent.name))


def glob_escape(text: str) -> str:
    """`text` as a pattern that matches only itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _read_document(directory: Path) -> dict[str, Any]:
    path = directory / schema.RUN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        what = "no run" if directory.exists() else "does not exist"
        raise LoadError(
            f"{directory}: {what} (no {schema.RUN_FILE}); name a directory that `bench run` printed"
        ) from None
    except json.JSONDecodeError as error:
        raise LoadError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None
    except UnicodeDecodeError:
        raise LoadError(f"{path}:1: not JSON (not UTF-8 text)") from None
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror})") from None
    _check_document(path, document)
    return dict(document)


def _check_document(path: Path, document: object) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise LoadError(f"{path}:1: not a run's document (it has no schema version)")
    if document["schema"] > schema.SCHEMA_VERSION:
        raise LoadError(
            f"{path}:1: schema version {document['schema']} is newer than this program reads "
            f"({schema.SCHEMA_VERSION}); use the forkbench that wrote it, or a later one"
        )
    for key, kind in (("run", str), ("machine", str), ("status", str), ("rounds", int)):
        if not isinstance(document.get(key), kind):
            raise LoadError(f"{path}:1: `{key}` is missing or not of type {kind.__name__}")
    if document["status"] not in (schema.COMPLETE, schema.PARTIAL):
        raise LoadError(f"{path}:1: status is {document['status']!r}, not {schema.COMPLETE} or {schema.PARTIAL}")
    if document["rounds"] < 0:
        raise LoadError(f"{path}:1: rounds is {document['rounds']}, below 0")
