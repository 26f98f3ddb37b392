"""Turns the directories of runs into hosts: what each is called, what its run says of itself, its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.errors import LoadError
from analysis.read.document import read_document
from analysis.read.run import load_run
from analysis.read.table import read_table
from analysis.summary.cells import summarise
from bench import schema
from bench.schema import RunDocument
from bench.schema.visible import visible


@dataclass(frozen=True)
class Host:
    """One run on one host: its `name`, run.json, and the `summary` of its cells, columns as in summary.csv."""

    name: str
    path: Path
    document: RunDocument = field(repr=False)
    summary: pd.DataFrame = field(repr=False)


def load_hosts(paths: Sequence[Path], names: Sequence[str] = ()) -> list[Host]:
    """The hosts whose runs lie at `paths`, called by `names` in the same order or, without them, by machine and run.

    No two have one name. Raises `LoadError`.
    """
    read = [(path, *_read(path)) for path in paths]
    machines = {document.machine for _, document, _ in read}
    own = [document.run if len(machines) == 1 else f"{document.machine}/{document.run}" for _, document, _ in read]
    wanted = [visible(name) for name in names] or own
    count = Counter(wanted)
    called = [name if count[name] == 1 or not names else f"{name} {run}" for name, run in zip(wanted, own, strict=True)]
    return [Host(name, *about) for name, about in zip(_numbered(called), read, strict=True)]


def _numbered(names: Sequence[str]) -> list[str]:
    """`names`, of which those that come again have a number: copies of one run may lie at two places."""
    seen: Counter[str] = Counter()
    made = []
    for name in names:
        seen[name] += 1
        made.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return made


def _read(path: Path) -> tuple[RunDocument, pd.DataFrame]:
    """run.json and the summary, from summary.csv where that holds all rounds: reading every call takes longest."""
    if path.name == schema.RUN_FILE:
        path = path.parent
    document = read_document(path)
    try:
        summary = read_table(path, schema.SUMMARY, document, None)
        cells = read_table(path, schema.CELLS, document, None)
    except LoadError:
        return document, summarise(load_run(path))
    if set(summary["cell"]) != set(cells["cell"]) or summary["rounds"].max() != document.rounds:
        return document, summarise(load_run(path))
    # A text that a spreadsheet would calculate is marked in summary.csv; cells.csv has it as it is.
    texts = cells.set_index("cell").loc[summary["cell"]]
    return document, summary.assign(
        **{name: texts[name].to_numpy() for name in ("python", "mechanism", "scenario", "level")}
    )
