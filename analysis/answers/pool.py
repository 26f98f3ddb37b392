"""Turns a pool's start, a task to a warm pool and a process into the answer from how many tasks on a pool pays."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from analysis.answers.parts import UNTOLD, cannot_tell, rows_with_interval, same_rounds
from analysis.stats.ratio import compare_paired
from analysis.summary.analysed_run import AnalysedRun
from analysis.text.names import latency_text

POOL, TASK = "process_pool", "pool_task"
# What runs one function in a process of its own.
PROCESSES = ("mp_fork", "mp_forkserver", "mp_spawn")
OPTIONS = "--mechanism process_pool --mechanism pool_task --mechanism mp_fork --mechanism mp_spawn"


def pool(analysed: AnalysedRun) -> Iterator[str]:
    """For each way to start a process a task: how many tasks a worker must get for a pool to take less time."""
    rows = rows_with_interval(analysed.main_cells())
    by_python = {python: rows[rows["python"] == python].set_index("mechanism") for python in analysed.pythons}
    asked = [
        (python, process)
        for python, cells in by_python.items()
        for process in PROCESSES
        if {POOL, TASK, process} <= set(cells.index)
    ]
    for python, process in asked:
        yield f"{analysed.python_prefix(python)}{_text(analysed, by_python[python], process, len(asked))}"
    if asked:
        yield (
            "A pool of one worker, by fork, was measured with one task: times for more tasks are computed from that "
            "and from a task to a warm pool, one task after the other."
        )
    else:
        yield cannot_tell(
            "a pool, a task to a warm pool and a process for a task were not all measured; "
            f"`python -m bench run {OPTIONS}` does so"
        )


def _text(analysed: AnalysedRun, cells: pd.DataFrame, process: str, comparisons: int) -> str:
    """Sentences on a pool against one kind of process, told as one of so many.

    A pool takes (P - T) + N T for N tasks, where P is its start with one task and T a task to a warm pool; processes
    take N F. The pool takes less time where N is more than (P - T) / (F - T), here taken round by round.
    """
    pool_ns, task_ns, process_ns = same_rounds(analysed, *(int(cells["cell"][name]) for name in (POOL, TASK, process)))
    limit = compare_paired(process_ns - task_ns, pool_ns - task_ns, comparisons=comparisons)
    latency = {str(name): latency_text(row) for name, row in cells.iterrows()}
    took = (
        f"The pool took {latency[POOL]} with its first task and {latency[TASK]} for each other, "
        f"`{process}` took {latency[process]} for each."
    )
    if limit.verdict is None:
        dear = len(pool_ns) == 0 or bool((process_ns > task_ns).all())
        reason = limit.reason.partition(": ")[2] if dear else "it is not always dearer than a task to a warm pool"
        return f"{UNTOLD} from how many tasks on a pool pays against `{process}`: {reason}."
    tasks, fewest, most = (math.floor(number) + 1 for number in (limit.ratio, limit.lo, limit.hi))
    noun = "task" if tasks == 1 else "tasks"
    computed = "" if most == 1 else ", as computed from single tasks"
    number = f"{tasks} {noun} for each worker on ({fewest} to {most})"
    return f"Use a pool instead of `{process}` from {number}{computed}. {took}"
