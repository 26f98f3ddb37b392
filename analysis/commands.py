"""Turns the options of one command into what carries it out."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.compare import command as compare_command
from analysis.errors import LoadError, PyperfError
from analysis.exchange import command as exchange_command
from analysis.hosts import command as hosts_command
from analysis.model import command as model_command
from analysis.predict import command as predict_command
from analysis.runs import command as runs_command
from analysis.site import command as site_command
from analysis.text.formats import FORMATS
from analysis.text.notes import print_note
from analysis.trend import command as trend_command
from analysis.validate import command as validate_command
from bench.schema.run_names import find_run, run_words
from bench.schema.usage import OptionParser, near

if TYPE_CHECKING:
    from analysis.read.run import Run

_RESULTS = "where runs are searched: `latest` and beginnings of names are runs too (default: results)"

# Nothing that takes long to load stands above: an action loads what it needs, so that `--help` answers at once.


@dataclass(frozen=True)
class Command:
    """One command: what adds its options to a parser, and what acts on them and returns the exit status."""

    add_options: Callable[[ArgumentParser], None]
    act: Callable[[Namespace], int]


def carry_out(program: str, command: str, text: str, arguments: Sequence[str]) -> int:
    """Carry out `command` and return its exit status. Raises one of `BAD_INPUT`; ends the process for wrong options."""
    parser = OptionParser(program, description=text)
    _COMMANDS[command].add_options(parser)
    if not parser.has("--results"):
        parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help=_RESULTS)
    found = parser.read(arguments)
    # Wherever a run is asked for, its name will do.
    if hasattr(found, "run"):
        found.run = find_run(found.run, found.results)
    if hasattr(found, "runs"):
        found.runs = [find_run(run, found.results) for run in found.runs]
    return _COMMANDS[command].act(found)


def complete(command: str, words: Sequence[str]) -> list[str]:
    """What the last of `words`, behind `command`, may become: options, choices, and runs under ``results``."""
    parser = OptionParser()
    _COMMANDS[command].add_options(parser)
    return parser.candidates(words, dict.fromkeys(("run", "runs", "base", "new"), lambda: run_words(Path("results"))))


def _summary_options(parser: ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a directory that `bench run` printed")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")


def _summary(arguments: Namespace) -> int:
    """Print the table of each run, and leave its summary.csv; 1: one of these files could not be written."""
    from analysis.read.run import load_run
    from analysis.summary.cells import summarise, write_summary
    from analysis.summary.text import write

    summaries, status = [], 0
    for path in arguments.runs:
        run = load_run(path)
        summaries.append((run, summarise(run)))
        try:
            write_summary(*summaries[-1])
        except OSError as error:
            print_note(f"analysis summary: {run.path}: summary.csv not written ({error.strerror})")
            status = 1
    write(summaries, arguments.format, sys.stdout)
    return status


def _plot_options(parser: ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, default=Path("plots"), metavar="DIR", help="default: plots")


def _plot(arguments: Namespace) -> int:
    """Write the figures of runs and a page that shows them, and print their names."""
    from analysis.report.plots import plot

    try:
        written = plot(arguments.runs, arguments.out)
    except OSError as error:
        raise LoadError(f"--out {arguments.out}: cannot be written ({error.strerror}); name another place") from None
    for path in written:
        print(path)
    return 0


def _report_options(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--table", action="store_true", help="print the table of every cell and the answers before")


def _report(arguments: Namespace) -> int:
    """Make all that is derived from a run, read once, and print where its report begins; --table: what it says too."""
    from analysis.answers import answers
    from analysis.exchange.pyperf_export import write_pyperf
    from analysis.read.run import load_run
    from analysis.report.answers_text import write_answers
    from analysis.report.write import write_report
    from analysis.summary.analysed_run import AnalysedRun
    from analysis.summary.cells import write_summary
    from analysis.summary.text import write

    run = load_run(arguments.run)
    analysed = AnalysedRun(run)
    if arguments.table:
        write([(run, analysed.summary)], "table", sys.stdout)
        write_answers(answers(analysed), sys.stdout)
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
        print_note(f"analysis report: no pyperf file: {error}")
    print(f"report: {index}" if arguments.table else index)
    return 0


def _export_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="several: cut to what all hold, for pyperf's compare_to")
    add("--mechanism", action="append", default=[], metavar="NAME", help="only cells of it (repeatable)")
    add("--cell", action="append", default=[], type=int, metavar="N", help="only this cell (repeatable)")
    add("-o", "--output", type=Path, metavar="FILE", help="default: pyperf.json.gz in the run")


def _export_pyperf(arguments: Namespace) -> int:
    """Write chosen cells, or all, of each run for pyperf and print the files' names."""
    from analysis.exchange.pyperf_export import common_shapes, write_pyperf
    from analysis.read.run import load_run

    runs = [load_run(path) for path in arguments.runs]
    if len(runs) > 1 and arguments.output:
        raise LoadError("--output names one file; of several runs each gets its own")
    chosen = [_chosen(run, arguments.mechanism, arguments.cell) for run in runs]
    shapes = common_shapes(runs, chosen) if len(runs) > 1 else None
    for run, cells in zip(runs, chosen, strict=True):
        print(write_pyperf(run, arguments.output, cells, shapes))
    return 0


def _chosen(run: Run, mechanisms: Sequence[str], cells: Sequence[int]) -> list[int] | None:
    """Numbers of the cells that are of one of `mechanisms` or in `cells`; ``None``: nothing was chosen, so all."""
    if not mechanisms and not cells:
        return None
    for name in mechanisms:
        if name not in set(run.cells["mechanism"]):
            there = dict.fromkeys(run.cells["mechanism"])
            raise LoadError(f"--mechanism {name}: not in {run.path}{near(name, there)}; it has {', '.join(there)}")
    for number in cells:
        if number not in set(run.cells["cell"]):
            raise LoadError(f"--cell {number}: not in {run.path}; cells.csv lists what there is")
    wanted = run.cells["mechanism"].isin(mechanisms) | run.cells["cell"].isin(cells)
    return [int(number) for number in run.cells["cell"][wanted]]


def _import_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument("--label", metavar="TEXT", help="becomes part of the run's name")


def _import_pyperf(arguments: Namespace) -> int:
    """Make a run of a pyperf file and print its directory."""
    from analysis.exchange.pyperf_export import import_pyperf as make_run

    directory = make_run(arguments.file, arguments.results, arguments.label)
    print_note("no control in a pyperf file: absolute latency only")
    print(directory)
    return 0


_COMMANDS = {
    "runs": Command(runs_command.add_options, runs_command.act),
    "summary": Command(_summary_options, _summary),
    "plot": Command(_plot_options, _plot),
    "report": Command(_report_options, _report),
    "compare": Command(compare_command.add_options, compare_command.act),
    "trend": Command(trend_command.add_options, trend_command.act),
    "hosts": Command(hosts_command.add_options, hosts_command.act),
    "model": Command(model_command.add_options, model_command.act),
    "predict": Command(predict_command.add_options, predict_command.act),
    "export": Command(exchange_command.add_options, exchange_command.act),
    "validate": Command(validate_command.add_options, validate_command.act),
    "publish": Command(site_command.add_options, site_command.act),
    "export-pyperf": Command(_export_options, _export_pyperf),
    "import-pyperf": Command(_import_options, _import_pyperf),
}
