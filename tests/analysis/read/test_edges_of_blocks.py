"""Holds which blocks a cell and a subject can have, and names the first row that cannot be."""

from __future__ import annotations

import pandas as pd

from tests.analysis.read.edge import Edge, calls_of, warm_ups


def test_blocks_of_a_cell_are_numbered_up_to_how_many_it_has(edge: Edge) -> None:
    """Of two blocks the last is number 1."""
    for table in (edge.run.blocks, edge.run.samples):
        table.loc[(table["cell"] == "1") & (table["block"] == "1"), "block"] = "2"
    first = int(edge.run.blocks.index[edge.run.blocks["block"] == "2"][0])
    assert edge.said() == f"blocks.csv:{first + 2}: cell 1 has no block 2 in cells.csv"


def test_a_warm_up_has_a_call(edge: Edge) -> None:
    """A row of none is no block."""
    row = warm_ups(edge.run, "mechanism")[0]
    edge.run.samples = edge.run.samples.drop(calls_of(edge.run, row))
    edge.run.blocks.loc[row, "calls"] = "0"
    assert edge.said() == "blocks.csv:2: calls is 0, but block_calls of cell 0 in cells.csv is 4"


def test_what_is_no_warm_up_has_a_place_in_the_order(edge: Edge) -> None:
    """The warm-up has -1 as number and as order, and no other block has either."""
    edge.run.blocks.loc[3, "order"] = "-1"
    assert edge.said() == "blocks.csv:5: block 0 with order -1: -1 is the warm-up in both"
    edge.run.blocks.loc[0, "order"] = "0"
    assert edge.said() == "blocks.csv:2: block -1 with order 0: -1 is the warm-up in both"


def test_blocks_of_a_complete_round_have_a_subject(edge: Edge) -> None:
    """A cell that was given up has no blocks after that."""
    run = edge.run
    run.subjects.loc[3, ["status", "error"]] = ["error", "it failed"]
    run.drop("subjects", pd.Series(run.subjects.index == 5))
    first = int(run.blocks.index[(run.blocks["cell"] == "1") & (run.blocks["round"] == "2")][0])
    assert edge.said() == f"blocks.csv:{first + 2}: subjects.csv has no cell 1 in round 2"


def test_a_good_subject_has_its_blocks_of_both_roles(edge: Edge) -> None:
    """One that is gone is told by the role that lacks it."""
    run = edge.run
    one = (run.blocks["cell"] == "0") & (run.blocks["role"] == "control") & (run.blocks["block"] == "1")
    run.drop_blocks(one & (run.blocks["round"] == "0"))
    assert edge.said() == "subjects.csv:2: status is ok, but blocks.csv has 1 blocks of the control, cells.csv 2"
