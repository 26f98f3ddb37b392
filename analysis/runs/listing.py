"""Turns a directory of results into one record a run, by run.json and the sizes of files alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import LoadError
from analysis.read.document import read_document
from bench.schema import RunDocument
from bench.schema.run_names import all_runs

# A run has some 60 files, its report included.
_MOST_FILES = 10_000


@dataclass(frozen=True)
class ListedRun:
    """A run under `machine`/`run`: interpreters, complete rounds, `bytes` on disk.

    `certificate` is passed, failed or none, `status` is complete, partial or imported.
    """

    machine: str
    run: str
    label: str
    python: str
    rounds: int
    certificate: str
    bytes: int
    status: str


def list_runs(results: Path) -> tuple[list[ListedRun], list[str]]:
    """The runs under `results`, oldest first, and a line for each that cannot be read.

    Raises `LoadError` where there is no such directory.
    """
    if not results.is_dir():
        raise LoadError(f"--results {results}: no directory; name the one that `bench run` writes to")
    runs, problems = [], []
    for directory in all_runs(results):
        try:
            runs.append(_listed(directory, read_document(directory)))
        except LoadError as error:
            problems.append(str(error))
    return runs, problems


def _listed(directory: Path, document: RunDocument) -> ListedRun:
    certificate = document.certificate
    return ListedRun(
        machine=directory.parent.name,
        run=directory.name,
        label=document.label or "",
        python=" ".join(document.pythons),
        rounds=document.rounds,
        certificate="none" if certificate is None else "passed" if certificate.passed else "failed",
        bytes=_size(directory),
        status="imported" if document.source else document.status.value,
    )


def _size(directory: Path) -> int:
    """Bytes in all files below `directory`; links are not followed, and what cannot be read counts nothing."""
    total = seen = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            seen += 1
            if seen > _MOST_FILES:
                return total
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total
