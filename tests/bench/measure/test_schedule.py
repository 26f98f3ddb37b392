"""Holds what the schedule promises of the order of blocks, for any cells and seeds."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.measure.schedule import PAGE, Share, Step, padding, round_steps, sittings
from bench.options import MOST_PAIRS
from bench.plan.levels import parse_scenarios
from bench.schema import Role

SHARES = st.dictionaries(
    st.integers(0, 60), st.builds(Share, st.integers(1, MOST_PAIRS), st.booleans()), min_size=1, max_size=12
)
SEEDS = st.integers(-(2**40), 2**40)
ROUNDS = st.integers(0, 500)
FEW = settings(max_examples=25)  # each has up to a hundred blocks, in an order of its own


def shape(steps: list[Step]) -> list[tuple[int, int, str]]:
    """The order as cell, block and role."""
    return [(step.cell, step.block, step.role) for step in steps]


@FEW
@given(SHARES, SEEDS, ROUNDS)
def test_every_cell_has_all_its_blocks(cells: dict[int, Share], seed: int, number: int) -> None:
    """A round holds each cell's blocks exactly once, numbered from 0, and counts its steps in order."""
    steps = round_steps(cells, seed, number)
    expected = {
        (cell, block, role)
        for cell, share in cells.items()
        for block in range(share.pairs)
        for role in ((Role.MECHANISM, Role.CONTROL) if share.has_control else (Role.MECHANISM,))
    }
    assert Counter(shape(steps)) == Counter(expected)
    assert [step.order for step in steps] == list(range(len(steps)))


@FEW
@given(SHARES, SEEDS, ROUNDS)
def test_the_two_blocks_of_a_pair_are_neighbours(cells: dict[int, Share], seed: int, number: int) -> None:
    """Mechanism and control of a pair follow each other at once: their ratio is taken."""
    places = {(step.cell, step.block, step.role): step.order for step in round_steps(cells, seed, number)}
    for (cell, block, role), order in places.items():
        if role == Role.CONTROL:
            assert abs(places[cell, block, Role.MECHANISM] - order) == 1


@FEW
@given(SHARES, SEEDS, ROUNDS)
def test_same_seed_same_order(cells: dict[int, Share], seed: int, number: int) -> None:
    """The order depends on seed, round and cells alone, not on the order in which cells are given."""
    backwards = dict(reversed(cells.items()))
    assert round_steps(cells, seed, number) == round_steps(backwards, seed, number)


@FEW
@given(SHARES, SEEDS, ROUNDS, st.integers(1, MOST_PAIRS - 1))
def test_fewer_pairs_keep_the_order_of_the_rest(cells: dict[int, Share], seed: int, number: int, most: int) -> None:
    """A machine that affords fewer pairs goes through the rest in the same order."""
    fewer = {cell: Share(min(share.pairs, most), share.has_control) for cell, share in cells.items()}
    kept = [one for one in shape(round_steps(cells, seed, number)) if one[1] < most]
    assert shape(round_steps(fewer, seed, number)) == kept


@FEW
@given(SHARES, SEEDS, ROUNDS)
def test_a_missing_control_changes_no_order(cells: dict[int, Share], seed: int, number: int) -> None:
    """Without a compiler the mechanisms come in the order that they have with one."""
    without = {cell: Share(share.pairs, False) for cell, share in cells.items()}
    kept = [one for one in shape(round_steps(cells, seed, number)) if one[2] == Role.MECHANISM]
    assert shape(round_steps(without, seed, number)) == kept


def test_other_seeds_and_other_rounds_have_other_orders() -> None:
    """Twenty seeds, and twenty rounds of one seed, give forty different orders of ten cells."""
    cells = {cell: Share(2, True) for cell in range(10)}
    orders = [shape(round_steps(cells, seed, 0)) for seed in range(20)]
    orders += [shape(round_steps(cells, 0, number)) for number in range(1, 21)]
    assert len({tuple(order) for order in orders}) == 40


