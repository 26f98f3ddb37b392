"""Turns the number of a process into a run of its twin, and prints that beside the prediction for the process."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from bench import progress
from bench.driver import only_run
from bench.errors import UsageError
from bench.measure.run import execute
from bench.measure.run_state import Run
from bench.options import FEWEST_ROUNDS, Options
from bench.plan import registry
from bench.plan.availability import HUGE_PAGES
from bench.plan.levels import Level
from bench.plan.setup import Setup, prepare
from bench.schema import Role
from bench.schema.run_names import find_run
from bench.schema.visible import visible
from bench.twin import text
from bench.twin.build import MECHANISM, find_recipe, level_of, whole
from bench.twin.figures import Times, dose_of_cell, times
from bench.twin.prediction import Prediction, predict
from bench.twin.state import State, parse_pid, read_state

LEAST_BUDGET_S = 20.0
# What a run takes at least, in times of what finding the recipe took, which builds the twin once: calibration and
# `FEWEST_ROUNDS` rounds of three subjects, and a third more.
_LOOKS = (FEWEST_ROUNDS + 1) * 3 * 4 / 3
MECHANISMS = (MECHANISM, "posix_spawn", "subprocess_run")
# Cells are few, and none of them is of the core.
_PAIRS = 5
_NO_MODEL = (
    "no prediction: name a run with a model by --model; `make sweep` measures one, and "
    "`python -m analysis model RUN` fits it"
)
_PYTHON_UNSEEN = (
    "What Python itself adds in that process (hooks at forks, objects that its children touch) cannot be seen from "
    "outside: os.fork may take longer there. The twin is to be compared by its fork in C."
)
_SMALL = "WARNING: a twin has at least what a bare interpreter has, and the process has less: its fork takes less time."


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `bench twin`."""
    add = parser.add_argument
    add("--pid", required=True, metavar="PID", help="the process; it is read, never stopped or changed")
    add("--model", metavar="RUN", help="a run that `python -m analysis model` was used on, for the prediction")
    add("--budget", type=float, metavar="SECONDS", help="to measure (default: 20, more for what takes long to build)")
    add("--python", metavar="PATH", help="interpreter of the twin")
    add("--cpu", default="auto", metavar="auto|none|N", help="the CPU that subjects are pinned to")
    add("--label", metavar="TEXT", help="becomes part of the run's name")
    add("--machine", metavar="NAME", help="directory of this machine (default: made from its facts)")
    add("--results", default=Path("results"), type=Path, metavar="DIR", help="default: results")
    add(
        "--when-busy",
        default=only_run.default(),
        metavar="refuse|wait|ignore",
        help=f"while another run measures on this machine (default: {only_run.VARIABLE}, or refuse)",
    )
    add("--no-progress", action="store_true", help="say only what stays")


def run(arguments: Namespace) -> int:
    """Measure the twin and print it; the last line of standard output is the run's directory.

    Returns 0, or 1 for a run that lacks something. Raises `UsageError`, `InterpreterError` or `StoreError`.
    """
    pid, options = parse_pid(arguments.pid), _options(arguments)
    model = find_run(arguments.model, arguments.results) if arguments.model else None
    before = read_state(pid)
    setup = prepare(arguments.cpu, [arguments.python] if arguments.python else [])
    _refuse_what_is_not_there(level_of(whole(before), before.name), before, setup)
    print(visible(f"process {pid} ({before.name}): {text.what_it_has(before.dose)}"))
    prediction = predict(str(model), pid) if model else None
    began = time.perf_counter()
    level = level_of(find_recipe(before, setup), before.name)
    usual_s = max(LEAST_BUDGET_S, _LOOKS * (time.perf_counter() - began))
    options = replace(options, scenarios=(level.name,), budget_s=options.budget_s or usual_s)
    wanted = [(registry.mechanisms()[name], level) for name in MECHANISMS]
    measured = execute(options, progress.choose(not arguments.no_progress), wanted=wanted)
    found = times(measured.directory, measured.rounds)
    if found:
        _print(measured, found, prediction, before, pid)
    print(measured.directory)
    return 1 if measured.lacks() or (MECHANISM, Role.MECHANISM) not in found else 0


def _options(arguments: Namespace) -> Options:
    return Options(
        results=arguments.results,
        budget_s=arguments.budget,
        mechanisms=MECHANISMS,
        pythons=(arguments.python,) if arguments.python else (),
        cpu=arguments.cpu,
        label=arguments.label,
        machine=arguments.machine,
        other_pairs=_PAIRS,
        when_busy=arguments.when_busy,
    )


def _refuse_what_is_not_there(level: Level, state: State, setup: Setup) -> None:
    """Raise `UsageError` where this machine does not allow a second process like this one."""
    if problem := setup.resources.limits.problem(level):
        raise UsageError(f"a twin cannot be had here: {problem}")
    if state.dose.huge_bytes and not setup.resources.huge_pages:
        raise UsageError(f"a twin cannot be had here: this kernel gives no huge pages any more ({HUGE_PAGES})")


def _print(measured: Run, found: Times, prediction: Prediction | None, before: State, pid: int) -> None:
    lines = ["", *text.table(found, prediction), "", _PYTHON_UNSEEN]
    if prediction is None:
        lines.append(_NO_MODEL)
    elif prediction.problem:
        lines.append(f"no prediction: {prediction.problem}")
    if (MECHANISM, Role.MECHANISM) not in found:
        lines.append(f"WARNING: os.fork was not measured; raise --budget (now {measured.options.budget:g} s)")
    twin = dose_of_cell(measured.directory, MECHANISM)
    lines += [f"the twin differs: {line}" for line in text.differences(before.dose, twin, "there", "in the twin")]
    if (twin.copied_bytes or 0) > (1 + text.TOLERANCE) * (before.dose.copied_bytes or 0):
        lines.append(_SMALL)
    lines += _not_built(before)
    lines += _changes(before, pid)
    for line in lines:
        print(visible(line))


def _not_built(state: State) -> list[str]:
    """What the process has that no twin gets."""
    reserved = sum(m.sizes.get("Private_Hugetlb", 0) + m.sizes.get("Shared_Hugetlb", 0) for m in state.mappings)
    lacking = {"in swap, which a fork copies too": state.dose.swapped_bytes, "in reserved huge pages": reserved}
    return [
        f"WARNING: the twin lacks what the process has {where}: {amount / (1 << 20):.1f} MiB"
        for where, amount in lacking.items()
        if amount
    ]


def _changes(before: State, pid: int) -> list[str]:
    try:
        after = read_state(pid)
    except UsageError as error:
        return [f"WARNING: it changed meanwhile: {error}"]
    changes = text.differences(before.dose, after.dose, "before", "after the measurement")
    return [f"WARNING: it changed meanwhile: {line}" for line in changes]
