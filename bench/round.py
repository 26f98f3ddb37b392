"""Turns one round of the schedule into rows: every cell in a fresh subject, blocks of all cells interleaved."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass

from bench import calibrate, dose, schema
from bench.calibrate import Calibration
from bench.dose import Dose
from bench.host import Block, Settings, Subject, SubjectError
from bench.plan import Cell
from bench.schedule import Share, Step, round_steps
from bench.schema import CONTROL, ERROR, MECHANISM, OK
from bench.store import Store

# In a block of at least so many calls the first one is marked as warm-up: other subjects ran since this
# one's last block, and its caches and page tables went cold.
CALLS_WITH_LEAD = 8
WARMUP_BLOCK = -1
# A size is reached if the parent holds at least this part of it: a few pages may have been shared.
DOSE_REACHED = 0.98


@dataclass(frozen=True)
class Task:
    """A cell that is being measured: how its subject is started, and what its blocks are."""

    cell: Cell
    settings: Settings
    calibration: Calibration
    pairs: int

    def calls(self, role: str) -> int:
        """Calls in a block of `role`."""
        return self.calibration.calls if role == MECHANISM else self.calibration.control_calls

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that it has blocks of."""
        return (MECHANISM, CONTROL) if self.settings.beside else (MECHANISM,)


@dataclass(frozen=True)
class Measured:
    """A finished block in short: `median_ns` over its warm calls; `in_calls_ns` the sum of all its calls."""

    cell: int
    round: int
    block: int
    role: str
    start_ns: int
    elapsed_ns: int
    median_ns: float
    in_calls_ns: int


class Round:
    """One round: `measure` it once. `failed` then holds the cells that ended in an error, with its text."""

    def __init__(self, number: int, tasks: Mapping[int, Task], store: Store, origin_ns: int, deadline_s: float) -> None:
        self.number = number
        self.failed: dict[int, str] = {}
        self.forced = 0
        self._tasks = tasks
        self._store = store
        self._origin_ns = origin_ns
        self._deadline_s = deadline_s
        self._subjects: dict[int, Subject] = {}
        self._facts: dict[int, tuple[int | None, int | None, Dose]] = {}

    def measure(self, seed: int, each: Callable[[Step, Measured], None]) -> None:
        """Start all subjects, go through the steps of the schedule, stop all; `each` hears of every block."""
        shares = {number: Share(task.pairs, CONTROL in task.roles) for number, task in self._tasks.items()}
        with self._all_stopped():
            self._start()
            for step in round_steps(shares, seed, self.number):
                if step.cell not in self.failed and (done := self._block(step)):
                    each(step, done)

    @contextmanager
    def _all_stopped(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            for subject in self._subjects.values():
                subject.kill()
            raise
        finally:
            for subject in self._subjects.values():
                subject.request_stop()
            for subject in self._subjects.values():
                self.forced += subject.stop()
            self._store.add(schema.SUBJECTS, [self._subject_row(number) for number in self._facts])

    def _start(self) -> None:
        """Start the subjects side by side on all CPUs, then warm each up by itself."""
        for number, task in self._tasks.items():
            try:
                self._facts[number] = (None, None, Dose())
                self._subjects[number] = Subject(task.settings)
            except SubjectError as error:
                self.failed[number] = str(error)
        modules: dict[int, int] = {}
        for number, subject in self._subjects.items():
            try:
                modules[number] = subject.ready(calibrate.SET_UP_DEADLINE_S)
            except SubjectError as error:
                self._fail(number, f"set-up: {error}")
        for number, loaded in modules.items():
            self._warm_up(number, loaded)

    def _warm_up(self, number: int, modules: int) -> None:
        task, subject = self._tasks[number], self._subjects[number]
        for role in task.roles:
            calls = calibrate.warmup_calls(task.calls(role))
            if not calls:
                continue
            try:
                block = subject.block(role, calls, self._deadline_s)
            except SubjectError as error:
                self._fail(number, f"warm-up of the {role}: {error}")
                return
            self._write(number, WARMUP_BLOCK, -1, role, block)
        verified = dose.read(subject.pid)
        self._facts[number] = (subject.age_ns(), modules, verified)
        if problem := dose_problem(task.cell, verified):
            self._fail(number, problem)

    def _block(self, step: Step) -> Measured | None:
        task = self._tasks[step.cell]
        try:
            block = self._subjects[step.cell].block(step.role, task.calls(step.role), self._deadline_s)
        except SubjectError as error:
            self._fail(step.cell, f"{step.role}: {error}")
            return None
        return self._write(step.cell, step.block, step.order, step.role, block)

    def _fail(self, number: int, text: str) -> None:
        self.failed[number] = text
        self._subjects[number].kill()

    def _write(self, cell: int, block_number: int, order: int, role: str, block: Block) -> Measured:
        totals, start = block.stamps[0::3], block.begin_ns - self._origin_ns
        elapsed = block.end_ns - block.begin_ns
        cold = len(totals) if block_number == WARMUP_BLOCK else int(len(totals) >= CALLS_WITH_LEAD)
        usage = per_call(block)
        key = (cell, self.number, block_number)
        self._store.add(schema.BLOCKS, [(*key, order, role, block.calls, start, elapsed, *usage)])
        rows: list[tuple[object, ...]] = [
            (*key, role, int(i < cold), total, call, ready or None)
            for i, (total, call, ready) in enumerate(zip(totals, block.stamps[1::3], block.stamps[2::3], strict=True))
        ]
        self._store.add(schema.SAMPLES, rows)
        warm = totals[cold:] or totals
        in_calls = 0 if block_number == WARMUP_BLOCK else sum(totals)
        return Measured(*key, role, start, elapsed, statistics.median(warm), in_calls)

    def _subject_row(self, number: int) -> tuple[object, ...]:
        set_up_ns, modules, verified = self._facts[number]
        error = self.failed.get(number)
        subject = self._subjects.get(number)
        started = (subject.started_ns if subject else time.perf_counter_ns()) - self._origin_ns
        path = self._tasks[number].calibration.path
        status = ERROR if error else OK
        return (self.number, number, status, error, started, set_up_ns, *astuple(verified), modules, path)


def per_call(block: Block) -> tuple[object, ...]:
    """The block's resource usage per call, in the order of blocks.csv."""
    if block.usage is None:
        return (None,) * 8
    calls = max(block.calls, 1)
    faults, user, system, switches, child_faults, child_user, child_system, child_switches = block.usage
    ordered = (faults, child_faults, user, system, child_user, child_system, switches, child_switches)
    return tuple(round(value / calls, 3) for value in ordered)


def dose_problem(cell: Cell, verified: Dose) -> str:
    """Why the verified dose is not the level that was asked for, or an empty string."""
    level = cell.level
    if not level.scenario.dose:
        return ""
    held = getattr(verified, level.scenario.dose)
    if held is None or held >= level.amount * DOSE_REACHED:
        return ""
    return f"{level.scenario.name}={level.text} not reached: {level.scenario.dose} is {held}, asked for {level.amount}"
