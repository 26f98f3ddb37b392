"""The command line: `python -m analysis summary | plot | report | compare | export-pyperf | import-pyperf`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.text.formats import FORMATS

# Only what the parser needs is loaded here: `--help` answers at once, and each command loads what it needs.


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="python -m analysis", description="What the files of a run say.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    summary = commands.add_parser("summary", help="a table of every cell; writes summary.csv into the run as well")
    summary.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a directory that `bench run` printed")
    summary.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    plot = commands.add_parser("plot", help="the figures of runs")
    plot.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    plot.add_argument("--out", type=Path, default=Path("plots"), metavar="DIR", help="default: plots")
    report = commands.add_parser("report", help="summary.csv, pyperf.json.gz, figures, report.md and index.html")
    report.add_argument("run", type=Path, metavar="RUN")
    report.add_argument("--table", action="store_true", help="print the table of every cell before")
    _add_compare(commands.add_parser("compare", help="did it change? a verdict for every cell", description=_COMPARE))
    export = commands.add_parser("export-pyperf", help="a run as a file that pyperf's tools read")
    export.add_argument("run", type=Path, metavar="RUN")
    export.add_argument(
        "--mechanism", action="append", default=[], metavar="NAME", help="only cells of it (repeatable)"
    )
    export.add_argument(
        "--cell", action="append", default=[], type=int, metavar="N", help="only this cell (repeatable)"
    )
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: pyperf.json.gz in the run")
    imported = commands.add_parser(
        "import-pyperf", help="a pyperf file of any benchmark as a run; prints its directory"
    )
    imported.add_argument("file", type=Path, metavar="FILE")
    imported.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    imported.add_argument("--label", metavar="TEXT", help="becomes part of the run's name")
    return top


_COMPARE = """\
Compare BASE with NEW cell by cell: both values, the ratio with its interval, and one of four words: faster or slower
(the interval excludes 1 and the ratio lies beyond the margin), same (the interval lies within the margin), unclear.
Several runs on a side are pooled, with the spread between them taken into account: name them after --base and --new,
or name a directory that holds several runs, as results/MACHINE does. With --by, cells of one run are compared with
each other, round by round.
"""


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="BASE and NEW; with --by, one run")
    compare.add_argument(
        "--base", nargs="+", metavar="RUN", help="runs of the base side; with --by, the value to start from"
    )
    compare.add_argument("--new", nargs="+", metavar="RUN", help="runs of the new side")
    compare.add_argument("--by", metavar="COLUMN", help="python, mechanism, scenario, level or another of cells.csv")
    compare.add_argument("--margin", type=float, metavar="PCT", help="what does not matter, in percent (default: 1.25)")
    compare.add_argument("--fail-on-slower", type=float, metavar="PCT", help="exit 1 for `slower` by more than PCT")
    compare.add_argument("--across-machines", action="store_true", help="compare runs of unlike machines all the same")
    compare.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    compare.add_argument("--plot", type=Path, metavar="FILE", help="write the ratios as a forest plot (.svg or .png)")


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status: 0 done, 1 the gate failed, 2 wrong usage, 130 interrupted."""
    arguments = parser().parse_args(argv)
    try:
        status = _carry_out(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has seen enough. What is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _carry_out(arguments: argparse.Namespace) -> int:
    from analysis import commands

    try:
        return commands.COMMANDS[arguments.command](arguments)
    except commands.BAD_INPUT as error:
        print(f"analysis {arguments.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
