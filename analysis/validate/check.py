"""Turns the directory of a contributed run into all findings, and a path into the directories of runs below it."""

from __future__ import annotations

import os
from pathlib import Path

from analysis.errors import LoadError
from analysis.read.run import Run
from analysis.validate import bounds
from analysis.validate.agreement import check_agreement
from analysis.validate.derived import check_derived
from analysis.validate.document import check_document
from analysis.validate.files import can_be_read, check_files, check_size
from analysis.validate.finding import Finding, Findings
from analysis.validate.rows import check_interrupted, check_tables
from bench import schema

_MOST_RUNS = 10_000


def check_run(directory: Path, seconds: float = bounds.SECONDS, memory: int = bounds.MEMORY_BYTES) -> list[Finding]:
    """All that is wrong with the run in `directory`; empty: it is valid. Nothing in it is changed or run."""
    return bounds.findings_within(directory, _check, seconds, memory)


def _check(directory: Path, findings: Findings) -> None:
    sizes = check_files(directory, findings)
    if schema.RUN_FILE not in sizes:
        return
    document = check_document(directory, findings)
    if document is None:
        return
    check_size(sizes, document.options.profile, findings)
    if not can_be_read(directory, sizes):
        return
    tables = check_tables(directory, document, findings)
    if not os.path.islink(directory / "interrupted"):
        check_interrupted(directory, sizes, document, findings)
    check_agreement(directory, document, tables, findings)
    if not any(_is_raw(finding) for finding in findings.found):
        run = Run(directory, document, tables["cells"], tables["subjects"], tables["blocks"])
        vars(run)["samples"] = tables["samples"]  # read and checked already
        check_derived(run, sizes, findings)


def _is_raw(finding: Finding) -> bool:
    """Whether it is about a raw file in a way that makes what is derived from it worthless."""
    return finding.file.split(".csv")[0] in {table.name for table in schema.RAW_TABLES} or finding.file in (".",)


def runs_below(path: Path) -> list[Path]:
    """The directories of runs that `path` names: itself, those of a machine, or all under results. Raises `LoadError`.

    At the place of a run everything is taken for one: what is no run is to be found.
    """
    if path.name == schema.RUN_FILE:
        path = path.parent
    if not path.is_dir():
        raise LoadError(f"{path}: does not exist, or is no directory; name a run, or a directory that holds runs")
    names = [schema.RUN_FILE, *(f"{table.file}{end}" for table in schema.RAW_TABLES for end in ("", ".gz"))]
    if any(os.path.lexists(path / name) for name in names):
        return [path]
    for pattern in ("*", "*/*"):
        found = sorted(each for each in path.glob(pattern) if each.is_dir())[:_MOST_RUNS]
        if any(os.path.lexists(each / name) for each in found for name in names):
            return found
    raise LoadError(f"{path}: no run (no {schema.RUN_FILE}); name a directory that `bench run` printed")
