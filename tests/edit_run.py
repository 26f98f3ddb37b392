"""Turns the files of a fake run into those of a run whose rounds differ in a known way."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.read.table import read_table
from bench import schema

Row = dict[str, str]
_TIMES = ("total_ns", "call_ns", "ready_ns")


def rows_of(path: Path) -> list[Row]:
    """The rows of a CSV file, compressed or not."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return list(csv.DictReader(io.StringIO(text)))


def change_rows(run: Path, file: str, change: Callable[[Row], None]) -> Path:
    """Apply `change` to every row of a file of `run`; gives `run`."""
    path = run / file
    rows = rows_of(path)
    for row in rows:
        change(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    if file.startswith("samples"):
        _lay_out(run, rows)
    return run


def _lay_out(run: Path, samples: list[Row]) -> None:
    """Put the blocks one after another again, each as long as its calls are now, and say in run.json how long all is.

    Fake runs write blocks in order of time, and all subjects of a round start at once.
    """
    lengths: Counter[tuple[str, ...]] = Counter()
    for row in samples:
        lengths[_block(row)] += int(row["total_ns"])
    now = 0
    begin: dict[str, int] = {}
    set_up: dict[str, int] = {}

    def move(row: Row) -> None:
        nonlocal now
        begin.setdefault(row["round"], now)
        row |= {"start_ns": str(now), "elapsed_ns": str(lengths[_block(row)])}
        now += lengths[_block(row)]
        if row["block"] == "-1":
            set_up[row["round"]] = now

    def start(row: Row) -> None:
        at = begin.get(row["round"], now)
        row |= {"start_ns": str(at), "setup_ns": str(set_up.get(row["round"], at) - at)}

    change_rows(change_rows(run, "blocks.csv", move), "subjects.csv", start)
    document = json.loads((run / "run.json").read_text())
    if document["share_in_calls"]:
        document["wall_ns"] = round(now / document["share_in_calls"])
        (run / "run.json").write_text(json.dumps(document, indent=1, sort_keys=True))


def _block(row: Row) -> tuple[str, ...]:
    return row["cell"], row["round"], row["block"], row["role"]


def tables_alone(run: Path) -> dict[str, pd.DataFrame]:
    """The raw tables of a run by name, each read for itself: none is held against another."""
    document = schema.parse((run / "run.json").read_text())
    tables = {"cells": read_table(run, schema.CELLS, document, None)}
    cells = set(tables["cells"]["cell"])
    return tables | {table.name: read_table(run, table, document, cells) for table in schema.RAW_TABLES[1:]}


def scale_rounds(run: Path, factors: Mapping[tuple[int, str], Sequence[float]]) -> Path:
    """Multiply the times of a cell and role (key) by a factor for each round; gives `run`."""

    def scale(row: Row) -> None:
        of_round = factors.get((int(row["cell"]), row["role"]))
        if of_round is not None:
            factor = of_round[int(row["round"])]
            row |= {name: str(round(int(row[name]) * factor)) for name in _TIMES if row[name]}

    return change_rows(run, "samples.csv.gz", scale)
