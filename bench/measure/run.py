"""Drives the schedule into the store: plans, calibrates, and measures as many rounds as the budget holds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.driver import pinning, reaping
from bench.driver.guard import GUARD
from bench.driver.only_run import only_run
from bench.errors import UsageError
from bench.files import run_document
from bench.files.store import Store, create_run_directory
from bench.machine import fitness, suspension
from bench.measure import certificate, told
from bench.measure.preparation import Preparation
from bench.measure.resumption import Resumption, what_changed
from bench.measure.round import Measured, Round
from bench.measure.run_state import Run
from bench.measure.schedule import Step
from bench.options import FEWEST_ROUNDS, Options
from bench.plan import cells, own_files
from bench.plan.availability import Unavailable
from bench.plan.cells import identity_of
from bench.plan.levels import Level
from bench.plan.registry import Mechanism
from bench.plan.setup import prepare
from bench.progress import Progress
from bench.schema import RunStatus, state_name
from bench.schema.run_document import Check, RunDocument

# A cell whose subjects failed in so many rounds in a row is not started again.
FAILURES_TO_GIVE_UP = 2
_CERTIFICATE_SHARE = 0.02
# The rounds that an interval needs may take this part of the budget more: a machine that got slower after its
# calibration lacked a round with a tenth (5 rounds in 19 of 20 s), and then no figure had an interval.
_GRACE = 0.25

Wanted = Sequence[tuple[Mechanism, Level]]


def execute(
    options: Options, progress: Progress, resumption: Resumption | None = None, wanted: Wanted | None = None
) -> Run:
    """Measure into a new directory, or go on in that of `resumption`, and return the finished run.

    What is `wanted` is measured instead of what the options ask for.
    Raises `UsageError`, `PlanError`, `InterpreterError` or `StoreError` before anything is measured.
    Any other BaseException, such as an interruption, leaves a partial run with all complete blocks.
    """
    with only_run(options.when_busy, progress.message):
        return _execute(options, progress, resumption, wanted)


def _execute(options: Options, progress: Progress, resumption: Resumption | None, wanted: Wanted | None) -> Run:
    run = Run(options, progress)
    python = options.pythons[0] if options.pythons else ""
    pairs = wanted or cells.requested(options.profile, options.mechanisms, options.scenarios, python)
    own_needs = [need for mechanism, _ in pairs if mechanism.file for need in mechanism.needs]
    setup = prepare(options.cpu, options.pythons, [level for _, level in pairs], own_needs)
    run.cells, unavailable = cells.make(pairs, setup.pythons, setup.resources)
    if not run.cells:
        reasons = "; ".join(sorted({cell.reason for cell in unavailable}))
        raise UsageError(f"nothing can be measured here: {reasons}")
    run.room_bytes = setup.resources.limits.memory_bytes
    told.say_what_is_missing(setup, progress)
    document = run_document.opening(options, setup, unavailable)
    if resumption:
        _go_on(run, resumption, document)
        document = resumption.document
    reaping.adopt_orphans()
    pinning.apply(setup.pins)
    try:
        with GUARD.on_watch():
            GUARD.hold({part.recipe_name: part.recipe for _, level in pairs for part in level.parts if part.recipe})
            if resumption:
                resumption.move_unfinished_aside()
                run_document.resume(document)
            else:
                run.directory = create_run_directory(options.results, document.machine, document.run)
            with Store(run.directory, document, resumed=bool(resumption)) as store:
                _measure(run, store, Preparation(options, setup, store, run.began_ns), resumption)
    except KeyboardInterrupt:
        if run.directory.name:
            progress.message(f"interrupted; what was measured is kept and marked partial: {run.directory}")
        raise
    finally:
        if run.directory.name and not run.ended and not wanted:  # a run resumes with its options alone
            files = own_files.arguments(options.mechanisms, options.scenarios)
            progress.message(f"go on with it: python -m bench run --resume {run.directory}{files}")
        progress.close()
        pinning.undo(setup.pins)
    return run


def _go_on(run: Run, resumption: Resumption, now: RunDocument) -> None:
    """Make `run` what it was when it was interrupted. Raises `UsageError` where it cannot go on."""
    if changed := what_changed(resumption.document, now):
        raise UsageError(f"{resumption.directory}: cannot be resumed: {changed}; measure a new run")
    by_number = {cell.number: cell for cell in run.cells}
    for number, row in resumption.cells.items():
        cell = by_number.get(number)
        identity = (row.python, row.mechanism, row.scenario, row.level)
        if cell is None or identity != identity_of(cell):
            name = f"{row.mechanism} {state_name(row.scenario, row.level)}"
            raise UsageError(
                f"{resumption.directory}: cannot be resumed: cell {number} ({name}) cannot be measured here any more"
            )
    run.directory = resumption.directory
    run.began_ns -= resumption.wall_ns
    run.rounds = resumption.document.rounds
    run.measured = resumption.measured
    run.in_calls_ns = resumption.in_calls_ns
    for number, rounds in resumption.failed_rounds.items():
        run.failures[number] = len(rounds)
        run.in_a_row[number] = next(n for n in range(run.rounds + 1) if run.rounds - 1 - n not in rounds)


def _measure(run: Run, store: Store, preparation: Preparation, resumption: Resumption | None) -> None:
    document, progress = store.document, run.progress
    unfit = fitness.unfit_lines(fitness.assess())
    document.unfit = list(dict.fromkeys([*document.unfit, *unfit]))
    for line in unfit:
        progress.message(f"unfit machine: {line}")
    try:
        if resumption and resumption.cells:
            preparation.recall(run.cells, resumption.cells, resumption.filled)
            run.tasks = preparation.tasks
            checks = _opening(run, preparation)
            for number in [number for number in run.tasks if run.in_a_row.get(number, 0) >= FAILURES_TO_GIVE_UP]:
                _stop_measuring(run, number)
        else:
            checks = _prepare(run, preparation, document)
        _rounds(run, store)
    finally:
        run_document.close(document, run.wall_ns(), run.share_in_calls())
    document.status = RunStatus.PARTIAL if run.lacks() else RunStatus.COMPLETE
    if run.options.certificate:
        checks += certificate.of_run(run.measured, run.share_while_ready(), run.processes_left())
        document.certificate = certificate.of_checks(checks)
    run.ended = True
    told.say_how_it_ended(run)


def _prepare(run: Run, preparation: Preparation, document: RunDocument) -> list[Check]:
    """Calibrate, decide what is measured, and return the part of the certificate that is measured before."""
    preparation.calibrate(
        run.cells, run.set_up_s(), lambda cell: run.progress.update(run.short_name(cell.number), -1, run.left_s(), list)
    )
    for number, text in preparation.failed.items():
        run.failures[number] += 1
        run.progress.message(f"error: {run.cells[number].name}: {text}")
    checks = _opening(run, preparation)
    preparation.settle(run.cells, run.left_s())
    run.tasks = preparation.tasks
    left_out = [run.cells[number] for number in sorted(preparation.left_out)]
    told.say_what_is_left_out(run, left_out)
    reason = f"a budget of {run.options.budget:g} s does not give {FEWEST_ROUNDS} rounds with it"
    document.unavailable += run_document.unavailable_cells(
        [Unavailable(*identity_of(cell), reason) for cell in left_out]
    )
    return checks


def _opening(run: Run, preparation: Preparation) -> list[Check]:
    """The part of the certificate that measures for itself, within a small part of the budget."""
    if not run.options.certificate:
        return []
    return certificate.opening(preparation.ground(run.cells[0]), run.options.budget * _CERTIFICATE_SHARE)


def _rounds(run: Run, store: Store) -> None:
    """Measure complete rounds until the budget, or the number of rounds asked for, is reached."""
    while run.tasks and _another(run):
        began, asleep, ends = run.wall_ns(), suspension.asleep_ns(), store.ends()
        this_round = Round(
            run.rounds, run.options.seed, run.tasks, store, run.began_ns, run.block_s, run.set_up_s(), run.room_bytes
        )
        heard = len(run.measured)
        this_round.measure(_listener(run))
        if suspension.asleep_ns() - asleep > suspension.LEAST_NS:
            run.progress.message(f"the machine was suspended in round {run.rounds}; the round is measured again")
            store.move_aside(ends)
            del run.measured[heard:]
            continue
        run.forced += this_round.forced
        run.in_calls_ns += this_round.in_calls_ns
        run.shares_while_ready.append(this_round.in_calls_ns / this_round.measuring_ns)
        run.rounds += 1
        run.rounds_ns.append(run.wall_ns() - began)
        store.document.rounds = run.rounds
        store.sync()
        _warn(run, this_round.warnings)
        _give_up(run, this_round.failed)
    _give_up_what_never_worked(run)


def _warn(run: Run, warnings: Mapping[int, str]) -> None:
    """Say once of each cell that its dose is not the level."""
    for number in warnings.keys() - run.warned:
        run.progress.message(f"warning: {run.cells[number].name}: {warnings[number]}")
    run.warned |= warnings.keys()


def _give_up(run: Run, failed: Mapping[int, str]) -> None:
    """Count the errors of a round, and start cells no more that failed too often in a row."""
    run.in_a_row = {number: run.in_a_row.get(number, 0) + 1 for number in failed}
    for number, text in failed.items():
        run.failures[number] += 1
        run.progress.message(f"error: {run.cells[number].name}: {text}")
        if run.in_a_row[number] >= FAILURES_TO_GIVE_UP:
            _stop_measuring(run, number)


def _give_up_what_never_worked(run: Run) -> None:
    """Where there were too few rounds for `_give_up`, a cell without a block is one that could not be measured."""
    for number in run.tasks.keys() - {block.cell for block in run.measured}:
        _stop_measuring(run, number)


def _stop_measuring(run: Run, number: int) -> None:
    del run.tasks[number]
    run.given_up.append(number)


def _another(run: Run) -> bool:
    if run.options.rounds is not None:
        return run.rounds < run.options.rounds
    if not run.rounds_ns:
        return True
    grace_s = _GRACE * run.options.budget if run.rounds < FEWEST_ROUNDS else 0.0
    return run.left_s() + grace_s > statistics.mean(run.rounds_ns[-3:]) / 1e9


def _listener(run: Run) -> Callable[[Step, Measured], None]:
    def hear(step: Step, block: Measured) -> None:
        run.measured.append(block)
        run.progress.update(run.short_name(step.cell), run.rounds, run.left_s(), run.medians)

    return hear
