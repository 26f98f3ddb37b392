"""Turns cells into tasks: how each one's subject is started, how many calls a block has, and how many blocks."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bench.driver import dose
from bench.driver.launch import Settings
from bench.driver.process import SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.files.store import Store
from bench.measure.calibrate import Calibration, calibrate, warmup_calls
from bench.measure.certificate import Ground
from bench.measure.fitting import by_importance, fitting
from bench.measure.round import Task
from bench.options import FEWEST_ROUNDS, Options
from bench.plan import registry
from bench.plan.cells import Cell
from bench.plan.levels import AT_ONCE
from bench.plan.setup import Setup
from bench.schema import CellRow, Role, SubjectRow, SubjectStatus

CALIBRATION_ROUND = -1
# The interval of 12 rounds goes from the third smallest to the third largest, that of 11 from the second to the
# second, a third wider; a round in reserve, so that it does not become 11.
TARGET_ROUNDS = 12
RESERVE = 1
# Beyond this many times what a round costs before its first block, another round tells more than longer ones:
# fresh subjects differ by 1 %, pairs of blocks by 3 % (docs/evidence.md), so a few pairs a subject are best.
ENOUGH = 4
# What starting all subjects takes in a round, as a part of what it took the first time, when memory and files were
# cold: 1.0 s of 1.2 to 2.1 s here.
_LATER = 0.6
# Blocks are a whole number of calls, so that a pair of one cell takes somewhat longer than that of another.
_USUAL = 1.2
# Between two blocks the controller writes the rows of the first and wakes the subject of the second.
_BETWEEN_NS = 1e6
_NOT_CALIBRATED = Calibration(0, 0, 0.0, 0.0, None)


# Cells are calibrated in groups of so many, the important ones first, until this share of the budget is spent.
_GROUP = 10
_CALIBRATION_SHARE = 0.3
# What the costs of a round are underestimated by at most, as rounds come out 5 to 10 % longer than calibrated.
_ROUND_IS_LONGER = 1.1


class Preparation:
    """Calibrates the cells of a run; ``tasks`` then holds those that work, ``failed`` the others with the reason.

    ``left_out`` has the numbers of cells for which the budget is too small.
    """

    def __init__(self, options: Options, setup: Setup, store: Store, origin_ns: int) -> None:
        self.tasks: dict[int, Task] = {}
        self.failed: dict[int, str] = {}
        self.left_out: set[int] = set()
        self.overhead_ns = 0
        self._options = options
        self._setup = setup
        self._store = store
        self._origin_ns = origin_ns
        # What the program of each level was seen to fill, in bytes; 0: it failed.
        self._programs: dict[tuple[str, str], float] = {}

    def calibrate(self, cells: Sequence[Cell], set_up_s: float, before_each: Callable[[Cell], None]) -> None:
        """Calibrate each cell once; one that fails gets an error row, no blocks.

        Cells that would take more than a part of the budget are left out.
        """
        waiting = by_importance(cells)
        limit_ns = self._origin_ns + self._options.budget * _CALIBRATION_SHARE * 1e9
        while waiting and (self._options.rounds or not self.tasks or time.perf_counter_ns() < limit_ns):
            group = self._first_group(waiting)
            self._calibrate_group(group, set_up_s, before_each)
            waiting = waiting[len(group) :]
        self.left_out |= {cell.number for cell in waiting}

    def _first_group(self, waiting: Sequence[Cell]) -> Sequence[Cell]:
        """The first cells whose subjects fit side by side into memory and stay idle; at least one."""
        left = self._setup.resources.limits.memory_bytes
        for number, cell in enumerate(waiting[:_GROUP]):
            unknown = cell.level.runs_program and cell.program not in self._programs  # then it starts alone
            left -= max(cell.level.takes()["memory"], self._programs.get(cell.program, 0))
            if left < 0 or unknown or cell.level.stays_alone:
                return waiting[: max(1, number)]
        return waiting[:_GROUP]

    def _calibrate_group(self, cells: Sequence[Cell], set_up_s: float, before_each: Callable[[Cell], None]) -> None:
        """Calibrate cells in subjects that start side by side.

        What starting and ending all of them takes is what it will take in every round.
        """
        by_number = {cell.number: cell for cell in cells}
        settings = {cell.number: self._settings(cell) for cell in cells}
        with SubjectGroup(settings, set_up_s) as subjects:
            for number in subjects.alive():
                before_each(by_number[number])
                try:
                    calibration = calibrate(
                        subjects[number],
                        bool(settings[number].control_mechanism),
                        self._options.block_ns,
                        self._options.deadline_s,
                    )
                    program_bytes = _program_bytes(by_number[number], subjects[number].pid)
                    self._programs[by_number[number].program] = program_bytes
                    self.tasks[number] = Task(by_number[number], settings[number], calibration, 1, program_bytes)
                except SubjectError as error:
                    subjects.fail(number, str(error))
        for number in subjects.failed:
            self._programs.setdefault(by_number[number].program, 0.0)
        self.failed |= subjects.failed
        self.overhead_ns += subjects.overhead_ns
        self._store.add([self._error_row(subjects, number) for number in subjects.failed])

    def _error_row(self, subjects: SubjectGroup, number: int) -> SubjectRow:
        return SubjectRow(
            round=CALIBRATION_ROUND,
            cell=number,
            status=SubjectStatus.ERROR,
            error=f"calibration: {subjects.failed[number]}",
            start_ns=subjects.started_ns[number] - self._origin_ns,
        )

    def recall(self, cells: Sequence[Cell], rows: Mapping[int, CellRow], filled: Mapping[int, int]) -> None:
        """Take the blocks of an interrupted run from its cells.csv: what is measured does not change half-way.

        `filled` is the private memory that was seen in the subjects of each cell, in bytes.
        """
        for cell in cells:
            row = rows.get(cell.number)
            if row and row.block_calls:
                calls, control_calls = (n // cell.level.subjects for n in (row.block_calls, row.control_calls))
                calibration = Calibration(calls, control_calls, 0.0, 0.0, row.path)
                program_bytes = float(filled.get(cell.number, 0)) if cell.level.runs_program else 0.0
                self.tasks[cell.number] = Task(cell, self._settings(cell), calibration, row.blocks, program_bytes)

    def settle(self, cells: Sequence[Cell], left_s: float) -> None:
        """Decide which cells fit and how many pairs of blocks each has in a round, and write cells.csv."""
        options = self._options
        if options.rounds is None and self.tasks:
            self._leave_out(left_s * 1e9)
        pairs = allot(self.tasks, left_s * 1e9, self.overhead_ns, options.core_pairs, options.other_pairs)
        self.tasks = {number: replace(task, pairs=pairs[number]) for number, task in self.tasks.items()}
        self._store.add([self._row(cell) for cell in cells if cell.number not in self.left_out])
        self._store.sync()

    def _leave_out(self, left_ns: float) -> None:
        """Leave out what would keep the others from the rounds that an interval needs."""
        overhead_ns = self.overhead_ns * _LATER / (len(self.tasks) + len(self.failed))
        cost = {
            number: (overhead_ns + _warm_up_cost_ns(task) + _pair_cost_ns(task)) * _ROUND_IS_LONGER
            for number, task in self.tasks.items()
        }
        # A machine that slows down after its calibration measures a round less, so one is in reserve.
        kept = fitting((task.cell for task in self.tasks.values()), cost, left_ns / (FEWEST_ROUNDS + RESERVE))
        self.left_out |= self.tasks.keys() - kept
        self.overhead_ns = round(self.overhead_ns * len(kept) / len(self.tasks))
        self.tasks = {number: task for number, task in self.tasks.items() if number in kept}

    def _row(self, cell: Cell) -> CellRow:
        """The cell's row of cells.csv; without blocks if its calibration failed."""
        task = self.tasks.get(cell.number)
        calibration, subjects = task.calibration if task else _NOT_CALIBRATED, cell.level.subjects
        return CellRow(
            cell=cell.number,
            python=cell.python.label,
            mechanism=cell.mechanism.name,
            work=cell.mechanism.work,
            scenario=cell.level.scenario,
            level=cell.level.text,
            unit=cell.level.unit or None,
            control=cell.mechanism.control if self._control_of(cell) else None,
            block_calls=calibration.calls * subjects,
            control_calls=calibration.control_calls * subjects,
            blocks=task.pairs if task else 0,
            path=calibration.path,
            subjects=subjects if AT_ONCE in cell.level.scenario.split("+") else None,
        )

    def ground(self, cell: Cell) -> Ground:
        """What the certificate measures with: the interpreter of `cell`."""
        return Ground(cell.python.executable, self._control_of(cell), self._setup.pins.subject_cpu)

    def _settings(self, cell: Cell) -> Settings:
        control = self._control_of(cell)
        control_name = cell.mechanism.control if control else ""
        return Settings(
            python=cell.python.executable,
            mechanism=cell.mechanism.entry_point,
            control_mechanism=registry.mechanisms()[control_name].entry_point if control_name else "",
            scenarios=cell.level.words,
            verified=cell.level.has_dose,
            cpu=self._setup.pins.subject_cpu,
            allowed_cpus=self._setup.pins.allowed_cpus if self._setup.pins.can_pin else (),
            true_program=self._setup.resources.true_program,
            control_folder=control,
            tell_program=self._setup.teller.program if cell.level.tells else "",
            module_path=os.pathsep.join(filter(None, (self._options.module_path, _site_path(cell)))),
            program=cell.level.runs_program,
            files=cell.files,
            at_once=cell.level.subjects,
        )

    def _control_of(self, cell: Cell) -> str:
        """The folder of the control for this cell's interpreter, or an empty string."""
        return "" if cell.python.control_problem else self._setup.control.folder


