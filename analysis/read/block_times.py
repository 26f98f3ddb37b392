"""Turns start, length and usage of every block into the certainty that they can be, or into the line that cannot.

All times of a run come from one clock, and subjects and blocks are measured one after the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.read.contradiction import Numbers, Tables, numbers_of, places, refuse_row
from bench import schema

# The kernel counts CPU time by ticks of 1 to 10 ms, and a call that was not at work at a tick may get the whole.
_TICK_NS = 10_000_000
# Each takes an entry into the kernel and back. In the committed run (results/) a block has at least 2.5 µs for each.
_LEAST_EVENT_NS = 10
# As many as Linux can be built for; used where run.json does not tell.
_MOST_CPUS = 8192
_CPU_TIMES = ("parent_user_ns", "parent_sys_ns", "child_user_ns", "child_sys_ns")
_EVENTS = ("parent_faults", "child_faults", "parent_switches", "child_switches")


def check(tables: Tables) -> None:
    """Raise `LoadError` where times of subjects, blocks and run cannot all be true."""
    blocks = tables.blocks
    refuse_row(tables, schema.BLOCKS, numbers_of(blocks, "elapsed_ns") == 0, lambda row: "elapsed_ns is 0")
    wall_ns = tables.document.wall_ns
    if wall_ns is not None:
        what = f"later than the run ended: wall_ns of run.json is {wall_ns}"
        refuse_row(tables, schema.BLOCKS, _ends(tables) > wall_ns, lambda row: what)
        refuse_row(tables, schema.SUBJECTS, numbers_of(tables.subjects, "start_ns") > wall_ns, lambda row: what)
    _check_after_subject(tables)
    _check_between_rounds(tables)
    _check_sequence(tables)


def _ends(tables: Tables) -> NDArray[np.float64]:
    """When each block ended; as floating-point numbers no sum is too large."""
    start, elapsed = (tables.blocks[name].to_numpy(dtype=np.float64) for name in ("start_ns", "elapsed_ns"))
    ends: NDArray[np.float64] = np.add(start, elapsed)
    return ends


def _of_subject(tables: Tables, column: str) -> NDArray[np.float64]:
    """A column of the subject of each block; NaN where it has none, as in a round that was not finished."""
    subjects = tables.subjects[tables.subjects["round"] >= 0]
    known = subjects[column].astype(float).set_axis(places(subjects))
    return np.asarray(known.reindex(places(tables.blocks)), dtype=np.float64)


def _check_after_subject(tables: Tables) -> None:
    """A block begins after its subject was started, and after the warm-up if it is none itself."""
    begin = _of_subject(tables, "start_ns")
    setup = np.nan_to_num(_of_subject(tables, "setup_ns"))
    earliest = begin + np.where(numbers_of(tables.blocks, "block") < 0, 0.0, setup)
    refuse_row(
        tables,
        schema.BLOCKS,
        numbers_of(tables.blocks, "start_ns") < earliest,  # false where it is NaN
        lambda row: "begins before its subject was started or set up (start_ns, setup_ns of subjects.csv)",
    )


def _check_sequence(tables: Tables) -> None:
    """In the order of time, blocks do not overlap, rounds follow each other, and so does `order` in each."""
    blocks = tables.blocks
    by_time = np.argsort(numbers_of(blocks, "start_ns"), kind="stable")
    start, end = numbers_of(blocks, "start_ns")[by_time], _ends(tables)[by_time]
    rounds, order = (numbers_of(blocks, name)[by_time].astype(np.int64) for name in ("round", "order"))
    marked = np.zeros(len(blocks), dtype=bool)
    marked[by_time[1:][start[1:] < end[:-1]]] = True
    what = "begins before the block before it has ended (start_ns, elapsed_ns)"
    refuse_row(tables, schema.BLOCKS, marked, lambda row: what)
    counted = order >= 0
    within = (rounds[counted][1:] == rounds[counted][:-1]) & (order[counted][1:] <= order[counted][:-1])
    marked[by_time[1:][rounds[1:] < rounds[:-1]]] = True
    marked[by_time[counted][1:][within]] = True
    # Where the subjects of a round do not fit side by side, those of the next sitting are started, and warmed up,
    # when the sitting before has been measured.
    latest = np.maximum.accumulate(np.where(counted, end, 0.0))
    marked[by_time[~counted & (_of_subject(tables, "start_ns")[by_time] < latest)]] = True
    refuse_row(tables, schema.BLOCKS, marked, lambda row: "round and order do not follow the order of start_ns")


def _check_between_rounds(tables: Tables) -> None:
    """The subjects of a round are started when all blocks of the rounds before it have ended."""
    rounds, ends = numbers_of(tables.blocks, "round"), _ends(tables)
    by_round = np.argsort(rounds, kind="stable")
    latest = np.maximum.accumulate(np.append(0.0, ends[by_round]))
    before: Numbers = latest[np.searchsorted(rounds[by_round], numbers_of(tables.subjects, "round"))]
    refuse_row(
        tables,
        schema.SUBJECTS,
        numbers_of(tables.subjects, "start_ns") < before,
        lambda row: "start_ns is before the end of the round before",
    )


def check_usage(tables: Tables) -> None:
    """Raise `LoadError` where a block used more than all CPUs could since its subject was started.

    Not since the block began: children that are reaped in it may have been at work before.
    """
    blocks, calls = tables.blocks, numbers_of(tables.blocks, "calls")
    since = np.nan_to_num(_of_subject(tables, "start_ns")) if tables.measured else 0.0
    room = (_ends(tables) - since) * (tables.document.cpus.allowed or _MOST_CPUS)
    for names, cost, slack in ((_CPU_TIMES, 1, _TICK_NS), (_EVENTS, _LEAST_EVENT_NS, 0)):
        for name in names:
            used = numbers_of(blocks, name)
            refuse_row(
                tables,
                schema.BLOCKS,
                used > (room / np.maximum(calls, 1) + slack) / cost,  # false where it is NaN
                lambda row, name=name: f"{name} is {blocks[name][row]:g}, more than fits into the subject's life",  # type: ignore[misc]
            )
