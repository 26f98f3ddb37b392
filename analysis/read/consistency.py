"""Turns the small tables of a run into the certainty that they tell one story, or into the line that does not fit.

Cells, subjects, blocks and run.json tell the same story several times. Each function here holds two of them against
each other; the blocks are in `analysis.read.block_times` too, and the calls in `analysis.read.call_sums`.
"""

from __future__ import annotations

import numpy as np

from analysis.read import block_times
from analysis.read.contradiction import Mask, Tables, is_control, numbers_of, places, refuse_key, refuse_row
from bench import schema
from bench.schema import SubjectStatus


def check_tables(tables: Tables) -> None:
    """Raise `LoadError` where cells, subjects, blocks and run.json contradict each other."""
    _check_cells(tables)
    _check_subjects(tables)
    _check_rounds(tables)
    _check_calibration(tables)
    _check_blocks(tables)
    _check_block_counts(tables)
    if tables.measured:
        _check_warm_ups(tables)
        block_times.check(tables)
    block_times.check_usage(tables)


def _check_cells(tables: Tables) -> None:
    """A cell has calls and blocks, or, where its calibration failed, neither; and controls if it names one."""
    blocks, calls, controls = (numbers_of(tables.cells, name) for name in ("blocks", "block_calls", "control_calls"))
    named: Mask = (tables.cells["control"] != "").to_numpy()

    def refuse(bad: Mask, text: str) -> None:
        refuse_row(tables, schema.CELLS, bad, lambda row: text.format(**tables.cells.iloc[row]))

    refuse((blocks > 0) != (calls > 0), "{blocks} blocks of {block_calls} calls")
    refuse((blocks > 0) & named & (controls == 0), "control is {control}, but control_calls is 0")
    if not tables.lacks(tables.cells["control"]):
        refuse((controls > 0) & ~named, "control_calls is {control_calls}, but no control is named")
    several = tables.at_once(numbers_of(tables.cells, "cell"))
    refuse(
        (calls % several != 0) | (controls % several != 0),
        "{block_calls} and {control_calls} calls cannot be shared alike by {subjects:g} subjects",
    )
    refuse((blocks == 0) & (controls > 0), "no blocks, but control_calls is {control_calls}")


def _check_subjects(tables: Tables) -> None:
    """A subject failed for a reason, in a round that there is, and is known as far as it came."""
    subjects = tables.subjects
    rounds, failed = numbers_of(subjects, "round"), _failed(tables)
    has_blocks = tables.of_cell("blocks", numbers_of(subjects, "cell")) > 0

    def refuse(bad: Mask, text: str) -> None:
        refuse_row(tables, schema.SUBJECTS, bad, lambda row: text.format(last=tables.rounds, **subjects.iloc[row]))

    refuse(rounds > tables.last_round, "round {round}, but rounds of run.json is {last}")
    refuse(failed != (subjects["error"] != "").to_numpy(), "status is {status}, but error is {error!r}")
    refuse((rounds < 0) & ~failed, "round {round}, the calibration, but status is {status}")
    refuse((rounds < 0) == has_blocks, "round {round} of cell {cell} does not fit its blocks in cells.csv")
    if tables.measured and not tables.lacks(subjects["setup_ns"]):
        unknown = np.isnan(numbers_of(subjects, "setup_ns"))
        refuse(_counting(tables) & unknown, "status is ok, but setup_ns is empty")


def _failed(tables: Tables) -> Mask:
    failed: Mask = (tables.subjects["status"] == SubjectStatus.ERROR).to_numpy()
    return failed


def _counting(tables: Tables) -> Mask:
    """For every subject whether it is good and of a complete round, so that all of it has to be there."""
    counting: Mask = ~_failed(tables) & (numbers_of(tables.subjects, "round") < tables.rounds)
    return counting


def _check_rounds(tables: Tables) -> None:
    """Every complete round has subjects; a cell has one in each until it was given up, which a failed one comes before.

    In an imported run a cell may end before others: each benchmark has as many processes as it needed.
    """
    rounds = numbers_of(tables.subjects, "round")
    seen = np.unique(rounds[(rounds >= 0) & (rounds < tables.rounds)])
    if len(seen) < tables.rounds:  # which may be any number: no list of so many
        missing = int(np.argmax(np.append(seen, -1) != np.arange(len(seen) + 1)))
        refuse_key(tables, "rounds", f"{tables.rounds}, but subjects.csv has no row of round {missing}")
    rows = tables.subjects[(rounds >= 0) & (rounds < tables.rounds)]
    of_cells = rows.groupby("cell")["round"].agg(["size", "max"]).reindex(tables.cells["cell"], fill_value=0)
    size, last = of_cells["size"].to_numpy(), of_cells["max"].to_numpy()
    there = size > 0
    refuse_row(
        tables,
        schema.CELLS,
        (there & (last != size - 1)) | (~there & (numbers_of(tables.cells, "blocks") > 0) & (tables.rounds > 0)),
        lambda row: f"subjects.csv lacks rounds of cell {tables.cells['cell'][row]}: it has {size[row]}",
    )
    if tables.measured:
        ends = dict(zip(of_cells.index, last, strict=True))
        is_last = rows["round"].to_numpy() == rows["cell"].map(ends).to_numpy()
        early = np.zeros(len(rounds), dtype=bool)
        early[rows.index] = is_last & (rows["round"].to_numpy() < tables.rounds - 1)
        refuse_row(
            tables,
            schema.SUBJECTS,
            early & ~_failed(tables),
            lambda row: f"the last of cell {tables.subjects['cell'][row]}, with status ok before the last round",
        )


