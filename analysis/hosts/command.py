"""Turns the options of `hosts` into a printed table of hosts."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from analysis.errors import LoadError
from analysis.text.formats import FORMATS

DESCRIPTION = (
    "Which host is faster? Hosts are ranked within each cell by the median and interval of their run, relative latency "
    "first; cells of unlike work stand apart. Odd hosts are named with the reason: a certificate that failed, a "
    "throttled CPU, a neighbour, another suite. Name the runs, one a host, or take all below --results."
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `hosts`."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="runs (default: all below --results)")
    add(
        "--name",
        action="append",
        default=[],
        metavar="TEXT",
        help="what the host of a run is called, once for each RUN and in their order (default: its machine and run)",
    )
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="where runs are (default: results)")
    add("--mechanism", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    add("--all", action="store_true", help="all cells, and all hosts of each, however many")
    add("--format", choices=FORMATS, default="table", help="default: table; csv and json have every figure")


def act(arguments: Namespace) -> int:
    """Print the table."""
    from analysis.hosts.load import load_hosts
    from analysis.hosts.table import host_table
    from analysis.hosts.text import write
    from bench.schema.run_names import all_runs

    if arguments.name and len(arguments.name) != len(arguments.runs):
        raise LoadError(f"--name: {len(arguments.name)} names for {len(arguments.runs)} runs; give one for each")
    paths = list(dict.fromkeys(arguments.runs)) if not arguments.name else arguments.runs
    paths = paths or all_runs(arguments.results)
    if not paths:
        raise LoadError(f"{arguments.results}: no run; name runs, or gather some with: python -m bench gather DIR")
    table = host_table(load_hosts(paths, arguments.name), arguments.mechanism)
    write(table, arguments.format, sys.stdout, arguments.all)
    return 0
