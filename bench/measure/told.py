"""Turns what a run cannot measure, and how it ended, into lines for its user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bench.measure.run_state import Run
from bench.options import FEWEST_ROUNDS
from bench.plan.cells import Cell
from bench.plan.setup import Setup
from bench.progress import Progress


def say_what_is_missing(setup: Setup, progress: Progress) -> None:
    """Name what has no control, and so no relative latency."""
    if setup.control.problem:
        progress.message(f"without the C control there is no relative latency: {setup.control.problem}")
    for python in setup.pythons:
        if python.control_problem:
            progress.message(f"no relative latency with Python {python.label}: {python.control_problem}")


def say_what_is_left_out(run: Run, left_out: Sequence[Cell]) -> None:
    """Name the cells for which the budget is too small, before the first round."""
    if not left_out:
        return
    run.progress.message(
        f"left out, since a budget of {run.options.budget:g} s does not give {FEWEST_ROUNDS} rounds of more than "
        f"{len(run.tasks)} of {len(run.cells)} cells: {_names_of(left_out)}"
    )


def _names_of(some: Sequence[Cell]) -> str:
    """Cells in few words: each mechanism once, with the parents that it is not measured in."""
    several = len({cell.python.label for cell in some}) > 1
    parents: dict[str, list[str]] = defaultdict(list)
    for cell in some:
        name = f"{cell.mechanism.name} {cell.python.label}" if several else cell.mechanism.name
        parents[name].append(cell.level.name)
    return "; ".join(f"{name} ({', '.join(levels)})" for name, levels in parents.items())


def say_how_it_ended(run: Run) -> None:
    """Say how much was measured, what failed, and what the run lacks."""
    say = run.progress.message
    for number, count in sorted(run.failures.items()):
        say(f"error: {run.cells[number].name} failed {count} times; subjects.csv has each with its reason")
    say(
        f"{run.rounds} rounds of {len(run.tasks)} cells in {run.wall_ns() / 1e9:.1f} s, "
        f"{run.share_in_calls():.0%} of it inside measured calls"
    )
    if lacks := run.lacks():
        say(f"WARNING: {lacks}; the run is marked partial")
    if run.tasks and run.rounds < FEWEST_ROUNDS:
        say(
            f"WARNING: only {run.rounds} complete rounds; an interval needs {FEWEST_ROUNDS}. "
            f"Raise --budget (now {run.options.budget:g} s) or measure fewer mechanisms"
        )
