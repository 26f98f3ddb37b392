"""Turns the options of `trend` into a printed trend, and its figures where a place for them is named."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import LoadError
from analysis.text.formats import FORMATS
from analysis.text.notes import print_note

if TYPE_CHECKING:
    from analysis.read.run import Run
    from analysis.trend.series import Trend

DESCRIPTION = (
    "Follow the latency of mechanisms in one kind of parent over the runs of a machine: the first and the newest run, "
    "what runs scatter, and every change beyond that, with the first run that shows it and what differed in it. Name "
    "runs, or take all below --results."
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `trend`."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="runs, or directories that hold several (results/MACHINE)")
    add("--results", type=Path, metavar="DIR", help="all runs below it (default: results)")
    add("--machine", metavar="NAME", help="only runs of this machine")
    add("--label", metavar="TEXT", help="only runs with this label")
    add("--mechanism", action="append", default=[], metavar="NAME", help="default: os_fork (repeatable)")
    add("--scenario", default="parent=bare", metavar="NAME=LEVEL", help="the parent to follow (default: parent=bare)")
    add("--format", choices=FORMATS, default="table", help="default: table")
    add("--out", type=Path, metavar="DIR", help="write trend.csv and, for each machine, a figure (.svg, .png) there")


def act(arguments: Namespace) -> int:
    """Print a trend, and write its files if asked to."""
    from analysis.trend.series import trend_of
    from analysis.trend.text import write

    trend = trend_of(_runs(arguments), arguments.mechanism, arguments.label, arguments.scenario)
    write(trend, arguments.format, sys.stdout)
    if arguments.out:
        _write_files(trend, arguments.out)
    return 0


def _runs(arguments: Namespace) -> list[Run]:
    """The runs to follow. One that was not named, and cannot be read, is left out with a note."""
    from analysis.compare.between import run_paths
    from analysis.read.run import find_runs, load_run

    if arguments.runs and arguments.results:
        raise LoadError("name runs, or --results with a directory of machines, not both")
    if arguments.runs:
        runs = [load_run(path) for path in run_paths(arguments.runs)]
        return [run for run in runs if arguments.machine in (None, run.machine)] or _none(arguments, runs)
    results = arguments.results or Path("results")
    found = []
    for path in find_runs(results, arguments.machine):
        try:
            found.append(load_run(path))
        except LoadError as error:
            print_note(f"analysis trend: left out: {error}")
    if not found:
        machines = sorted({path.parent.name for path in find_runs(results)})
        there = f"; there is {', '.join(machines)}" if arguments.machine and machines else ""
        of_machine = f" of --machine {arguments.machine}" if arguments.machine else ""
        raise LoadError(f"{results}: no run{of_machine}{there or '; make one with: make bench'}")
    return found


def _none(arguments: Namespace, runs: list[Run]) -> list[Run]:
    machines = ", ".join(sorted({run.machine for run in runs}))
    raise LoadError(f"--machine {arguments.machine}: none of the runs named is of it; they are of {machines}")


def _write_files(trend: Trend, out: Path) -> None:
    from analysis.trend.picture import pictures
    from analysis.trend.text import to_csv
    from analysis.write_file import write_file

    try:
        out.mkdir(parents=True, exist_ok=True)
        files: dict[str, bytes | str] = {"trend.csv": to_csv(trend), **pictures(trend)}
        for name, content in files.items():
            write_file(out / name, content)
            print_note(str(out / name))
    except OSError as error:
        raise LoadError(f"--out {out}: cannot be written ({error.strerror}); name another place") from None
