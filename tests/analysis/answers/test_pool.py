"""The answer from how many tasks on a pool pays, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.analysis.answers.test_claims import EXEC, lines, quiet
from tests.edit_run import scale_rounds

CALL = replace(EXEC, work="python_call", control="native_fork")
POOL = replace(CALL, mechanism="process_pool", total_ns=4_000_000.0)
TASK = replace(CALL, mechanism="pool_task", work="reuse", total_ns=100_000.0)
FORK = replace(CALL, mechanism="mp_fork", total_ns=1_600_000.0)
SPAWN = replace(CALL, mechanism="mp_spawn", total_ns=30_000_000.0)
SERVER = replace(CALL, mechanism="mp_forkserver", total_ns=4_000_000.0)
QUESTION = "share a worker"
# The start of the pool in each round, as a share of 4.3 ms: 2.8 tasks, with a standard error of 1.8 %.
STARTS = [0.95, 0.97, 1.0, 1.0, 1.03, 1.06]


def test_a_pool_pays_from_the_task_on_that_makes_up_for_its_start(tmp_path: Path) -> None:
    """4 ms and 0.1 ms for each other task meet 1.6 ms a task at 3.9 / 1.5 = 2.6: two tasks take longer, three less."""
    first, _ = lines(quiet(tmp_path, [POOL, TASK, FORK]), QUESTION)
    assert first == (
        "Use a pool instead of `mp_fork` from 3 tasks for each worker on (3 to 3), as computed from single tasks. "
        "The pool took 4.00 ms (4.00 to 4.00) with its first task and 100 µs (100 to 100) for each other, "
        "`mp_fork` took 1.60 ms (1.60 to 1.60) for each."
    )


def test_a_process_dearer_than_the_pool_pays_at_once(tmp_path: Path) -> None:
    """The start of a pool takes less than one spawned process: one task is enough, and one task was measured."""
    first, last = lines(quiet(tmp_path, [POOL, TASK, SPAWN]), QUESTION)
    assert first.startswith("Use a pool instead of `mp_spawn` from 1 task for each worker on (1 to 1). The pool took")
    assert last.startswith("A pool of one worker, by fork, was measured with one task")


def test_a_pool_must_be_faster_not_equal(tmp_path: Path) -> None:
    """At one task the pool takes 4 ms as a process does, which is no gain: two tasks are the first that pay."""
    first, _ = lines(quiet(tmp_path, [POOL, TASK, SERVER]), QUESTION)
    assert first.startswith("Use a pool instead of `mp_forkserver` from 2 tasks")


def test_three_ways_asked_at_once_widen_the_interval(tmp_path: Path) -> None:
    """4.2 / 1.5 = 2.8 tasks ± 5.7 % (t of 3 degrees: 3.18) stay below 3 alone; among three ± 8.7 % (4.86) do not."""
    scale, pool = {(0, "mechanism"): STARTS}, replace(POOL, total_ns=4_300_000.0)
    alone, _ = lines(scale_rounds(quiet(tmp_path / "one", [pool, TASK, FORK]), scale), QUESTION)
    three = lines(scale_rounds(quiet(tmp_path / "three", [pool, TASK, FORK, SPAWN, SERVER]), scale), QUESTION)
    assert "from 3 tasks for each worker on (3 to 3)" in alone
    assert "from 3 tasks for each worker on (3 to 4)" in three[0]
    assert len(three) == 4


def test_a_task_that_costs_as_much_as_a_process_is_no_reason_for_a_pool(tmp_path: Path) -> None:
    """Where a process is no dearer than a task in one round, no number of tasks can be told."""
    run = scale_rounds(quiet(tmp_path, [POOL, TASK, FORK]), {(1, "mechanism"): [1, 1, 1, 1, 1, 17]})
    first, _ = lines(run, QUESTION)
    assert first == (
        "This run cannot tell from how many tasks on a pool pays against `mp_fork`: "
        "it is not always dearer than a task to a warm pool."
    )


def test_rounds_that_are_not_shared_tell_nothing(tmp_path: Path) -> None:
    """Five rounds with all three carry no interval; a run without one of the three asks for it."""
    cells = [replace(POOL, failing_rounds=(0, 1)), replace(TASK, failing_rounds=(2,)), FORK]
    first, _ = lines(quiet(tmp_path / "few", cells, rounds=8), QUESTION)
    assert first.endswith("against `mp_fork`: need at least 6 rounds, have 5.")
    (none,) = lines(quiet(tmp_path / "none", [POOL, FORK]), QUESTION)
    assert none.startswith("This run cannot tell: a pool, a task to a warm pool and a process for a task were not all")
    assert "--mechanism process_pool --mechanism pool_task --mechanism mp_fork --mechanism mp_spawn" in none
