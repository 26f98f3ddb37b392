"""Turns the options of `runs` into the list that it prints."""

from __future__ import annotations

import csv
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from typing import TextIO

from analysis.runs.listing import ListedRun, list_runs
from analysis.text import markdown, units
from analysis.text.formats import FORMATS
from analysis.text.notes import print_note
from analysis.text.spreadsheet import text_cell
from bench.schema.visible import visible

_LEFT = ("machine", "run", "label", "python", "certificate", "status")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `runs`."""
    parser.description = (
        "The runs that there are, oldest first. Wherever a run is asked for, `latest`, its name or the beginning of its"
        " name is enough."
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")


def act(arguments: Namespace) -> int:
    """Print the list; 1 where a run cannot be read, which standard error names."""
    runs, problems = list_runs(arguments.results)
    write(runs, arguments.format, sys.stdout)
    if not runs and not problems:
        print_note(f"no run under {arguments.results}; make one with: make bench")
    for problem in problems:
        print_note(f"analysis runs: {problem}")
    return 1 if problems else 0


def write(runs: Sequence[ListedRun], form: str, stream: TextIO) -> None:
    """Write the list in one of the `FORMATS`; CSV and JSON have sizes in bytes."""
    names = [field.name for field in fields(ListedRun)]
    if form == "json":
        stream.write(json.dumps([asdict(run) for run in runs], indent=1, ensure_ascii=False) + "\n")
    elif form == "csv":
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(names)
        rows.writerows([text_cell(v) if isinstance(v := value, str) else v for value in astuple(run)] for run in runs)
    elif form == "markdown":
        head = ["size" if name == "bytes" else name for name in names]
        left = [names.index(name) for name in _LEFT]
        stream.write(
            markdown.table(head, [[markdown.escape_all(text) for text in _texts(r)] for r in runs], left) + "\n"
        )
    else:
        _write_table(runs, stream)


def _texts(run: ListedRun) -> list[str]:
    return [units.bytes_text(value) if name == "bytes" else str(value) for name, value in asdict(run).items()]


def _write_table(runs: Sequence[ListedRun], stream: TextIO) -> None:
    """A block for each machine, so that a line holds the whole name of a run on a terminal of 80 columns."""
    names = ["run", "rounds", "certificate", "size", "status", "python"]
    rows = [[r.run, str(r.rounds), r.certificate, units.bytes_text(r.bytes), r.status, r.python] for r in runs]
    widths = [max(len(visible(row[place])) for row in [names, *rows]) for place in range(len(names))]
    for machine in sorted({run.machine for run in runs}):
        stream.write(f"{visible(machine)}\n")
        for row in [names, *(row for run, row in zip(runs, rows, strict=True) if run.machine == machine)]:
            cells = [visible(text).ljust(width) for text, width in zip(row, widths, strict=True)]
            stream.write(f"  {'  '.join(cells).rstrip()}\n")
