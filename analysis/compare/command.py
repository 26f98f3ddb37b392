"""Turns the options of `compare` into a printed comparison and an exit status."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import CompareError
from analysis.text.formats import FORMATS
from analysis.text.notes import print_note
from bench.schema.run_names import find_run

if TYPE_CHECKING:
    from analysis.compare.rows import Comparison, ComparisonRow
    from analysis.read.run import Run

DESCRIPTION = (
    "Compare BASE with NEW cell by cell: both values, the ratio with its interval, and one of four words: faster "
    "or slower (the interval excludes 1 and the ratio lies beyond the margin), same (the interval lies within the "
    "margin), unclear. Several runs on a side are pooled, with the spread between them taken into account: name "
    "them after --base and --new, or name a directory that holds several runs, as results/MACHINE does. With --by, "
    "cells of one run are compared with each other, round by round."
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `compare`."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="BASE and NEW; with --by, one run")
    add("--base", nargs="+", metavar="RUN", help="runs of the base side; with --by, the value to start from")
    add("--new", nargs="+", metavar="RUN", help="runs of the new side")
    add("--by", metavar="COLUMN", help="python, mechanism, scenario, level or another of cells.csv")
    add("--margin", type=float, metavar="PCT", help="what does not matter, in percent (default: 1.25; with --by 0.5)")
    add("--fail-on-slower", type=float, metavar="PCT", help="exit 1 for `slower` by more than PCT")
    add("--badge", type=Path, metavar="FILE", help="write the outcome of --fail-on-slower as a badge (.svg)")
    add("--across-machines", action="store_true", help="compare runs of different machines anyway")
    add("--format", choices=FORMATS, default="table", help="default: table")
    add("--plot", type=Path, metavar="FILE", help="write the ratios as a forest plot (.svg, .png or .pdf)")


def act(arguments: Namespace) -> int:
    """Print a comparison; 1 if it fails the gate."""
    from analysis.compare.text import write
    from analysis.stats.ratio import MARGIN, MARGIN_WITHIN

    for name, value in (("--margin", arguments.margin), ("--fail-on-slower", arguments.fail_on_slower)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise CompareError(f"{name} {value:g}: must be a percentage of 0 or more")
    if arguments.badge and arguments.fail_on_slower is None:
        raise CompareError("--badge shows the outcome of a gate: give --fail-on-slower PCT too")
    if arguments.plot:
        from analysis.compare.forest_plot import kind_of, write_plot

        kind_of(arguments.plot)  # a wrong name is told before runs are read
    usual = MARGIN_WITHIN if arguments.by else MARGIN
    margin = usual if arguments.margin is None else arguments.margin / 100
    comparison = _within(arguments, margin) if arguments.by else _between(arguments, margin)
    if arguments.plot:
        write_plot(comparison, arguments.plot)
    write(comparison, arguments.format, sys.stdout)
    if arguments.format == "csv":
        _say_what_csv_cannot(comparison)
    status = _gate(comparison, arguments.fail_on_slower)
    if arguments.badge:
        _write_badge(arguments.badge, comparison, arguments.fail_on_slower)
    return status


def _within(arguments: Namespace, margin: float) -> Comparison:
    from analysis.compare.within import compare_within

    if len(arguments.runs) != 1 or arguments.new:
        raise CompareError("--by compares cells of one run: name one RUN, and the value to start from with --base")
    if arguments.base and len(arguments.base) > 1:
        raise CompareError("--base: with --by, name one value")
    run = _single(arguments.runs[0])
    return compare_within(run, arguments.by, arguments.base[0] if arguments.base else None, margin)


def _single(path: Path) -> Run:
    from analysis.compare.between import run_paths
    from analysis.read.run import load_run

    runs = run_paths([path])
    if len(runs) > 1:
        raise CompareError(f"{path}: holds {len(runs)} runs; --by compares inside one, name it")
    return load_run(runs[0])


def _between(arguments: Namespace, margin: float) -> Comparison:
    from analysis.compare.between import compare as compare_sides
    from analysis.compare.between import open_side

    sides: list[Sequence[str | Path]]
    if arguments.base and arguments.new and not arguments.runs:
        sides = [arguments.base, arguments.new]
    elif len(arguments.runs) == 2 and not arguments.base and not arguments.new:
        sides = [arguments.runs[:1], arguments.runs[1:]]
    else:
        raise CompareError("name two runs: compare BASE NEW; for more: compare --base RUN RUN --new RUN RUN")
    base, new = (open_side([find_run(path, arguments.results) for path in side]) for side in sides)
    return compare_sides(base, new, margin, arguments.across_machines)


def _say_what_csv_cannot(comparison: Comparison) -> None:
    from analysis.compare.text import lists

    for line in comparison.notes:
        print_note(line)
    for title, entries in lists(comparison):
        for entry in entries:
            print_note(f"{title}: {entry}")


def _gate(comparison: Comparison, percent: float | None) -> int:
    if percent is None:
        return 0
    slower = _beyond(comparison, percent)
    for row in slower:
        print_note(f"{row.cell_name()}: slower by {100 * (row.ratio - 1):.3g} %, more than {percent:g} %")
    return 1 if slower else 0


def _beyond(comparison: Comparison, percent: float) -> list[ComparisonRow]:
    """The rows that are slower by more than `percent`."""
    from analysis.stats.ratio import Verdict

    return [row for row in comparison.rows if row.verdict is Verdict.SLOWER and row.ratio > 1 + percent / 100]


def _write_badge(path: Path, comparison: Comparison, percent: float) -> None:
    """Write how the gate ended; cells that are `unclear` are no proof, so that the badge counts them."""
    from analysis.stats.ratio import Verdict
    from analysis.text import badge
    from analysis.write_file import write_file

    slower = _beyond(comparison, percent)
    judged = [row for row in comparison.rows if row.verdict and row.verdict is not Verdict.UNCLEAR]
    if slower:
        text, colour = f"{len(slower)} slower by over {percent:g} %", badge.RED
    elif judged:
        unclear = sum(row.verdict is Verdict.UNCLEAR for row in comparison.rows)
        text = f"none slower by over {percent:g} %" + (f", {unclear} unclear" if unclear else "")
        colour = badge.GREEN
    else:
        text, colour = "unclear", badge.GREY
    try:
        write_file(path, badge.badge("process start", text, colour))
    except OSError as error:
        raise CompareError(f"--badge {path}: cannot be written ({error.strerror}); name another place") from None