def _program_bytes(cell: Cell, pid: int) -> float:
    """The private memory of a subject with a user's program, which no level tells before, in bytes; of others 0."""
    return float(dose.read(pid).private_bytes or 0) if cell.level.runs_program else 0.0


def _site_path(cell: Cell) -> str:
    """Where installed packages lie, for a parent that may import some and has no site; no other parent sees them."""
    imports = cell.level.modules or cell.mechanism.file
    return cell.python.site_path if imports and not cell.level.runs_program else ""


def _warm_up_cost_ns(task: Task) -> float:
    """What the warm-up calls of a subject take."""
    calibration = task.calibration
    cost = warmup_calls(calibration.calls) * calibration.call_ns
    if Role.CONTROL in task.roles:
        cost += warmup_calls(calibration.control_calls) * calibration.control_call_ns
    return cost


def _pair_cost_ns(task: Task) -> float:
    """What one pair of blocks takes."""
    calibration = task.calibration
    in_calls_ns = calibration.calls * calibration.call_ns + calibration.control_calls * calibration.control_call_ns
    return in_calls_ns + len(task.roles) * _BETWEEN_NS


def allot(
    tasks: Mapping[int, Task], left_ns: float, overhead_ns: float, core_pairs: int, other_pairs: int
) -> dict[int, int]:
    """Pairs of blocks of each cell in a round, so that `TARGET_ROUNDS` rounds fit into `left_ns`.

    Every cell has one. What is left of a round's time after `overhead_ns` for starting and ending its
    subjects goes to more pairs, first of the core, then of the others. Within each group the cell that has
    had the least time is next, and none gets more than the `most` pairs of a usual one take. A round
    that measures `ENOUGH` is not made longer, so that where there are few cells there are more rounds.
    """
    cost = {number: _pair_cost_ns(task) for number, task in tasks.items()}
    pairs = dict.fromkeys(tasks, 1)
    fixed_ns = overhead_ns * _LATER + sum(map(_warm_up_cost_ns, tasks.values()))
    room = min(left_ns / (TARGET_ROUNDS + RESERVE) - fixed_ns, ENOUGH * fixed_ns) - sum(cost.values())
    for is_core, most in ((True, core_pairs), (False, other_pairs)):
        group = [number for number in tasks if tasks[number].cell.is_core == is_core]
        share = most * _USUAL * statistics.median([cost[number] for number in group] or [0.0])
        while True:
            open_to = [
                number for number in group if pairs[number] < most and (pairs[number] + 1) * cost[number] <= share
            ]
            fitting = [number for number in open_to if cost[number] <= room]
            if not fitting:
                break
            chosen = min(fitting, key=lambda number: pairs[number] * cost[number])
            pairs[chosen] += 1
            room -= cost[chosen]
    return pairs
