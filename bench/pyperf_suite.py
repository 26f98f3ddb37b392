"""Turns the mechanisms into pyperf benchmarks: a pyperf script whose workers time calls in the same fresh subjects.

``python bench/pyperf_suite.py --fast -o result.json`` takes every option of pyperf's Runner. A worker starts one
subject and asks it for blocks, so that what pyperf itself loads is not in the measured parent; what is measured is
the interpreter behind the worker's (``--python``, ``--compare-to``), which both need pyperf and Python 3.11.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyperf

if __name__ == "__main__":
    # Started by its path, a script has its own folder first, whose modules would hide some of Python's.
    root = str(Path(__file__).resolve().parents[1])
    sys.path[0] = root if sys.path[0] == str(Path(__file__).resolve().parent) else sys.path[0]

from bench.driver.guard import GUARD
from bench.driver.launch import Settings
from bench.driver.process import Subject, SubjectError
from bench.errors import UsageError
from bench.plan import cells, interpreters, registry
from bench.plan.levels import Level, PlanError
from bench.plan.setup import prepare
from bench.schema import Role, state_name
from bench.schema.visible import visible

# A value takes 0.1 s by default. A block that takes so many times longer than it should hangs.
_DEADLINE_S, _DEADLINE_FACTOR = 60.0, 20.0
_PRINT_INTERPRETER = (
    "import sys, pyperf; print(sys.version_info >= (3, 11), getattr(sys, '_base_executable', '') or sys.executable)"
)


class Worker:
    """The subject of one benchmark. It starts when pyperf asks for the first value. Use it in a ``with``."""

    def __init__(self, name: str, cpu: str, min_time_s: float) -> None:
        self.mechanism, self.level = _parse(name)
        self._cpu = cpu
        self._deadline_s = max(_DEADLINE_S, _DEADLINE_FACTOR * min_time_s)
        self._subject: Subject | None = None
        self._watch = ExitStack()

    def seconds(self, loops: int) -> float:
        """The time that `loops` calls took, in seconds, from before each until its child was reaped."""
        if self._subject is None:
            self._watch.enter_context(GUARD.on_watch())
            self._subject = self._start()
            self._subject.ready(self._deadline_s)
        block = self._subject.block(Role.MECHANISM, loops, self._deadline_s)
        return sum(block.stamps[0::3]) / 1e9

    def _start(self) -> Subject:
        setup = prepare(self._cpu)
        control_name = self.mechanism.control if setup.control.folder else ""
        # As in a run, the control is loaded too, though pyperf has no place for its times.
        settings = Settings(
            python=interpreters.default(),
            mechanism=self.mechanism.entry_point,
            control_mechanism=registry.mechanisms()[control_name].entry_point if control_name else "",
            scenarios=self.level.words,
            cpu=setup.pins.subject_cpu,
            true_program=setup.resources.true_program,
            control_folder=setup.control.folder,
        )
        # The worker itself is not pinned here: it sleeps while a block runs, and pyperf records its affinity.
        return Subject(settings)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._subject is not None:
            self._subject.stop()
        self._watch.close()


def _parse(name: str) -> tuple[registry.Mechanism, Level]:
    """Turn the name of a benchmark, such as ``os_fork parent=bare``, back into mechanism and level."""
    mechanism, _, scenario = name.partition(" ")
    return cells.requested("", [mechanism], [scenario])[0]


def _measured(python: str) -> str:
    """The interpreter that a worker run by `python` measures. Raises `UsageError` where it cannot be a worker."""
    try:
        command = [python, "-c", _PRINT_INTERPRETER]
        done = subprocess.run(command, capture_output=True, text=True, timeout=interpreters.PROBE_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{python}: cannot be started ({error})") from None
    recent, _, path = done.stdout.strip().partition(" ")
    if done.returncode != 0 or recent != "True":
        raise UsageError(
            f"{python}: needs pyperf and Python 3.11 or later to be a worker of pyperf; "
            "`python -m bench run --python` measures any Python from 3.8 on, with nothing installed"
        )
    return path


def _names(args: argparse.Namespace) -> list[str]:
    """Names of the benchmarks that all requested interpreters can run here. The others are printed with the reason."""
    requested = cells.requested("quick", args.mechanism or [], args.scenario or [])
    if several := next((level.name for _, level in requested if level.subjects > 1), ""):
        raise UsageError(f"{several}: pyperf has one subject at a time; measure it with python -m bench run")
    measured = [_measured(python) for python in (args.python, args.compare_to) if python]
    setup = prepare(args.cpu, measured)
    chosen, unavailable = cells.make(requested, setup.pythons, setup.resources)
    for cell in unavailable:
        name = f"{cell.mechanism} {state_name(cell.scenario, cell.level)}"
        print(visible(f"{name}: not measured: {cell.reason}"), file=sys.stderr)
    left_out = {(cell.mechanism, cell.scenario, cell.level) for cell in unavailable}
    keys = dict.fromkeys((cell.mechanism.name, cell.level.scenario, cell.level.text) for cell in chosen)
    names = [f"{key[0]} {state_name(key[1], key[2])}" for key in keys if key not in left_out]
    if not names:
        raise UsageError("nothing can be measured here")
    return names


def _add_worker_options(command: list[str], args: argparse.Namespace) -> None:
    """Give a worker the list of its manager: workers count benchmarks, so that all need the same list."""
    for name in args.benchmark:
        command.extend(("--benchmark", name))
    command.extend(("--cpu", args.cpu))


def _runner() -> pyperf.Runner:
    # Always by its path: a worker then finds it from any directory.
    runner = pyperf.Runner(program_args=(str(Path(__file__).resolve()),), add_cmdline_args=_add_worker_options)
    add = runner.argparser.add_argument
    add("--mechanism", action="append", metavar="NAME", help="what to measure, repeatable (default: the core five)")
    add("--scenario", action="append", metavar="NAME=LEVEL[,LEVEL]", help="of the parent (default: parent=bare)")
    add("--cpu", default="auto", metavar="auto|none|N", help="the CPU that subjects are pinned to")
    add("--benchmark", action="append", help=argparse.SUPPRESS)
    return runner


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks as pyperf does; 0: done, 1: failed, 2: wrong usage."""
    runner = _runner()
    args = runner.parse_args(argv)
    try:
        if not args.worker:
            args.benchmark = _names(args)
        for name in args.benchmark:
            with Worker(name, args.cpu, args.min_time) as worker:
                metadata = {
                    "mechanism": worker.mechanism.name,
                    "work": worker.mechanism.work,
                    "scenario": worker.level.scenario,
                    "level": worker.level.text,
                    "description": worker.mechanism.description,
                }
                runner.bench_time_func(name, worker.seconds, metadata=metadata)
    except (UsageError, PlanError, interpreters.InterpreterError) as error:
        print(visible(f"pyperf_suite: {error}"), file=sys.stderr)
        return 2
    except (SubjectError, RuntimeError) as error:  # pyperf raises RuntimeError where a worker failed
        print(visible(f"pyperf_suite: {error}"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
