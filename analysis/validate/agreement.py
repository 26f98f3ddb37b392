"""Turns the tables of a contributed run into everything in which they contradict each other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.errors import LoadError
from analysis.read.call_sums import check_calls
from analysis.read.consistency import check_tables
from analysis.read.contradiction import Tables, collecting
from analysis.read.table import find_file
from analysis.validate.finding import Findings
from bench import schema
from bench.schema import RunDocument


def check_agreement(
    directory: Path, document: RunDocument, tables: dict[str, pd.DataFrame], findings: Findings
) -> None:
    """Add what of the files cannot all be true. Where some tables could not be read, the rest waits for them."""
    if len(tables) < len(schema.RAW_TABLES):
        return
    held = Tables(directory, document, tables["cells"], tables["subjects"], tables["blocks"])
    unknown = sorted(set(tables["cells"]["python"]) - set(document.pythons))
    for python in unknown:
        line = int((tables["cells"]["python"] == python).to_numpy().argmax()) + 2
        findings.add(schema.CELLS.file, line, f"python {python!r} is not among pythons of {schema.RUN_FILE}")
    if not len(tables["cells"]) or not document.rounds:
        findings.add(schema.RUN_FILE, None, "no cell was measured in a complete round; measure longer")
    with collecting() as found:
        try:
            check_tables(held)
            check_calls(held, tables["samples"], find_file(directory, schema.SAMPLES))
        except (ArithmeticError, LookupError, ValueError) as error:
            # What checks later on take for granted, for instance that a block has its cell, was named before.
            if not found:
                findings.add(".", None, f"cannot be checked ({type(error).__name__}); measure again")
    for contradiction in found:
        findings.add_error(LoadError(contradiction), ".")
