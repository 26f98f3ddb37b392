"""Turns one round of the schedule into rows: every cell in a fresh subject, blocks of all cells interleaved."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.driver import dose
from bench.driver.dose import Dose
from bench.driver.launch import Settings
from bench.driver.process import Block, SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.files.store import Store
from bench.measure.calibrate import Calibration, warmup_calls
from bench.measure.schedule import Share, Step, padding, round_steps
from bench.plan.cells import Cell
from bench.schema import BlockRow, Role, SampleRow, SubjectRow, SubjectStatus

# In a block of at least so many calls the first one is marked as warm-up: other subjects ran since this
# one's last block, and its caches and page tables went cold.
CALLS_WITH_LEAD = 4
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

    def calls(self, role: Role) -> int:
        """Calls in a block of `role`."""
        return self.calibration.calls if role is Role.MECHANISM else self.calibration.control_calls

    @property
    def block_ns(self) -> float:
        """What the longer block of its two roles took when it was calibrated; 0: that is not known."""
        known = self.calibration
        return max(known.calls * known.call_ns, known.control_calls * known.control_call_ns)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that it has blocks of."""
        return (Role.MECHANISM, Role.CONTROL) if self.settings.control_mechanism else (Role.MECHANISM,)


@dataclass(frozen=True)
class Measured:
    """A finished block in short: `median_ns` is over its warm calls."""

    cell: int
    round: int
    block: int
    role: Role
    start_ns: int
    elapsed_ns: int
    median_ns: float


class Round:
    """One round: `measure` it once. `in_calls_ns` is then the time inside its calls, those of the warm-up included.

    `block_s` tells how many seconds a block that begins now may take.
    """

    def __init__(
        self,
        number: int,
        seed: int,
        tasks: Mapping[int, Task],
        store: Store,
        origin_ns: int,
        block_s: Callable[[], float],
        set_up_s: float,
    ) -> None:
        self.number = number
        self._seed = seed
        self._tasks = tasks
        self._store = store
        self._origin_ns = origin_ns
        self._block_s = block_s
        # Only where interpreters are compared: one alone has the same paths in every run, and narrower intervals.
        several = len({task.settings.python for task in tasks.values()}) > 1
        shift = padding(seed, number) if several else 0
        settings = {cell: replace(task.settings, padding=shift) for cell, task in tasks.items()}
        self._subjects = SubjectGroup(settings, set_up_s)
        self.in_calls_ns = 0
        self._set_up: dict[int, tuple[int, Dose]] = {}

    @property
    def failed(self) -> dict[int, str]:
        """The cells that ended in an error, with its text."""
        return self._subjects.failed

    @property
    def forced(self) -> int:
        """How many subjects had to be ended by force."""
        return self._subjects.forced

    def measure(self, each: Callable[[Step, Measured], None]) -> None:
        """Start all subjects, go through the steps of the schedule, end all; `each` hears of every block."""
        shares = {number: Share(task.pairs, Role.CONTROL in task.roles) for number, task in self._tasks.items()}
        try:
            with self._subjects:
                for number in self._subjects.alive():
                    self._warm_up(number)
                for step in round_steps(shares, self._seed, self.number):
                    if step.cell not in self.failed and (done := self._block(step)):
                        each(step, done)
        finally:
            self._store.add([self._subject_row(number) for number in self._subjects.started_ns])

    def _warm_up(self, number: int) -> None:
        task, subject = self._tasks[number], self._subjects[number]
        for role in task.roles:
            calls = warmup_calls(task.calls(role))
            if not calls:
                continue
            try:
                block = subject.block(role, calls, self._block_s())
            except SubjectError as error:
                self._subjects.fail(number, f"warm-up of the {role}: {error}")
                return
            self._write(number, WARMUP_BLOCK, -1, role, block)
        verified = dose.read(subject.pid)
        self._set_up[number] = (subject.age_ns(), verified)
        if problem := dose_problem(task.cell, verified):
            self._subjects.fail(number, problem)

    def _block(self, step: Step) -> Measured | None:
        task = self._tasks[step.cell]
        try:
            block = self._subjects[step.cell].block(step.role, task.calls(step.role), self._block_s())
        except SubjectError as error:
            self._subjects.fail(step.cell, f"{step.role}: {error}")
            return None
        return self._write(step.cell, step.block, step.order, step.role, block)

    def _write(self, cell: int, number: int, order: int, role: Role, block: Block) -> Measured:
        """Write the block and its calls, and return it in short."""
        totals = block.stamps[0::3]
        cold = len(totals) if number == WARMUP_BLOCK else int(len(totals) >= CALLS_WITH_LEAD)
        start_ns, elapsed_ns = block.begin_ns - self._origin_ns, block.end_ns - block.begin_ns
        row = BlockRow(
            cell=cell,
            round=self.number,
            block=number,
            order=order,
            role=role,
            calls=block.calls,
            start_ns=start_ns,
            elapsed_ns=elapsed_ns,
            **usage_per_call(block),
        )
        self._store.add([row])
        calls = zip(totals, block.stamps[1::3], block.stamps[2::3], strict=True)
        self._store.add(
            [
                SampleRow(
                    cell=cell,
                    round=self.number,
                    block=number,
                    role=role,
                    warmup=int(call < cold),
                    total_ns=total,
                    call_ns=called,
                    ready_ns=ready or None,
                )
                for call, (total, called, ready) in enumerate(calls)
            ]
        )
        self.in_calls_ns += sum(totals)
        median_ns = statistics.median(totals[cold:] or totals)
        return Measured(cell, self.number, number, role, start_ns, elapsed_ns, median_ns)

    def _subject_row(self, number: int) -> SubjectRow:
        setup_ns, verified = self._set_up.get(number, (None, Dose()))
        error = self.failed.get(number)
        return SubjectRow(
            round=self.number,
            cell=number,
            status=SubjectStatus.ERROR if error else SubjectStatus.OK,
            error=error,
            start_ns=self._subjects.started_ns[number] - self._origin_ns,
            setup_ns=setup_ns,
            **asdict(verified),
            modules=self._subjects.modules.get(number),
            path=self._tasks[number].calibration.path,
        )


def usage_per_call(block: Block) -> dict[str, Any]:
    """The block's resource usage per call under the names of blocks.csv; empty where it is not known."""
    if block.usage is None:
        return {}
    return {name: round(value / max(block.calls, 1), 3) for name, value in asdict(block.usage).items()}


def dose_problem(cell: Cell, verified: Dose) -> str:
    """Why the verified dose is not the level that was asked for, or an empty string."""
    level = cell.level
    if not level.scenario.dose:
        return ""
    held = getattr(verified, level.scenario.dose)
    if held is None or held >= level.amount * DOSE_REACHED:
        return ""
    return f"{level.scenario.name}={level.text} not reached: {level.scenario.dose} is {held}, asked for {level.amount}"
