"""Holds which warm-ups and calibrations there can be, and names the first row that cannot."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.analysis.read.edge import CELLS, IMPORTED, Edge, calibration_failed, calls_of, warm_ups


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
