"""Turns the options of `export` into a file of another tool's format."""

from __future__ import annotations

import io
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from analysis.errors import LoadError
from analysis.text.notes import print_note

DASHBOARDS = ("github-action", "bencher")
TEXTS = ("markdown", "csv", "json")
DESCRIPTION = (
    "Print the figures of a run for other tools. github-action: benchmark-action/github-action-benchmark, tool "
    "customSmallerIsBetter. bencher: the Bencher Metric Format. markdown, csv, json: the summary; results/README.md "
    "describes its columns, docs/summary.schema.json the JSON. For pyperf's tools there is export-pyperf."
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `export`."""
    parser.description = DESCRIPTION
    parser.add_argument("run", type=Path, metavar="RUN", help="a directory that `bench run` printed")
    parser.add_argument("--format", choices=(*DASHBOARDS, *TEXTS), required=True)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")


def act(arguments: Namespace) -> int:
    """Write the chosen format to standard output, or to --output and print its name. Raises `LoadError`."""
    text = _text(arguments.run, arguments.format)
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    from analysis.write_file import write_file

    try:
        write_file(arguments.output, text)
    except OSError as error:
        raise LoadError(
            f"--output {arguments.output}: cannot be written ({error.strerror}); name another place"
        ) from None
    print(arguments.output)
    return 0


def _text(path: Path, form: str) -> str:
    """The run in `path` in one of the formats; cells that a dashboard does not get are named on standard error."""
    from analysis.exchange import dashboards
    from analysis.read.run import load_run
    from analysis.summary.cells import summarise
    from analysis.summary.text import write

    run = load_run(path)
    summary = summarise(run)
    if form in TEXTS:
        stream = io.StringIO()
        write([(run, summary)], form, stream)
        return stream.getvalue()
    text = (dashboards.bencher if form == "bencher" else dashboards.github_action)(run, summary)
    for name in dashboards.without_figure(run, summary):
        print_note(f"analysis export: {name}: left out, no call of it was measured; subjects.csv says why")
    return text
