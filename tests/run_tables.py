"""Turns the files of a run into tables of text that may be changed, and such tables into the files of a run."""

from __future__ import annotations

import gzip
import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import schema

USAGE = [column.name for column in schema.BLOCKS.columns if column.optional]
KEYS = ["cell", "round", "block", "role"]
TIMES = ["total_ns", "call_ns", "ready_ns"]
MOST_PAIRS = 3


@dataclass
class RunTables:
    """A run as it stands in its files: every field is text; the files that are `torn` end in the middle of a line."""

    document: dict[str, Any]
    cells: pd.DataFrame
    subjects: pd.DataFrame
    blocks: pd.DataFrame
    samples: pd.DataFrame
    packed: bool = True
    torn: tuple[str, ...] = ()

    def copy(self) -> RunTables:
        """A copy that may be changed."""
        return deepcopy(self)

    def write(self, directory: Path) -> Path:
        """Write all files into `directory`, which is made, and return it."""
        directory.mkdir(parents=True)
        (directory / "run.json").write_text(json.dumps(self.document, indent=1))
        for name in ("cells", "subjects", "blocks", "samples"):
            text = getattr(self, name).to_csv(index=False, lineterminator="\n")
            if name in self.torn:
                text = text[:-3]
            if name == "samples" and self.packed:
                (directory / "samples.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
            else:
                (directory / f"{name}.csv").write_text(text)
        return directory

    def settle_share(self) -> None:
        """Say in run.json which share the calls of complete rounds have of the wall time."""
        counted = self.samples["round"].astype(int) < self.document["rounds"]
        in_calls = int(self.samples["total_ns"][counted].astype(int).sum())
        if self.document["wall_ns"]:
            self.document["share_in_calls"] = round(in_calls / self.document["wall_ns"], 4)

    def numbers(self, table: str, column: str) -> pd.Series[int]:
        """A column as whole numbers."""
        values: pd.Series[int] = getattr(self, table)[column].astype("int64")
        return values

    def drop(self, table: str, rows: pd.Series[bool]) -> None:
        """Leave rows of a table out."""
        setattr(self, table, getattr(self, table)[~rows].reset_index(drop=True))

    def drop_blocks(self, rows: pd.Series[bool]) -> None:
        """Leave blocks out, with their calls."""
        gone = pd.MultiIndex.from_frame(self.blocks.loc[rows, KEYS])
        self.drop("blocks", rows)
        self.drop("samples", pd.Series(pd.MultiIndex.from_frame(self.samples[KEYS]).isin(gone)))


def read_tables(run: Path) -> RunTables:
    """The files of `run` as they are."""
    cells, subjects, blocks, samples = (
        pd.read_csv(next(run.glob(f"{name}.csv*")), dtype=str, keep_default_na=False)
        for name in ("cells", "subjects", "blocks", "samples")
    )
    return RunTables(json.loads((run / "run.json").read_text()), cells, subjects, blocks, samples)


def cut(tables: RunTables, cells: list[str], rounds: int) -> RunTables:
    """The first rounds of these cells, and the first pairs of blocks: all that a shorter run would have measured."""
    small = tables.copy()
    small.document["rounds"] = rounds
    for name in ("cells", "subjects", "blocks", "samples"):
        frame = getattr(small, name)
        gone = ~frame["cell"].isin(cells)
        if name != "cells":
            gone |= frame["round"].astype(int) >= rounds
        if "block" in frame:
            gone |= frame["block"].astype(int) >= MOST_PAIRS
        small.drop(name, gone)
    small.cells["blocks"] = small.numbers("cells", "blocks").clip(upper=MOST_PAIRS).astype(str)
    small.settle_share()
    return small
