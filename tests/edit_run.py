"""Turns the files of a fake run into those of a run whose rounds differ in a known way."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Row = dict[str, str]


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
    return run


def scale_rounds(run: Path, factors: Mapping[tuple[int, str], Sequence[float]]) -> Path:
    """Multiply the total times of a cell and role (key) by a factor for each round; gives `run`."""

    def scale(row: Row) -> None:
        of_round = factors.get((int(row["cell"]), row["role"]))
        if of_round is not None:
            row["total_ns"] = str(round(int(row["total_ns"]) * of_round[int(row["round"])]))

    return change_rows(run, "samples.csv.gz", scale)