def test_neither_role_is_always_first_nor_a_cell_always_early() -> None:
    """Over 400 rounds both roles come first about half of the time, and cells are spread over all places."""
    cells = {cell: Share(1, True) for cell in range(5)}
    rounds = [round_steps(cells, 7, number) for number in range(400)]
    first = Counter(step.role for steps in rounds for step in steps[::2])
    assert 0.45 < first[Role.MECHANISM] / first.total() < 0.55  # 2000 tosses: 4.5 standard deviations
    means = [sum(step.order for steps in rounds for step in steps if step.cell == cell) / 800 for cell in cells]
    assert all(4.0 < mean < 5.0 for mean in means)  # the middle of 0..9 is 4.5, standard error 0.14


def test_blocks_of_cells_are_interleaved() -> None:
    """In a round of four pairs a cell, a cell's pairs do not stand in one row."""
    cells = {cell: Share(4, False) for cell in range(6)}
    for number in range(50):
        order = [step.cell for step in round_steps(cells, 1, number)]
        runs = [len(list(group)) for _, group in itertools.groupby(order)]
        assert len(runs) > len(cells)


def test_the_shift_in_memory_is_less_than_a_page_and_another_in_every_round() -> None:
    """Seed and round give the shift again; 200 rounds have shifts from all quarters of a page."""
    shifts = [padding(3, number) for number in range(200)]
    assert shifts == [padding(3, number) for number in range(200)]
    assert {shift * 4 // PAGE for shift in shifts} == {0, 1, 2, 3}


@given(SEEDS, ROUNDS)
def test_shifts_are_spread_as_evenly_as_can_be(seed: int, number: int) -> None:
    """A round's shift lies 0.618 of a page, the golden section, behind that of the round before."""
    first, second = padding(seed, number), padding(seed, number + 1)
    assert 0 <= first < PAGE == 4096
    assert (second - first) % PAGE in (2531, 2532)  # 0.6180339887 * 4096 = 2531.47


@FEW
@given(
    st.dictionaries(st.integers(0, 99), st.integers(0, 10), min_size=1, max_size=20),
    st.integers(10, 60),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_sittings_hold_every_cell_once_and_never_too_much(
    takes: dict[int, int], room: int, seed: int, number: int
) -> None:
    """Each cell is in one sitting, none is empty or takes more than the room, and all fit into one where they can."""
    groups = sittings({cell: float(size) for cell, size in takes.items()}, room, seed, number)
    assert sorted(cell for group in groups for cell in group) == sorted(takes)
    assert all(group == sorted(group) and group for group in groups)
    assert all(sum(takes[cell] for cell in group) <= room for group in groups)
    assert (len(groups) == 1) == (sum(takes.values()) <= room)
    assert groups == sittings({cell: float(takes[cell]) for cell in reversed(list(takes))}, room, seed, number)


def test_large_cells_meet_others_in_every_round() -> None:
    """Which of four cells share a sitting changes from round to round: no pair always lies far apart in time."""
    together = [sorted(sittings(dict.fromkeys(range(4), 1.0), 2.0, 1, number)) for number in range(50)]
    assert {tuple(map(tuple, groups)) for groups in together} == {
        ((0, 1), (2, 3)),
        ((0, 2), (1, 3)),
        ((0, 3), (1, 2)),
    }


def test_a_subject_that_works_by_itself_is_alone_with_its_blocks() -> None:
    """Its group has no other cell and comes after theirs, whatever room is left."""
    takes = dict.fromkeys(range(6), 0.0)
    for number in range(20):
        groups = sittings(takes, math.inf, 1, number, alone={1, 4})
        assert groups[0] == [0, 2, 3, 5]
        assert sorted(groups[1:]) == [[1], [4]]
    assert sittings({1: 0.0}, math.inf, 1, 0, alone={1}) == [[1]]


def test_parents_that_may_work_by_themselves_stay_alone(tmp_path: Path) -> None:
    """Busy threads and a user's program do, alone or combined; idle threads do not."""
    (tmp_path / "server.py").write_text("")
    alone = parse_scenarios(["threads_busy=1", "rss=0+threads_busy=2", f"program={tmp_path}/server.py"])
    assert [level.stays_alone for level in alone] == [True] * 3
    assert not any(level.stays_alone for level in parse_scenarios(["threads=8", "rss=1MiB", "parent=bare"]))
