"""Turns one round of the schedule into rows: every cell in a fresh subject, blocks of all cells interleaved."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.driver import dose
from bench.driver.launch import Settings
from bench.driver.process import Block, SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.files.store import Store
from bench.measure.calibrate import Calibration, warmup_calls
from bench.measure.reached import dose_text, dose_warning
from bench.measure.schedule import Share, Step, padding, round_steps, sittings
from bench.plan.cells import Cell
from bench.schema import BlockRow, Role, SampleRow, SubjectRow, SubjectStatus
from bench.schema.dose import Dose

# In a block of at least so many calls the first one is marked as warm-up: other subjects ran since this
# one's last block, and its caches and page tables went cold.
CALLS_WITH_LEAD = 4
WARMUP_BLOCK = -1


@dataclass(frozen=True)
class Task:
    """A cell that is being measured: how its subject is started, and what its blocks are."""

    cell: Cell
    settings: Settings
    calibration: Calibration
    pairs: int
    program_bytes: float = 0.0

    @property
    def fills_bytes(self) -> float:
        """The memory that its subject fills: what its level says, or what a user's program was seen to fill."""
        return max(float(self.cell.level.takes()["memory"]), self.program_bytes)

    def calls(self, role: Role) -> int:
        """Calls that each subject makes in a block of `role`."""
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
    """One round: `measure` it once. `in_calls_ns` is then the time inside its calls, those of the warm-up included,
    and `measuring_ns` the time between the start and the end of its subjects.

    Its subjects live side by side, or, where they fill more than `room_bytes` together or do not stay idle, in several
    sittings.
    `warnings` has what is to be said of a cell's dose. `block_s` tells how many seconds a block that begins now may
    take.
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
        room_bytes: float = math.inf,
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
        takes = {cell: task.fills_bytes for cell, task in tasks.items()}
        alone = {cell for cell, task in tasks.items() if task.cell.level.stays_alone}
        self._sittings = [
            SubjectGroup({cell: settings[cell] for cell in members}, set_up_s)
            for members in sittings(takes, room_bytes, seed, number, alone)
        ]
        self.in_calls_ns = self.measuring_ns = 0
        self.warnings: dict[int, str] = {}
        self._set_up: dict[int, tuple[int, Dose]] = {}

    @property
    def failed(self) -> dict[int, str]:
        """The cells that ended in an error, with its text."""
        return {number: text for subjects in self._sittings for number, text in subjects.failed.items()}

    @property
    def forced(self) -> int:
        """How many subjects had to be ended by force."""
        return sum(subjects.forced for subjects in self._sittings)

    def measure(self, each: Callable[[Step, Measured], None]) -> None:
        """Start all subjects, go through the steps of the schedule, end all; `each` hears of every block."""
        shares = {number: Share(task.pairs, Role.CONTROL in task.roles) for number, task in self._tasks.items()}
        steps = round_steps(shares, self._seed, self.number)
        order = itertools.count()
        for subjects in self._sittings:
            try:
                with subjects:
                    began_ns = time.perf_counter_ns()
                    for number in subjects.alive():
                        self._warm_up(subjects, number)
                    for step in steps:
                        if step.cell in subjects.settings:
                            self._take(subjects, replace(step, order=next(order)), each)
                    self.measuring_ns += time.perf_counter_ns() - began_ns
            finally:
                self._store.add([self._subject_row(subjects, number) for number in subjects.started_ns])

    def _warm_up(self, subjects: SubjectGroup, number: int) -> None:
        task, subject = self._tasks[number], subjects[number]
        for role in task.roles:
            calls = warmup_calls(task.calls(role))
            if not calls:
                continue
            try:
                block = subject.block(role, calls, self._block_s())
            except SubjectError as error:
                subjects.fail(number, f"warm-up of the {role}: {error}")
                return
            self._write(number, WARMUP_BLOCK, -1, role, block)
        self._set_up[number] = (subject.age_ns(), dose.read(subject.pid))
        if warning := dose_warning(task.cell.level, subjects.raised.get(number, {})):
            self.warnings[number] = warning

    def _take(self, subjects: SubjectGroup, step: Step, each: Callable[[Step, Measured], None]) -> None:
        if step.cell in subjects.failed:
            return
        try:
            calls = self._tasks[step.cell].calls(step.role)
            block = subjects[step.cell].block(step.role, calls, self._block_s())
        except SubjectError as error:
            subjects.fail(step.cell, f"{step.role}: {error}")
            return
        each(step, self._write(step.cell, step.block, step.order, step.role, block))

    def _write(self, cell: int, number: int, order: int, role: Role, block: Block) -> Measured:
        """Write the block and its calls, and return it in short."""
        totals = block.stamps[0::3]
        each = block.calls // block.subjects
        cold = each if number == WARMUP_BLOCK else int(each >= CALLS_WITH_LEAD)
        warm = [total for call, total in enumerate(totals) if call % each >= cold]
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
                    warmup=int(call % each < cold),
                    total_ns=total,
                    call_ns=called,
                    ready_ns=ready or None,
                )
                for call, (total, called, ready) in enumerate(calls)
            ]
        )
        self.in_calls_ns += sum(totals) // block.subjects
        median_ns = statistics.median(warm or totals)
        return Measured(cell, self.number, number, role, start_ns, elapsed_ns, median_ns)

    def _subject_row(self, subjects: SubjectGroup, number: int) -> SubjectRow:
        setup_ns, verified = self._set_up.get(number, (None, Dose()))
        error = subjects.failed.get(number)
        return SubjectRow(
            round=self.number,
            cell=number,
            status=SubjectStatus.ERROR if error else SubjectStatus.OK,
            error=error,
            start_ns=subjects.started_ns[number] - self._origin_ns,
            setup_ns=setup_ns,
            dose=dose_text(self._tasks[number].cell.level, subjects.raised.get(number, {})),
            **asdict(verified),
            **subjects.told.get(number, {}),
            modules=subjects.modules.get(number),
            path=self._tasks[number].calibration.path,
        )


def usage_per_call(block: Block) -> dict[str, Any]:
    """The block's resource usage per call under the names of blocks.csv; empty where it is not known."""
    if block.usage is None:
        return {}
    return {name: round(value / max(block.calls, 1), 3) for name, value in asdict(block.usage).items()}