def _check_calibration(tables: Tables) -> None:
    """A measured cell without blocks has an error of its calibration."""
    failed = tables.subjects["cell"][tables.subjects["round"] < 0]
    refuse_row(
        tables,
        schema.CELLS,
        tables.measured & ((tables.cells["blocks"] == 0) & ~tables.cells["cell"].isin(failed)).to_numpy(),
        lambda row: "no blocks, but subjects.csv has no error of its calibration",
    )


def _check_blocks(tables: Tables) -> None:
    """A block is one of its cell's, has its calls, and belongs to a subject."""
    blocks = tables.blocks
    cells, number, calls, rounds = (numbers_of(blocks, name) for name in ("cell", "block", "calls", "round"))
    column = np.where(is_control(blocks), "control_calls", "block_calls")
    expected = np.where(
        is_control(blocks), tables.of_cell("control_calls", cells), tables.of_cell("block_calls", cells)
    )
    warm, most = number >= 0, tables.of_cell("blocks", cells)

    def refuse(bad: Mask, text: str) -> None:
        def say(row: int) -> str:
            return text.format(expected=expected[row], column=column[row], last=tables.rounds, **blocks.iloc[row])

        refuse_row(tables, schema.BLOCKS, bad, say)

    refuse(is_control(blocks) & (expected == 0), "a control, but cells.csv has none in cell {cell}")
    refuse(number >= most, "cell {cell} has no block {block} in cells.csv")
    refuse(rounds > tables.last_round, "round {round}, but rounds of run.json is {last}")
    unlike = warm & (calls != expected) if tables.measured else warm & (calls > expected)
    refuse(unlike | (calls == 0), "calls is {calls}, but {column} of cell {cell} in cells.csv is {expected}")
    refuse(warm != (numbers_of(blocks, "order") >= 0), "block {block} with order {order}: -1 is the warm-up in both")
    subjects = tables.subjects[tables.subjects["round"] >= 0]
    alone = ~np.isin(places(blocks), places(subjects))
    refuse(alone & (rounds < tables.rounds), "subjects.csv has no cell {cell} in round {round}")


def _check_block_counts(tables: Tables) -> None:
    """A good subject of a complete round has all blocks of its cell, of both roles."""
    subjects = tables.subjects
    blocks = tables.blocks[tables.blocks["block"] >= 0]
    counting, cells = _counting(tables), numbers_of(subjects, "cell")
    pairs = tables.of_cell("blocks", cells)
    with_control = tables.of_cell("control_calls", cells) > 0
    for role, wanted in ((schema.Role.MECHANISM, pairs), (schema.Role.CONTROL, pairs * with_control)):
        found = _count(tables, places(blocks[(blocks["role"] == role).to_numpy()]))
        refuse_row(
            tables,
            schema.SUBJECTS,
            counting & (found != wanted),
            lambda row, role=role, found=found, wanted=wanted: (  # type: ignore[misc]
                f"status is ok, but blocks.csv has {found[row]} blocks of the {role}, cells.csv {wanted[row]}"
            ),
        )


def _count(tables: Tables, found: np.ndarray) -> np.ndarray:
    """For every subject how often its place is among `found`; none for those of a calibration."""
    keys, counts = np.unique(found, return_counts=True)
    if not len(keys):
        return np.zeros(len(tables.subjects), dtype=np.int64)
    wanted = places(tables.subjects)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[at] == wanted) & (numbers_of(tables.subjects, "round") >= 0), counts[at], 0)


def _check_warm_ups(tables: Tables) -> None:
    """Subjects of a cell are warmed up alike: the number of calls follows from that of a block."""
    blocks = tables.blocks[tables.blocks["block"] < 0]
    first = blocks.groupby(["cell", "role"], observed=True)["calls"].transform("first")
    most = np.where(
        is_control(blocks),
        tables.of_cell("control_calls", numbers_of(blocks, "cell")),
        tables.of_cell("block_calls", numbers_of(blocks, "cell")),
    )
    unlike = np.zeros(len(tables.blocks), dtype=bool)
    unlike[blocks.index] = (blocks["calls"] != first) | (blocks["calls"] > most)
    refuse_row(
        tables,
        schema.BLOCKS,
        unlike,
        lambda row: f"a warm-up of {tables.blocks['calls'][row]} calls, unlike the others of its cell",
    )
    for role in schema.Role:
        found = _count(tables, places(blocks[(blocks["role"] == role).to_numpy()]))
        cells = numbers_of(tables.subjects, "cell")
        warmed = np.isin(cells, cells[found > 0])
        refuse_row(
            tables,
            schema.SUBJECTS,
            _counting(tables) & warmed & (found == 0),
            lambda row, role=role: f"blocks.csv has no warm-up of its {role}, but of others of its cell",  # type: ignore[misc]
        )
