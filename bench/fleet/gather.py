"""Turns what `bench gather` is given, directories and archives of runs, into runs under results/."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bench.errors import UsageError
from bench.fleet.arrival.artifacts import ARCHIVES, Found, runs_in
from bench.fleet.arrival.placing import check_template
from bench.fleet.receive import Placed, ReceiveError, Receiver
from bench.schema.json_text import shown
from bench.schema.visible import visible


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `gather`."""
    parser.description = (
        "Bring runs together that were measured elsewhere, for instance by a matrix of CI. Each is checked by the "
        "reader before it takes its place; derived files are made again from the raw ones. The same run twice is one. "
        "Prints the directory of each run; exit status 1 if one was refused."
    )
    ends = ", ".join(ARCHIVES)
    add = parser.add_argument
    add(
        "paths", nargs="+", type=Path, metavar="DIR", help=f"holds runs at any depth, or is an archive of them ({ends})"
    )
    add("--results", default=Path("results"), type=Path, metavar="DIR", help="where they go (default: results)")
    add_machine_template(parser)


def add_machine_template(parser: ArgumentParser) -> None:
    """Add ``--machine``, which names the directories of runs."""
    parser.add_argument(
        "--machine",
        metavar="TEMPLATE",
        help="directory of a run's machine, as in rack1-{machine} or {host}: its own name, or where it comes from",
    )


def act(arguments: Namespace) -> int:
    """Place every run of the paths; 1 if one was refused."""
    check_template(arguments.machine)
    for path in arguments.paths:
        if not path.is_dir() and not (path.is_file() and path.name.endswith(ARCHIVES)):
            raise UsageError(f"{path}: no directory, and no archive ({', '.join(ARCHIVES)})")
    found = (run for path in arguments.paths for run in runs_in(path))
    counts = {"new": 0, "already there": 0, "refused": 0}
    try:
        receiver = Receiver(arguments.results)
    except ReceiveError as error:
        raise UsageError(str(error)) from None
    with receiver:
        if receiver.left_over:
            _say(f"{arguments.results}: what an interrupted gather had left there was removed")
        for result in placed(receiver, found, arguments.machine):
            if isinstance(result, ReceiveError):
                _say(str(result))
                counts["refused"] += 1
                continue
            print(result.path, flush=True)
            counts["new" if result.new else "already there"] += 1
            if not result.new:
                _say(f"{result.path}: the same run is already there")
    _say(f"{sum(counts.values())} runs: {', '.join(f'{count} {what}' for what, count in counts.items() if count)}")
    return 1 if counts["refused"] else 0


def placed(receiver: Receiver, runs: Iterable[Found], machine: str | None) -> Iterator[Placed | ReceiveError]:
    """What became of each of `runs`, in their order; only the few that are under way are in memory."""
    most = os.cpu_count() or 1
    with ThreadPoolExecutor(most) as pool:
        under_way: deque[Future[Placed | ReceiveError]] = deque()
        try:
            for run in runs:
                under_way.append(pool.submit(_place, receiver, run, machine))
                if len(under_way) > most:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _place(receiver: Receiver, run: Found, machine: str | None) -> Placed | ReceiveError:
    if run.problem:
        return ReceiveError(visible(f"{run.where}: {shown(run.problem)}"))
    try:
        return receiver.place_files(run.host, run.files, machine, run.where)
    except ReceiveError as error:
        return error


def _say(text: str) -> None:
    print(visible(f"bench gather: {text}"), file=sys.stderr)
