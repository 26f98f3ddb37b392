"""Holds which warm-ups and calibrations there can be, and names the first row that cannot."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.analysis.read.edge import CELLS, IMPORTED, ROUNDS, Edge, calibration_failed, calls_of, warm_ups


def test_a_cell_without_blocks_has_an_error_of_its_calibration(edge: Edge) -> None:
    """With its row it is read, with one that did not fail it is not, and without one it is not."""
    calibration_failed(edge.run, "1")
    assert edge.said() == ""
    edge.run.subjects.loc[0, ["status", "error"]] = ["ok", ""]
    assert edge.said() == "subjects.csv:2: round -1, the calibration, but status is ok"
    edge.run.drop("subjects", pd.Series(edge.run.subjects.index == 0))
    assert edge.said() == "cells.csv:3: no blocks, but subjects.csv has no error of its calibration"
    edge.run.document["source"] = IMPORTED
    assert edge.said() == ""  # another tool has no calibration


def test_a_calibration_that_failed_leaves_no_subject_in_a_round(edge: Edge) -> None:
    """Nor does a cell that has blocks have an error of its calibration."""
    calibration_failed(edge.run, "1")
    both = edge.run.subjects.copy()
    edge.run.subjects.loc[0, "cell"] = "0"
    assert edge.said() == "subjects.csv:2: round -1 of cell 0 does not fit its blocks in cells.csv"
    late = both.iloc[[0]].assign(round="0", start_ns="0")
    edge.run.subjects = pd.concat([both, late], ignore_index=True)
    assert edge.said() == f"subjects.csv:{len(both) + 2}: round 0 of cell 1 does not fit its blocks in cells.csv"


def test_subjects_of_a_cell_are_warmed_up_alike(edge: Edge) -> None:
    """A warm-up of a call less than the first is named; where all are of one less, that is how long a warm-up is."""
    run = edge.run
    run.document["share_in_calls"] = None
    rows = warm_ups(run, "mechanism")
    for row, named in zip(rows, (rows[1], rows[2], None), strict=True):
        run.drop("samples", pd.Series(run.samples.index == calls_of(run, row)[0]))
        edge.move("blocks", row, "calls", -1)
        expected = f"blocks.csv:{named + 2}: a warm-up of 4 calls, unlike the others of its cell" if named else ""
        assert edge.said() == expected


def test_a_warm_up_is_no_longer_than_a_block(edge: Edge) -> None:
    """One of as many calls is read; where all have one call more, the first is named."""
    run = edge.run
    run.document |= {"wall_ns": None, "share_in_calls": None}
    rows = warm_ups(run, "control")
    more = [calls_of(run, row)[0] for row in rows]
    assert {len(calls_of(run, row)) for row in rows} == {4}
    run.samples = run.samples.loc[sorted([*run.samples.index, *more])].reset_index(drop=True)
    for row in rows:
        edge.move("blocks", row, "calls", 1)
        run.samples.loc[calls_of(run, row), ["total_ns", "call_ns", "ready_ns"]] = ["10000", "1", ""]
    assert edge.said() == f"blocks.csv:{rows[0] + 2}: a warm-up of 5 calls, unlike the others of its cell"


@pytest.mark.parametrize("role", ["mechanism", "control"])
def test_all_subjects_of_a_cell_are_warmed_up_or_none(edge: Edge, role: str) -> None:
    """One that was not is named, unless it failed; where none was, none had to be."""
    run = edge.run
    run.document["share_in_calls"] = None
    run.drop_blocks(pd.Series(run.blocks.index == warm_ups(run, role)[1]))
    row = 2 + len(CELLS)  # of cell 0 in round 1
    assert edge.said() == f"subjects.csv:{row}: blocks.csv has no warm-up of its {role}, but of others of its cell"
    run.subjects.loc[row - 2, ["status", "error"]] = ["error", "it failed"]
    assert edge.said() == ""
    run.subjects.loc[row - 2, ["status", "error"]] = ["ok", ""]
    run.drop_blocks(pd.Series(run.blocks.index.isin(warm_ups(run, role))))
    assert edge.said() == ""


def test_a_cell_has_calls_and_blocks_or_neither(edge: Edge) -> None:
    """The row of cells.csv that contradicts itself is named."""
    edge.run.cells.loc[1, "block_calls"] = "0"
    assert edge.said() == "cells.csv:3: 2 blocks of 0 calls"
    edge.run.cells.loc[1, "block_calls"] = "4"
    calibration_failed(edge.run, "0")
    assert edge.said() == ""
    edge.run.cells.loc[0, "control_calls"] = "4"
    assert edge.said() == "cells.csv:2: no blocks, but control_calls is 4"
    edge.run.cells.loc[0, ["block_calls", "control_calls"]] = ["4", "0"]
    assert edge.said() == "cells.csv:2: 0 blocks of 4 calls"


def test_every_complete_round_has_subjects(edge: Edge) -> None:
    """A round too many in run.json is named, and one that is gone from the middle."""
    edge.run.document["rounds"] = ROUNDS + 1
    assert edge.said() == f"run.json: rounds: {ROUNDS + 1}, but subjects.csv has no row of round {ROUNDS}"
    edge.run.document["rounds"] = ROUNDS
    edge.run.drop_blocks(edge.run.blocks["round"] == "1")
    edge.run.drop("subjects", edge.run.subjects["round"] == "1")
    assert edge.said() == f"run.json: rounds: {ROUNDS}, but subjects.csv has no row of round 1"


@pytest.mark.parametrize(("rounds", "left"), [(["1"], ROUNDS - 1), (["0", "1", "2"], 0)])
def test_a_cell_has_a_subject_in_every_round(edge: Edge, rounds: list[str], left: int) -> None:
    """A cell that lacks a round between others, or all of them, is named with what it has."""
    run = edge.run
    run.drop_blocks((run.blocks["cell"] == "1") & run.blocks["round"].isin(rounds))
    run.drop("subjects", (run.subjects["cell"] == "1") & run.subjects["round"].isin(rounds))
    assert edge.said() == f"cells.csv:3: subjects.csv lacks rounds of cell 1: it has {left}"


def test_a_cell_ends_before_the_last_round_with_a_failure_only(edge: Edge) -> None:
    """Were its last subject good, there would be one more."""
    run = edge.run
    run.drop_blocks((run.blocks["cell"] == "1") & (run.blocks["round"] == "2"))
    run.drop("subjects", (run.subjects["cell"] == "1") & (run.subjects["round"] == "2"))
    assert edge.said() == "subjects.csv:5: the last of cell 1, with status ok before the last round"
    run.subjects.loc[3, ["status", "error"]] = ["error", "it failed"]
    run.document["share_in_calls"] = None
    assert edge.said() == ""


def test_a_run_without_a_complete_round_needs_no_subject(edge: Edge) -> None:
    """It was killed as soon as its cells were written."""
    edge.unfinished()
    edge.run.document["rounds"] = 0
    for table in ("subjects", "blocks", "samples"):
        setattr(edge.run, table, getattr(edge.run, table).iloc[:0])
    assert edge.said() == ""


def test_a_good_subject_was_set_up(edge: Edge) -> None:
    """One that failed, or whose round was not finished, need not have been."""
    last = edge.last_row("subjects")
    edge.run.subjects.loc[last, "setup_ns"] = ""
    assert edge.said() == f"subjects.csv:{last + 2}: status is ok, but setup_ns is empty"
    edge.unfinished()
    assert edge.said() == ""


def test_a_control_belongs_to_a_cell_that_has_one(edge: Edge) -> None:
    """The first block of a control that its cell does not name is told as such."""
    edge.run.cells.loc[0, ["control", "control_calls"]] = ["", "0"]
    assert edge.said() == "blocks.csv:3: a control, but cells.csv has none in cell 0"
