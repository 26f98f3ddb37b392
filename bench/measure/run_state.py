"""One run while it lasts and after: what is measured so far, what failed, and how much time is left."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from bench.driver import reaping
from bench.driver.guard import GUARD
from bench.driver.process import SET_UP_DEADLINE_S
from bench.measure.round import Measured, Task
from bench.options import Options
from bench.plan.cells import Cell
from bench.progress import Progress
from bench.schema import Role

# Seconds at the end of a budget that are kept for stopping, compressing and run.json.
_CLOSING_S = 0.7
# What any subject has to get ready, however little of the budget is left: a busy machine is no error.
_LEAST_SET_UP_S = 10.0
# The same for a block, which has as many times what it took in calibration as well.
_LEAST_BLOCK_S = 5.0
_TIMES_CALIBRATED = 100


@dataclass
class Run:
    """One run while it lasts and after: `measured` has every block in short, `failures` errors by cell.

    `ended` says that nothing interrupted it. `given_up` are the cells that were measured no further, or could be
    calibrated and then not measured once. `room_bytes` is what subjects that live side by side may fill; cells whose
    dose was said to be off are in `warned`. `children_before` are the children of this process that are not the run's.
    """

    options: Options
    progress: Progress
    began_ns: int = field(default_factory=time.perf_counter_ns)
    directory: Path = Path()
    cells: list[Cell] = field(default_factory=list)
    tasks: dict[int, Task] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    in_a_row: dict[int, int] = field(default_factory=dict)
    given_up: list[int] = field(default_factory=list)
    room_bytes: float = math.inf
    warned: set[int] = field(default_factory=set)
    forced: int = 0
    children_before: frozenset[int] = field(default_factory=lambda: frozenset(reaping.children()))
    rounds: int = 0
    in_calls_ns: int = 0
    rounds_ns: list[int] = field(default_factory=list)
    shares_while_ready: list[float] = field(default_factory=list)
    ended: bool = False

    def wall_ns(self) -> int:
        """Nanoseconds since the run began."""
        return time.perf_counter_ns() - self.began_ns

    def lacks(self) -> str:
        """What keeps the run from being complete; empty: nothing. A cell that failed and recovered lacks nothing."""
        if not self.tasks:
            return "no cell could be measured to the end"
        if self.given_up:
            return f"given up: {', '.join(self.cells[number].name for number in sorted(self.given_up))}"
        return ""

    def left_s(self) -> float:
        """Seconds of the budget that are left for measuring."""
        return self.options.budget - self.wall_ns() / 1e9 - _CLOSING_S

    def set_up_s(self) -> float:
        """Seconds that subjects which start now have to get ready: no more than what is left, or one holds the run."""
        if self.options.rounds is not None:
            return SET_UP_DEADLINE_S
        return min(SET_UP_DEADLINE_S, max(_LEAST_SET_UP_S, self.left_s()))

    def block_s(self) -> float:
        """Seconds that a block which begins now may take: what is left where that is less than the deadline of all."""
        calibrated_ns = [task.block_ns for task in self.tasks.values()]
        if self.options.rounds is not None or 0.0 in calibrated_ns:  # a resumed run does not know
            return self.options.deadline_s
        needed_s = max(_LEAST_BLOCK_S, _TIMES_CALIBRATED * max(calibrated_ns, default=0.0) / 1e9)
        return min(self.options.deadline_s, max(needed_s, self.left_s()))

    def share_in_calls(self) -> float:
        """Share of the wall time so far that was spent inside of timed calls, those of warm-ups included; 0 to 1."""
        return self.in_calls_ns / max(self.wall_ns(), 1)

    def share_while_ready(self) -> float | None:
        """Share of a round inside of timed calls, without the start and end of its subjects: the median of rounds."""
        return statistics.median(self.shares_while_ready) if self.shares_while_ready else None

    def processes_left(self) -> int:
        """Processes that the run started and that are still there, and subjects that had to be ended by force."""
        left = set(reaping.children()) - self.children_before - {GUARD.pid}  # the watcher ends after the run
        return len(left) + self.forced

    def short_name(self, number: int) -> str:
        """The name of a cell without what goes without saying: a bare parent, and the only interpreter."""
        cell = self.cells[number]
        level = "" if cell.level.name == "parent=bare" else cell.level.name
        label = cell.python.label if len({other.python.label for other in self.cells}) > 1 else ""
        return " ".join(filter(None, (cell.mechanism.name, level, label)))

    def medians(self) -> list[tuple[str, float]]:
        """Name and median so far in ns of each cell, those of the core first."""
        by_cell: dict[int, list[float]] = defaultdict(list)
        for block in self.measured:
            if block.role is Role.MECHANISM:
                by_cell[block.cell].append(block.median_ns)
        ordered = sorted(by_cell, key=lambda number: (not self.cells[number].is_core, number))
        return [(self.short_name(number), statistics.median(by_cell[number])) for number in ordered]
