"""Turns the options of one command into what carries it out."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from bench import completion, options
from bench.driver import only_run
from bench.errors import UsageError
from bench.files.store import StoreError
from bench.options import DEFAULT_BUDGET_S, Options
from bench.plan.interpreters import InterpreterError
from bench.plan.levels import PlanError
from bench.schema.run_names import RunNameError, find_run
from bench.schema.usage import OptionParser

if TYPE_CHECKING:
    from bench.measure.resumption import Resumption

# Each has a text of one line that says what is wrong, where, and what to do.
BAD_INPUT = (UsageError, PlanError, InterpreterError, StoreError, RunNameError)


@dataclass(frozen=True)
class Command:
    """One command: what adds its options to a parser, and what acts on them and returns the exit status."""

    add_options: Callable[[ArgumentParser], None]
    act: Callable[[Namespace], int]


def carry_out(program: str, command: str, text: str, arguments: Sequence[str]) -> int:
    """Carry out `command` and return its exit status. Raises one of `BAD_INPUT`; ends the process for wrong options."""
    parser = OptionParser(program, description=text)
    _COMMANDS[command].add_options(parser)
    return _COMMANDS[command].act(parser.read(arguments))


def complete(command: str, words: Sequence[str]) -> list[str]:
    """What the last of `words`, behind `command`, may become: options, choices, mechanisms, scenarios and runs."""
    from bench.plan import registry
    from bench.schema.run_names import run_words

    parser = OptionParser()
    _COMMANDS[command].add_options(parser)
    named: dict[str, Callable[[], Iterable[str]]] = dict.fromkeys(
        ("resume", "model"), lambda: run_words(Path("results"))
    )
    named["mechanism"] = registry.mechanisms
    named["scenario"] = lambda: [f"{name}=" for name in registry.scenarios()]
    named["profile"] = lambda: DEFAULT_BUDGET_S
    return parser.candidates(words, named)


def _run_options(run: ArgumentParser) -> None:
    options.add_options(run)
    run.add_argument(
        "--resume",
        type=Path,
        metavar="RUN",
        help="go on with an interrupted run (a path, a beginning or latest); give --python and your own files with it, "
        "and nothing else",
    )
    run.add_argument(
        "--when-busy",
        default=only_run.default(),
        metavar="refuse|wait|ignore",
        help=f"while another run measures on this machine (default: {only_run.VARIABLE}, or refuse)",
    )
    run.add_argument("--no-progress", action="store_true", help="say only what stays")
    run.add_argument("--format", choices=("directory", "json"), default="directory", help="json: print the summary")
    run.add_argument("--quiet", action="store_true", help="say only errors, and print the run's directory")


def _list_options(listing: ArgumentParser) -> None:
    listing.add_argument("--python", metavar="PATH", help="the interpreter to look at")


def _no_options(check: ArgumentParser) -> None:
    pass


def _selftest_options(selftest: ArgumentParser) -> None:
    selftest.add_argument("--python", metavar="PATH", help="the interpreter to measure with")
    selftest.add_argument("--budget", type=float, metavar="SECONDS", help="time for the whole of it (default: 30)")


def _demo_options(demo: ArgumentParser) -> None:
    from bench.demo.program import add_arguments

    add_arguments(demo)


def _twin_options(twin: ArgumentParser) -> None:
    from bench.twin.command import add_options

    add_options(twin)


def _fleet_options(fleet: ArgumentParser) -> None:
    from bench.fleet.control.command import add_options

    add_options(fleet)


def _gather_options(gather: ArgumentParser) -> None:
    from bench.fleet.gather import add_options

    add_options(gather)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


def _be_interrupted() -> None:
    """Make SIGTERM, and SIGHUP unless it is ignored (nohup), what Ctrl-C is: subjects are ended and files closed."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), _interrupt)


def _run(arguments: Namespace) -> int:
    if arguments.resume:
        return _resume(arguments)
    return _measure(replace(options.read(arguments), when_busy=arguments.when_busy), arguments, None)


def _measure(wanted: Options, arguments: Namespace, resumption: Resumption | None) -> int:
    from bench import progress
    from bench.measure.run import execute

    _be_interrupted()
    shown = progress.OnlyErrors() if arguments.quiet else progress.choose(not arguments.no_progress)
    run = execute(wanted, shown, resumption)
    status = 1 if run.lacks() else 0
    if arguments.format == "json":
        from bench.ask_analysis import ask_analysis

        print(run.directory, file=sys.stderr)  # standard output is for a program that reads JSON
        return ask_analysis("summary", str(run.directory), "--format", "json").returncode or status
    print(run.directory)
    return status


def _resume(arguments: Namespace) -> int:
    """Go on with an interrupted run. Its options are its own."""
    from bench.measure.resumption import read
    from bench.plan.own_files import named

    parser = ArgumentParser()
    _run_options(parser)
    own = ("resume", "python", "no_progress", "quiet", "format", "when_busy", "mechanism", "scenario", "results")
    given = [name for name, value in vars(arguments).items() if name not in own and value != parser.get_default(name)]
    if given:
        raise UsageError(f"--resume: a run goes on with its own options; leave out --{given[0].replace('_', '-')}")
    directory = find_run(arguments.resume, arguments.results)
    resumption = read(directory, tuple(arguments.python), named(arguments.mechanism, arguments.scenario))
    return _measure(replace(resumption.options, when_busy=arguments.when_busy), arguments, resumption)


def _list(arguments: Namespace) -> int:
    from bench.plan.listing import main as show

    return show(arguments.python)


def _check(arguments: Namespace) -> int:
    from bench.machine.fitness import main as check

    return check()


def _selftest(arguments: Namespace) -> int:
    from bench.measure.selftest import main as selftest

    _be_interrupted()
    return selftest(arguments.python, arguments.budget)


def _demo(arguments: Namespace) -> int:
    from bench.demo.program import run

    return run(arguments)


def _twin(arguments: Namespace) -> int:
    from bench.twin.command import run

    _be_interrupted()
    return run(arguments)


def _fleet(arguments: Namespace) -> int:
    from bench.fleet.control.command import act

    return act(arguments)


def _gather(arguments: Namespace) -> int:
    from bench.fleet.gather import act

    _be_interrupted()
    return act(arguments)


_COMMANDS = {
    "run": Command(_run_options, _run),
    "list": Command(_list_options, _list),
    "check": Command(_no_options, _check),
    "selftest": Command(_selftest_options, _selftest),
    "completion": Command(completion.add_options, completion.act),
    "demo": Command(_demo_options, _demo),
    "twin": Command(_twin_options, _twin),
    "fleet": Command(_fleet_options, _fleet),
    "gather": Command(_gather_options, _gather),
}
