"""The command line: `python -m bench run | list | check | selftest | demo`."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench.demo import add_arguments as add_demo_arguments

# Only what the parser needs is loaded here: `--help` answers at once, and each command loads what it needs.

RESULTS = "results"


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="python -m bench", description="How long does starting a process take?")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="measure; the last line of standard output is the run's directory"))
    listing = commands.add_parser("list", help="mechanisms and scenarios, and what is unavailable here and why")
    listing.add_argument("--python", metavar="PATH", help="the interpreter to look at")
    commands.add_parser("check", help="is this machine fit to measure on? exit status 1 if not")
    certificate = commands.add_parser("selftest", help="measure the instrument's own error, about 30 s")
    certificate.add_argument("--python", metavar="PATH", help="the interpreter to measure with")
    certificate.add_argument("--budget", type=float, metavar="SECONDS", help="time for the whole of it (default: 30)")
    demo = commands.add_parser("demo", help="fork a child for every line you type; q ends it")
    add_demo_arguments(demo)
    return top


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--profile", default="standard", metavar="NAME", help="quick, standard (the default) or full")
    run.add_argument("--budget", type=float, metavar="SECONDS", help="for the whole run (default: 10, 60 or 300)")
    run.add_argument("--rounds", type=int, metavar="N", help="measure N rounds, however long they take")
    run.add_argument("--mechanism", action="append", default=[], metavar="NAME", help="instead of the profile's")
    run.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME=LEVEL[,LEVEL]",
        help="instead of the profile's, as in rss=0,64MiB or parent=bare,equal",
    )
    run.add_argument("--python", action="append", default=[], metavar="PATH", help="interpreter to measure")
    run.add_argument("--cpu", default="auto", metavar="auto|none|N", help="the CPU that subjects are pinned to")
    run.add_argument("--seed", type=int, default=1, metavar="N", help="of the order of blocks (default: 1)")
    run.add_argument("--label", metavar="TEXT", help="becomes part of the run's name")
    run.add_argument("--machine", metavar="NAME", help="directory of this machine (default: made from its facts)")
    run.add_argument("--results", type=Path, default=Path(RESULTS), metavar="DIR", help="default: results")
    run.add_argument("--block-ms", type=float, default=15.0, metavar="MS", help="length of a block (default: 15)")
    run.add_argument(
        "--pairs",
        default="4,2",
        metavar="CORE,OTHERS",
        help="most pairs of blocks a round for core cells and others; fewer where the budget is small (default: 4,2)",
    )
    run.add_argument("--no-progress", action="store_true", help="say only what stays")


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status: 0 done, 1 a check failed, 2 wrong usage, 130 interrupted."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    arguments = parser().parse_args(argv)
    try:
        return _COMMANDS[arguments.command](arguments)
    except _bad_input() as error:
        print(f"bench {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _bad_input() -> tuple[type[Exception], ...]:
    from bench.interpreters import InterpreterError
    from bench.options import UsageError
    from bench.plan import PlanError
    from bench.store import StoreError

    return (UsageError, PlanError, InterpreterError, StoreError)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    """Make SIGTERM what Ctrl-C is: subjects are ended and files closed on the way out."""
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(arguments: argparse.Namespace) -> int:
    from bench import progress
    from bench.options import Options, parse_pairs
    from bench.run import execute

    core, others = parse_pairs(arguments.pairs)
    options = Options(
        results=arguments.results,
        profile=arguments.profile,
        budget_s=arguments.budget,
        rounds=arguments.rounds,
        mechanisms=tuple(arguments.mechanism),
        scenarios=tuple(arguments.scenario),
        pythons=tuple(arguments.python),
        cpu=arguments.cpu,
        seed=arguments.seed,
        label=arguments.label,
        machine=arguments.machine,
        block_ns=int(arguments.block_ms * 1e6) if math.isfinite(arguments.block_ms) else 0,
        core_pairs=core,
        other_pairs=others,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        run = execute(options, progress.choose(not arguments.no_progress))
    except KeyboardInterrupt:
        print("interrupted; what was measured is kept and marked partial", file=sys.stderr)
        return 130
    print(run.directory)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from bench.listing import main as show

    return show(arguments.python)


def _check(arguments: argparse.Namespace) -> int:
    from bench.check import main as check

    return check()


def _selftest(arguments: argparse.Namespace) -> int:
    from bench.selftest import main as selftest

    return selftest(arguments.python, arguments.budget)


def _demo(arguments: argparse.Namespace) -> int:
    from bench.demo import run

    return run(arguments)


_COMMANDS = {"run": _run, "list": _list, "check": _check, "selftest": _selftest, "demo": _demo}

if __name__ == "__main__":
    sys.exit(main())
