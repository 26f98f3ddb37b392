"""Holds how a round's time is shared out among cells."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.driver.launch import Settings
from bench.measure.calibrate import Calibration
from bench.measure.preparation import _LATER, RESERVE, TARGET_ROUNDS, Preparation, allot
from bench.measure.round import Task
from bench.options import MOST_PAIRS
from bench.plan import registry, setup
from bench.plan.cells import Cell
from bench.plan.interpreters import Interpreter
from bench.plan.levels import parse_scenarios
from bench.schema import Path
from tests.engine import options

PYTHON = Interpreter("3.11.7", "/usr/bin/python3", {}, {})
(BARE,) = parse_scenarios(["parent=bare"])
MS = 1e6
# A start of subjects that takes long enough for a round to be worth making longer.
LONG = 1_000 * MS


def task(number: int, mechanism: str, calls: int, call_ms: float, control_ms: float = 0.0) -> Task:
    """A task whose blocks have `calls` calls of `call_ms`, and as many of the control if that costs anything."""
    cell = Cell(number, PYTHON, registry.mechanisms()[mechanism], BARE)
    settings = Settings("python", "m:n", control_mechanism="c:d" if control_ms else "")
    found = Calibration(calls, calls if control_ms else 0, call_ms * MS, control_ms * MS, Path.FORK)
    return Task(cell, settings, found, 1)


def seconds_left(round_ms: float) -> float:
    """The time left, in ns, that gives each of the rounds aimed at so many ms."""
    return round_ms * MS * (TARGET_ROUNDS + RESERVE)


def test_every_cell_has_one_pair_whatever_is_left() -> None:
    """With no time at all, or less than none, each cell still has its one pair."""
    tasks = {0: task(0, "os_fork", 100, 0.1, 0.1), 1: task(1, "mp_spawn", 1, 40.0)}
    for left in (0.0, -1e9, seconds_left(1.0)):
        assert allot(tasks, left, 0, 8, 8) == {0: 1, 1: 1}


def test_much_time_gives_the_most_pairs() -> None:
    """The core has at most its number of pairs, the others theirs, however long the run."""
    tasks = {0: task(0, "os_fork", 100, 0.1, 0.1), 1: task(1, "thread", 100, 0.1)}
    assert allot(tasks, 1e15, LONG, 4, 2) == {0: 4, 1: 2}
    assert allot(tasks, 1e15, LONG, 1, 8) == {0: 1, 1: 8}


def test_a_little_time_goes_to_the_core_first() -> None:
    """Where there is time for one more pair only, a core cell has it, and the cheap one before the dear one."""
    tasks = {0: task(0, "thread", 10, 1.0), 1: task(1, "mp_spawn", 1, 40.0), 2: task(2, "os_fork", 10, 1.0)}
    # One pair of each is about 60 ms, and a pair more of os_fork 10 ms; what comes between blocks is a few ms.
    assert allot(tasks, seconds_left(0.6 * LONG / MS + 85.0), LONG, 8, 8)[2] > 1
    assert allot(tasks, seconds_left(0.6 * LONG / MS + 85.0), LONG, 2, 1) == {0: 1, 1: 1, 2: 2}


def test_what_starting_takes_is_no_time_for_pairs() -> None:
    """The same time with a dearer start of subjects affords fewer pairs."""
    tasks = {0: task(0, "os_fork", 10, 1.0, 1.0)}
    assert allot(tasks, seconds_left(200.0), 60 * MS, 8, 8)[0] > allot(tasks, seconds_left(200.0), 160 * MS, 8, 8)[0]


def test_a_cheap_start_gives_more_rounds_instead_of_more_pairs() -> None:
    """A round that measures as many times what it costs to start as is worth while gets no more pairs."""
    tasks = {0: task(0, "os_fork", 10, 1.0, 1.0)}
    pairs = [allot(tasks, 1e15, start * MS, 8, 8)[0] for start in (0, 20, 40, 1_000)]
    assert pairs == sorted(pairs)
    assert (pairs[0], pairs[-1]) == (1, 8)


@given(
    st.lists(
        st.tuples(st.sampled_from(["os_fork", "thread", "mp_spawn"]), st.floats(0.01, 50)), min_size=1, max_size=9
    ),
    st.floats(0, 5_000),
    st.floats(0, 500),
    st.integers(1, MOST_PAIRS),
    st.integers(1, MOST_PAIRS),
)
def test_extra_pairs_fit_into_the_round(
    cells: list[tuple[str, float]], round_ms: float, overhead_ms: float, core: int, others: int
) -> None:
    """No cell goes beyond its most, and what is given beyond one pair each costs no more than the round has.

    Starting all subjects takes a part of what it took the first time.
    """
    tasks = {number: task(number, name, 5, cost, cost) for number, (name, cost) in enumerate(cells)}
    pairs = allot(tasks, seconds_left(round_ms), overhead_ms * MS, core, others)
    for number, one in tasks.items():
        assert 1 <= pairs[number] <= (core if one.cell.is_core else others)
    if any(count > 1 for count in pairs.values()):
        spent = sum(pairs[number] * 10 * cost for number, (_, cost) in enumerate(cells))
        assert spent + _LATER * overhead_ms <= round_ms * (1 + 1e-9)


@given(st.floats(0, 5_000), st.floats(0, 5_000))
def test_more_time_never_means_fewer_pairs_of_the_core(one_ms: float, other_ms: float) -> None:
    """A longer budget gives each core cell at least the pairs that a shorter one gives."""
    tasks = {0: task(0, "os_fork", 10, 1.0, 1.0), 1: task(1, "posix_spawn", 10, 2.0, 2.0)}
    short, long = sorted((one_ms, other_ms))
    few, many = (allot(tasks, seconds_left(ms), 20 * MS, 8, 4) for ms in (short, long))
    assert all(few[number] <= many[number] for number in tasks)


# A pair of this cell takes 10 ms of mechanism, 10 ms of control, and 1 ms behind each: 22 ms. Its warm-up is two
# calls of each: 4 ms.
@pytest.mark.parametrize(("start_ms", "pairs"), [(39.1, 4), (39.2, 5), (0.0, 1), (28.0, 3), (28.2, 3)])
def test_a_round_is_four_times_what_it_costs_before_its_first_block(start_ms: float, pairs: int) -> None:
    """At 39.17 ms it costs 0.6 times that and 4 ms, 27.5 ms: 110 ms hold five pairs; with less there are four."""
    assert allot({0: task(0, "os_fork", 10, 1.0, 1.0)}, 1e15, start_ms * MS, 8, 8) == {0: pairs}


@pytest.mark.parametrize(("room_ms", "pairs"), [(21.9, 1), (22.1, 2), (43.9, 2), (44.1, 3), (1e6, 8)])
def test_a_thirteenth_of_the_time_is_a_round(room_ms: float, pairs: int) -> None:
    """Twelve rounds and one in reserve: what a start of 1 s (600 ms later), 4 ms and one pair leave goes to pairs."""
    left_ms = 13 * (600 + 4 + 22 + room_ms)
    assert allot({0: task(0, "os_fork", 10, 1.0, 1.0)}, left_ms * MS, LONG, 8, 8) == {0: pairs}


@pytest.mark.parametrize(("dear_ms", "pairs"), [(4.2, 2), (5.0, 2), (5.2, 1)])
def test_a_dear_cell_takes_no_more_time_than_a_usual_one_may(dear_ms: float, pairs: int) -> None:
    """Usual pairs take 22 ms. Two of them and a fifth are 52.8 ms: two pairs of 26 ms are within, of 27 ms are not."""
    tasks = {number: task(number, "os_fork", 5, 4.2) for number in range(2)}
    tasks[2] = task(2, "os_fork", 5, dear_ms)
    assert allot(tasks, 1e15, LONG, 2, 1) == {0: 2, 1: 2, 2: pairs}


def test_the_cell_that_had_the_least_time_is_next() -> None:
    """Of cells of 21 and 11 ms, with time for 54 ms, the cheap one has three more pairs for one of the dear one."""
    tasks = {0: task(0, "os_fork", 10, 2.0), 1: task(1, "os_fork", 10, 1.0)}
    left_ms = 13 * (600 + 2 * 2.0 + 2 * 1.0 + 32 + 54.5)
    # Had so far: 21 and 11, so the cheap one; 21 and 22, so the dear one; 42 and 22, and 42 and 33: the cheap one.
    assert allot(tasks, left_ms * MS, LONG, 8, 8) == {0: 2, 1: 4}


def test_what_may_not_be_idle_is_calibrated_alone(tmp_path: pathlib.Path) -> None:
    """A parent with busy threads starts a group of its own and ends the one before; the rest stays together."""
    here = setup.prepare("none", ())
    levels = parse_scenarios(["parent=bare", "threads=2", "threads_busy=1", "parent=equal"])
    waiting = [Cell(number, PYTHON, registry.mechanisms()["os_fork"], level) for number, level in enumerate(levels)]
    no_store: Any = None
    preparation = Preparation(options(tmp_path), here, no_store, 0)
    sizes = []
    while waiting:
        group = preparation._first_group(waiting)
        sizes.append(len(group))
        waiting = waiting[len(group) :]
    assert sizes == [2, 1, 1]
