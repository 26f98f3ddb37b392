"""Turns the options of each command into what the other modules do, and their result into text and a status."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.compare.rows import CompareError, Comparison
from analysis.exchange.pyperf_read import PyperfError
from analysis.read.run import LoadError, Run, load_run
from analysis.stats.ratio import MARGIN, Verdict

BAD_INPUT = (LoadError, CompareError, PyperfError)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def summary(arguments: argparse.Namespace) -> int:
    """Print the table of each run, and leave its summary.csv."""
    from analysis.summary.cells import summarise, write_summary
    from analysis.summary.text import write

    summaries = []
    for path in arguments.runs:
        run = load_run(path)
        summaries.append((run, summarise(run)))
        try:
            write_summary(*summaries[-1])
        except OSError as error:
            _say(f"analysis summary: {run.path}: summary.csv not written ({error.strerror})")
    write(summaries, arguments.format, sys.stdout)
    return 0


def plot(arguments: argparse.Namespace) -> int:
    """Write the figures of runs and print their names."""
    from analysis.report.write import write_plots

    try:
        written = write_plots(arguments.runs, arguments.out)
    except OSError as error:
        raise LoadError(f"--out {arguments.out}: cannot be written ({error.strerror})") from None
    for path in written:
        print(path)
    return 0


def report(arguments: argparse.Namespace) -> int:
    """Make all that is derived from a run, read once, and print where its report begins; with --table, its table."""
    from analysis.exchange.pyperf_export import write_pyperf
    from analysis.report.write import analyse, write_report
    from analysis.summary.cells import write_summary
    from analysis.summary.text import write

    run = load_run(arguments.run)
    analysed = analyse(run)
    if arguments.table:
        write([(run, analysed.summary)], "table", sys.stdout)
        sys.stdout.flush()  # to be read while the figures are drawn
    try:
        write_summary(run, analysed.summary)
        index = write_report(analysed)
    except OSError as error:
        raise LoadError(
            f"{run.path}: cannot be written ({error.strerror}); copy the run to a place of your own"
        ) from None
    try:
        write_pyperf(run)
    except PyperfError as error:
        _say(f"analysis report: no pyperf file: {error}")
    print(f"report: {index}" if arguments.table else index)
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Print a comparison; 1 if it fails the gate."""
    from analysis.compare.text import write

    for name, value in (("--margin", arguments.margin), ("--fail-on-slower", arguments.fail_on_slower)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise CompareError(f"{name} {value:g}: must be a percentage of 0 or more")
    margin = MARGIN if arguments.margin is None else arguments.margin / 100
    comparison = _within(arguments, margin) if arguments.by else _between(arguments, margin)
    if arguments.plot:
        from analysis.compare.forest_plot import write_plot

        write_plot(comparison, arguments.plot)
    write(comparison, arguments.format, sys.stdout)
    if arguments.format == "csv":
        _say_what_csv_cannot(comparison)
    return _gate(comparison, arguments.fail_on_slower)


def _within(arguments: argparse.Namespace, margin: float) -> Comparison:
    from analysis.compare.within import compare_within

    if len(arguments.runs) != 1 or arguments.new:
        raise CompareError("--by compares cells of one run: name one RUN, and the value to start from with --base")
    if arguments.base and len(arguments.base) > 1:
        raise CompareError("--base: with --by, name one value")
    run = _single(arguments.runs[0])
    return compare_within(run, arguments.by, arguments.base[0] if arguments.base else None, margin)


def _single(path: Path) -> Run:
    from analysis.compare.between import run_paths

    runs = run_paths([path])
    if len(runs) > 1:
        raise CompareError(f"{path}: holds {len(runs)} runs; --by compares inside one, name it")
    return load_run(runs[0])


def _between(arguments: argparse.Namespace, margin: float) -> Comparison:
    from analysis.compare.between import compare as compare_sides
    from analysis.compare.between import open_side

    sides: list[Sequence[str | Path]]
    if arguments.base and arguments.new and not arguments.runs:
        sides = [arguments.base, arguments.new]
    elif len(arguments.runs) == 2 and not arguments.base and not arguments.new:
        sides = [arguments.runs[:1], arguments.runs[1:]]
    else:
        raise CompareError("name two runs: compare BASE NEW; for more: compare --base RUN RUN --new RUN RUN")
    base, new = (open_side([Path(path) for path in side]) for side in sides)
    return compare_sides(base, new, margin, arguments.across_machines)


def _say_what_csv_cannot(comparison: Comparison) -> None:
    from analysis.compare.text import lists

    for line in comparison.notes:
        _say(line)
    for title, entries in lists(comparison):
        for entry in entries:
            _say(f"{title}: {entry}")


def _gate(comparison: Comparison, percent: float | None) -> int:
    if percent is None:
        return 0
    limit = 1 + percent / 100
    slower = [row for row in comparison.rows if row.verdict is Verdict.SLOWER and row.ratio > limit]
    for row in slower:
        _say(f"{row.cell_name()}: slower by {100 * (row.ratio - 1):.3g} %, more than {percent:g} %")
    return 1 if slower else 0


def export_pyperf(arguments: argparse.Namespace) -> int:
    """Write chosen cells, or all, for pyperf and print the file's name."""
    from analysis.exchange.pyperf_export import write_pyperf

    run = load_run(arguments.run)
    print(write_pyperf(run, arguments.output, _chosen(run, arguments.mechanism, arguments.cell)))
    return 0


def _chosen(run: Run, mechanisms: Sequence[str], cells: Sequence[int]) -> list[int] | None:
    """Numbers of the cells that are of one of `mechanisms` or in `cells`; ``None``: nothing was chosen, so all."""
    if not mechanisms and not cells:
        return None
    for name in mechanisms:
        if name not in set(run.cells["mechanism"]):
            known = ", ".join(dict.fromkeys(run.cells["mechanism"]))
            raise LoadError(f"--mechanism {name}: not in {run.path}; it has {known}")
    for number in cells:
        if number not in set(run.cells["cell"]):
            raise LoadError(f"--cell {number}: not in {run.path}; cells.csv lists what there is")
    wanted = run.cells["mechanism"].isin(mechanisms) | run.cells["cell"].isin(cells)
    return [int(number) for number in run.cells["cell"][wanted]]


def import_pyperf(arguments: argparse.Namespace) -> int:
    """Make a run of a pyperf file and print its directory."""
    from analysis.exchange.pyperf_export import import_pyperf as make_run

    directory = make_run(arguments.file, arguments.results, arguments.label)
    _say("no control in a pyperf file: absolute latency only")
    print(directory)
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "summary": summary,
    "plot": plot,
    "report": report,
    "compare": compare,
    "export-pyperf": export_pyperf,
    "import-pyperf": import_pyperf,
}
