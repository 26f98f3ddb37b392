"""Turns a run of identical and known things into the instrument's certificate, for this machine, now."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.driver import pinning
from bench.driver.guard import GUARD
from bench.errors import UsageError
from bench.machine.fitness import assess, unfit_lines
from bench.measure import certificate
from bench.measure.certificate import Ground
from bench.measure.run import execute
from bench.measure.run_state import Run
from bench.options import Options
from bench.plan import interpreters
from bench.plan.setup import prepare
from bench.progress import Progress, choose
from bench.schema import CheckState, Direction, Role
from bench.schema.run_document import Check
from bench.schema.visible import visible

DEFAULT_BUDGET_S = 30.0
LEAST_BUDGET_S = 10.0
# Identical cells of one run: the ratio of their relative latencies must not be further from 1 than this.
MOST_DIFFERENCE = 0.02
_IDENTICAL = ("os_fork", "posix_spawn")
# Of the budget: for the observer effect, and for the run of identical cells.
_OBSERVER_PART, _RUN_PART = 0.25, 0.65


def main(python: str | None, budget_s: float | None) -> int:
    """Print the certificate of `python` (default: as for a run); 0 if every check passes, else 1."""
    budget = DEFAULT_BUDGET_S if budget_s is None else budget_s
    if not budget >= LEAST_BUDGET_S:
        raise UsageError(f"--budget {budget:g}: the certificate needs {LEAST_BUDGET_S:g} seconds at least")
    for line in unfit_lines(assess()):
        print(visible(f"UNFIT MACHINE: {line}"))
    checks = measure(python or interpreters.default(), budget, choose(sys.stderr.isatty()))
    for check in checks:
        print(visible(line_of(check)))
    failed = [check.name for check in checks if not check.passed]
    print(f"FAILED: {', '.join(failed)}" if failed else "passed")
    return 1 if failed else 0


def measure(python: str, budget_s: float, progress: Progress) -> list[Check]:
    """All checks, in some `budget_s` seconds; the files of the run behind them are thrown away."""
    setup = prepare(pythons=[python])
    python = setup.pythons[0].executable
    descriptors = _open_descriptors()
    pinning.apply(setup.pins)
    try:
        ground = Ground(python, setup.control.folder, setup.pins.subject_cpu)
        with GUARD.on_watch():
            checks = certificate.opening(ground, budget_s * _OBSERVER_PART)
    finally:
        pinning.undo(setup.pins)
    with tempfile.TemporaryDirectory(prefix="forkbench-") as folder:
        run = _identical_run(python, budget_s * _RUN_PART, Path(folder), progress)
    checks += identical_cells(run)
    checks += certificate.of_run(run.measured, run.share_while_ready(), run.processes_left())
    left = _open_descriptors() - descriptors
    return [*checks, certificate.at_most("descriptors_left", left, "descriptors", 0, "open after, not before")]


def line_of(check: Check) -> str:
    """One check as a line of text."""
    verdict = {CheckState.PASSED: "ok", CheckState.FAILED: "FAIL", CheckState.NOT_MEASURED: "NONE"}[check.state]
    sign = {Direction.AT_MOST: "<=", Direction.AT_LEAST: ">="}[check.direction]
    value = "-" if check.value is None else f"{check.value:.5g}"
    unit = "" if check.unit == "1" else f" {check.unit}"
    return f"{verdict:<4} {check.name:<24} {value:>10}{unit} ({sign} {check.bound:g}): {check.text}"


def _identical_run(python: str, budget_s: float, folder: Path, progress: Progress) -> Run:
    """One run of two interpreters that are the same file by two paths."""
    other = folder / "the-same-python"
    other.symlink_to(python)
    options = Options(
        results=folder,
        budget_s=budget_s,
        mechanisms=_IDENTICAL,
        pythons=(python, str(other)),
        certificate=False,
    )
    return execute(options, progress)


def identical_cells(run: Run) -> list[Check]:
    """For each mechanism, how far the ratio of its two identical cells is from 1 (absolute without a control)."""
    checks = []
    for name in _IDENTICAL:
        twins = [cell.number for cell in run.cells if cell.mechanism.name == name]
        if len(twins) != 2:
            continue
        first, second = (_round_latencies(run, number) for number in twins)
        ratios = [second[number] / first[number] for number in sorted(first.keys() & second.keys())]
        if not ratios:
            continue
        ratio = statistics.median(ratios)
        text = f"two identical cells of {name}: ratio {ratio:.4f} over {len(ratios)} rounds"
        checks.append(certificate.at_most(f"identical_{name}", abs(ratio - 1), "1", MOST_DIFFERENCE, text))
    return checks


def _round_latencies(run: Run, cell: int) -> dict[int, float]:
    """Each round's relative latency of `cell`: the median over its pairs of blocks, as in a summary."""
    blocks = [block for block in run.measured if block.cell == cell and block.block >= 0]
    beside = {(block.round, block.block): block.median_ns for block in blocks if block.role is Role.CONTROL}
    by_round: dict[int, list[float]] = defaultdict(list)
    for block in blocks:
        if block.role is Role.MECHANISM:
            by_round[block.round].append(block.median_ns / beside.get((block.round, block.block), 1.0))
    return {number: statistics.median(values) for number, values in by_round.items()}


def _open_descriptors() -> int:
    """Number of open file descriptors of this process; 0 where that cannot be told."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
