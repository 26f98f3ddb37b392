"""Turns the options of `validate` into printed findings and an exit status."""

from __future__ import annotations

import csv
import io
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import LoadError
from analysis.text.formats import FORMATS
from analysis.text.notes import print_note

if TYPE_CHECKING:
    from analysis.validate.finding import Finding

COLUMNS = ("run", "file", "line", "what")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `validate`."""
    parser.description = (
        "Check runs before they are published: files, schema, ranges, agreement of the files with each other, derived "
        "files, certificate, and that nothing in them names the contributor. Every finding is a line with its file; "
        "exit status 1 if there is one."
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a run, or a directory that holds runs")
    parser.add_argument(
        "--received",
        action="store_true",
        help="for programs: paths of runs come on standard input, each a line of JSON. Each is answered with a line: "
        "what is wrong with its raw files. Where nothing is, its summary.csv is written",
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")


def act(arguments: Namespace) -> int:
    """Print what is wrong with each run; 1 if anything is."""
    if arguments.received:
        return _answer()
    if not arguments.paths:
        raise LoadError("no PATH; name a run, or a directory that holds runs")
    from analysis.validate.check import check_run, runs_below

    runs = dict.fromkeys(run for path in arguments.paths for run in runs_below(path))
    found: dict[Path, list[Finding]] = {run: check_run(run) for run in runs}
    texts = {"table": _lines, "markdown": _markdown, "csv": _csv, "json": _json}
    sys.stdout.write(texts[arguments.format](found))
    wrong = sum(1 for findings in found.values() if findings)
    if arguments.format in ("csv", "json") and wrong:
        print_note(f"analysis validate: {wrong} of {len(found)} runs not valid")
    return 1 if wrong else 0


def _answer() -> int:
    """Answer each line of standard input at once; the end of it is the end of this."""
    from analysis.validate.received import answers

    for answer in answers(sys.stdin):
        print(answer, flush=True)
    return 0


def _lines(found: Mapping[Path, list[Finding]]) -> str:
    """One line for each finding, as compilers write them, and one for each run."""
    from bench.schema.visible import visible

    lines = []
    for run, findings in found.items():
        name = visible(str(run))
        lines += [f"{name}/{finding.place}: {finding.what}" for finding in findings]
        lines.append(f"{name}: {_verdict(findings)}")
    return "".join(f"{line}\n" for line in lines)


def _verdict(findings: list[Finding]) -> str:
    return "valid" if not findings else "1 finding" if len(findings) == 1 else f"{len(findings)} findings"


def _markdown(found: Mapping[Path, list[Finding]]) -> str:
    from analysis.text import markdown
    from bench.schema.visible import visible

    parts = []
    for run, findings in found.items():
        parts.append(f"### {markdown.escape_all(visible(str(run)))}: {_verdict(findings)}\n")
        if findings:
            rows = [[markdown.escape_all(each.place), markdown.escape_all(each.what)] for each in findings]
            parts.append(f"{markdown.table(('file', 'finding'), rows, (0, 1))}\n")
    return "\n".join(parts)


def _csv(found: Mapping[Path, list[Finding]]) -> str:
    from analysis.text.spreadsheet import text_cell
    from bench.schema.visible import visible

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run, findings in found.items():
        for each in findings:
            writer.writerow([text_cell(visible(str(run))), text_cell(each.file), each.line, text_cell(each.what)])
    return text.getvalue()


def _json(found: Mapping[Path, list[Finding]]) -> str:
    runs = [
        {"run": str(run), "valid": not findings, "findings": [asdict(finding) for finding in findings]}
        for run, findings in found.items()
    ]
    return f"{json.dumps({'runs': runs}, indent=1)}\n"
