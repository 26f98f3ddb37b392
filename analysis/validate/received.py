"""Turns the directory of a run that came from a host into what is wrong with its raw files, or into its summary.csv.

The bounds are those of a run that is published. Whether it may be published is another question: a run that was cut
off, or a certificate that failed, is something to be seen, and not lost.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from analysis.errors import LoadError
from analysis.read.run import Run
from analysis.read.table import read_table
from analysis.summary.cells import summarise, write_summary
from analysis.validate.agreement import check_agreement
from analysis.validate.bounds import findings_within
from analysis.validate.document import check_document
from analysis.validate.files import can_be_read, check_files
from analysis.validate.finding import Finding, Findings
from bench import schema
from bench.schema import RunDocument

MOST_ANSWERED = 20


def answers(lines: Iterable[str]) -> Iterator[str]:
    """For each line, the path of a run as JSON, a line of JSON: ``findings``, each with file, line and what."""
    gc.collect()
    gc.freeze()  # what is loaded by now stays: no search for garbage goes through it again
    for line in lines:
        found = check_received(Path(json.loads(line)))
        told = [{"file": each.file, "line": each.line, "what": each.what} for each in found[:MOST_ANSWERED]]
        yield json.dumps({"findings": told, "more": max(0, len(found) - MOST_ANSWERED)})


def check_received(directory: Path) -> list[Finding]:
    """All that is wrong with the raw files of the run in `directory`; where nothing is, it gets its summary.csv.

    Nothing of it is run, and no raw file is changed.
    """
    return findings_within(directory, _check)


def _check(directory: Path, findings: Findings) -> None:
    sizes = check_files(directory, findings)
    if schema.RUN_FILE not in sizes or not can_be_read(directory, sizes):
        return
    document = check_document(directory, findings, published=False)
    if document is None:
        return
    tables = _read_tables(directory, document, findings)
    if document.rounds:
        check_agreement(directory, document, tables, findings)
    if not findings:
        run = Run(directory, document, tables["cells"], tables["subjects"], tables["blocks"])
        vars(run)["samples"] = tables["samples"]  # read and checked already
        _write_summary(run, findings)


def _read_tables(directory: Path, document: RunDocument, findings: Findings) -> dict[str, pd.DataFrame]:
    """The raw tables by name; of one that cannot be used the first wrong line is a finding."""
    tables: dict[str, pd.DataFrame] = {}
    cells: set[int] | None = None
    for table in schema.RAW_TABLES:
        try:
            tables[table.name] = read_table(directory, table, document, cells)
        except LoadError as error:
            findings.add_error(error, table.file)
            continue
        if table is schema.CELLS:
            cells = set(tables[table.name]["cell"])
    return tables


def _write_summary(run: Run, findings: Findings) -> None:
    try:
        write_summary(run, summarise(run))
    except OSError as error:
        findings.add(schema.SUMMARY.file, None, f"cannot be written ({error.strerror}); free some space")
