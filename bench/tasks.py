"""Turns cells into tasks: how each one's subject is started, how many calls a block has, and how many blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bench import host, registry, schema
from bench.calibrate import Calibration, calibrate, warmup_calls
from bench.certificate import Ground
from bench.options import Options
from bench.pinning import Pinning
from bench.plan import Cell
from bench.round import Task
from bench.schedule import MOST_PAIRS
from bench.schema import CONTROL
from bench.store import Store
from bench.surroundings import Surroundings

CALIBRATION_ROUND = -1
# More rounds than an interval needs: its ends then are not the extremes.
TARGET_ROUNDS = 14
_NOT_CALIBRATED = Calibration(0, 0, 0.0, 0.0, "", 0)


class Preparation:
    """Calibrates the cells of a run; ``tasks`` then holds those that work, ``failed`` the others with the reason."""

    def __init__(
        self, options: Options, pins: Pinning, around: Surroundings, control: str, store: Store, origin_ns: int
    ) -> None:
        self.tasks: dict[int, Task] = {}
        self.failed: dict[int, str] = {}
        self._options = options
        self._pins = pins
        self._around = around
        self._control = control
        self._store = store
        self._origin_ns = origin_ns

    def calibrate(self, cells: Sequence[Cell], before_each: Callable[[Cell], None]) -> None:
        """Calibrate each cell once; one that fails gets an error row, and no blocks."""
        for cell in cells:
            before_each(cell)
            settings = self._settings(cell)
            started = time.perf_counter_ns() - self._origin_ns
            try:
                found = calibrate(settings, self._options.block_ns, self._options.deadline_s)
                self.tasks[cell.number] = Task(cell, settings, found, 1)
            except host.SubjectError as error:
                self.failed[cell.number] = str(error)
                blank = [None] * (len(schema.SUBJECTS.columns) - 5)
                text = f"calibration: {error}"
                row = (CALIBRATION_ROUND, cell.number, schema.ERROR, text, started, *blank)
                self._store.add(schema.SUBJECTS, [row])

    def settle(self, cells: Sequence[Cell], left_s: float) -> None:
        """Decide how many pairs of blocks each cell has in a round, and write cells.csv."""
        options = self._options
        pairs = allot(self.tasks, left_s * 1e9, options.core_pairs, options.other_pairs)
        self.tasks = {number: replace(task, pairs=pairs[number]) for number, task in self.tasks.items()}
        self._store.add(schema.CELLS, [self._row(cell) for cell in cells])
        self._store.sync()

    def _row(self, cell: Cell) -> tuple[object, ...]:
        """The cell's row of cells.csv; without blocks if its calibration failed."""
        task = self.tasks.get(cell.number)
        found = task.calibration if task else _NOT_CALIBRATED
        level = cell.level
        return (
            cell.number,
            cell.python.label,
            cell.mechanism.name,
            cell.mechanism.work,
            level.scenario.name,
            level.text,
            level.scenario.unit,
            cell.mechanism.control if self._control else "",
            found.calls,
            found.control_calls,
            task.pairs if task else 0,
            found.path,
        )

    def ground(self, cell: Cell) -> Ground:
        """What the certificate measures with: the interpreter of `cell`."""
        return Ground(cell.python.executable, self._control, self._pins.subject)

    def _settings(self, cell: Cell) -> host.Settings:
        beside = cell.mechanism.control if self._control else ""
        free = (cell.level.scenario.name, cell.level.text) == ("affinity", "free")
        return host.Settings(
            python=cell.python.executable,
            mechanism=cell.mechanism.where,
            beside=registry.mechanisms()[beside].where if beside else "",
            scenario=cell.level.scenario.where,
            level=cell.level.asked,
            cpu=None if free else self._pins.subject,
            true=self._around.true,
            control=self._control,
            path=self._options.path,
        )


def _start_cost_ns(task: Task) -> float:
    """What a subject costs in a round before its first block: half its set-up (two CPUs share it), and warm-up."""
    found = task.calibration
    warm_up = warmup_calls(found.calls) * found.call_ns
    if CONTROL in task.roles:
        warm_up += warmup_calls(found.control_calls) * found.control_call_ns
    return found.set_up_ns / 2 + warm_up


def _pair_cost_ns(task: Task) -> float:
    """What one pair of blocks costs."""
    found = task.calibration
    return found.calls * found.call_ns + found.control_calls * found.control_call_ns


def allot(tasks: Mapping[int, Task], left_ns: float, core_pairs: int, other_pairs: int) -> dict[int, int]:
    """Pairs of blocks of each cell in a round, so that `TARGET_ROUNDS` rounds fit into `left_ns`.

    Every cell has one. What is left of a round's time goes to second pairs, third pairs and so on, to
    the core before the others and to cheap cells before dear ones: rounds are what counts, and a pair
    more of a dear cell would cost them.
    """
    pairs = dict.fromkeys(tasks, 1)
    room = left_ns / TARGET_ROUNDS - sum(_start_cost_ns(task) + _pair_cost_ns(task) for task in tasks.values())
    by_value = sorted(tasks, key=lambda number: (not tasks[number].cell.is_core, _pair_cost_ns(tasks[number])))
    for wanted in range(2, MOST_PAIRS + 1):
        for number in by_value:
            most = core_pairs if tasks[number].cell.is_core else other_pairs
            cost = _pair_cost_ns(tasks[number])
            if wanted <= most and pairs[number] == wanted - 1 and cost <= room:
                pairs[number] = wanted
                room -= cost
    return pairs
