"""Turns the files of a run into what its subjects were and what their calls took, with intervals."""

from __future__ import annotations

import csv
import gzip
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from bench import schema
from bench.files.stored_rows import stored_rows
from bench.schema import CellRow, Role, SubjectRow, SubjectStatus
from bench.schema.dose import Dose

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Time:
    """The median over rounds of each round's median, in ns, and its interval (None: too few rounds for one)."""

    p50_ns: float
    lo_ns: float | None
    hi_ns: float | None
    rounds: int


# By mechanism and role.
Times = Mapping[tuple[str, Role], Time]


def times(directory: Path, rounds: int) -> Times:
    """The times of a run's complete rounds, by mechanism and role; those of a subject that failed do not count.

    They are made as p50_ns and its ends are in the summary of `analysis`. Raises `OSError` and `ValueError`.
    """
    names = {row.record.cell: row.record.mechanism for row in stored_rows(directory, schema.CELLS, CellRow)}
    failed = {
        (str(row.record.cell), str(row.record.round))
        for row in stored_rows(directory, schema.SUBJECTS, SubjectRow)
        if row.record.status is SubjectStatus.ERROR
    }
    calls: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    packed, plain = directory / f"{schema.SAMPLES.file}.gz", directory / schema.SAMPLES.file
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else open(plain, encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            place = row["cell"], row["round"]
            if row["warmup"] == "0" and place not in failed and int(row["round"]) < rounds:
                calls[(*place, row["role"])].append(int(row["total_ns"]))
    medians: dict[tuple[str, Role], list[float]] = defaultdict(list)
    for (cell, _, role), values in calls.items():
        medians[names[int(cell)], Role(role)].append(statistics.median(values))
    return {key: median_of(values) for key, values in medians.items()}


def median_of(values: Sequence[float]) -> Time:
    """The median with its exact interval, from the k-th smallest to the k-th largest value.

    The k is the largest with which it misses the median with a probability of at most 5 % (Conover 1999, "Practical
    Nonparametric Statistics", 3.2); 6 values are the fewest.
    """
    ordered, count = sorted(values), len(values)
    tail, rank = 0.0, 0
    while rank < count and tail + math.comb(count, rank) / 2**count <= (1 - CONFIDENCE) / 2:
        tail += math.comb(count, rank) / 2**count
        rank += 1
    middle = statistics.median(ordered)
    return Time(middle, ordered[rank - 1] if rank else None, ordered[-rank] if rank else None, count)


def dose_of_cell(directory: Path, mechanism: str) -> Dose:
    """What the subjects of a mechanism were: the median over them of every column; None: none of them has it."""
    cells = {
        row.record.cell for row in stored_rows(directory, schema.CELLS, CellRow) if row.record.mechanism == mechanism
    }
    subjects = [row.record for row in stored_rows(directory, schema.SUBJECTS, SubjectRow) if row.record.cell in cells]
    found: dict[str, int | None] = {}
    for field in fields(Dose):
        values = [value for subject in subjects if (value := getattr(subject, field.name)) is not None]
        found[field.name] = statistics.median_low(values) if values else None
    return Dose(**found)
