"""Turns runs at the very edge of what can be into evidence: the last value that is read, and the first that is not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.fake_run import QUIET, FakeCell, FakeRun, write_run
from tests.impossible_runs import complaint
from tests.run_tables import KEYS, RunTables, read_tables

# Cell 0 has a control and calls of 120 and 60 µs, cell 1 none and calls of 40 µs; warm-ups take twice as long.
CELLS = (FakeCell(calls=4, blocks=2), FakeCell("thread", 40_000.0, control="", calls=4, blocks=2))
ROUNDS = 3
IMPORTED = {"format": "pyperf", "file": "x.json", "version": None}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    """A run without noise, as text."""
    return read_tables(write_run(tmp_path_factory.mktemp("source"), FakeRun(CELLS, ROUNDS, QUIET)))


class Edge:
    """A run to be changed again and again, and what reading it says each time."""

    def __init__(self, run: RunTables, folder: Path) -> None:
        self.run = run
        self._folder = folder
        self._read = 0

    def said(self) -> str:
        """What reading it complains of, without the remedy; empty: nothing."""
        self._read += 1
        return complaint(self.run.write(self._folder / str(self._read))).rpartition("; the files of the run")[0]

    def move(self, table: str, row: int, column: str, by: int) -> None:
        """Add to one number."""
        frame = getattr(self.run, table)
        frame.loc[row, column] = str(int(frame[column][row]) + by)

    def takes(self, cell: str, call_ns: int, block_ns: int) -> None:
        """Let every call of a cell take so long, and every block of it; all that follows comes later."""
        run = self.run
        run.samples.loc[run.samples["cell"] == cell, ["total_ns", "call_ns", "ready_ns"]] = [str(call_ns), "1", ""]
        run.blocks.loc[run.blocks["cell"] == cell, "elapsed_ns"] = str(block_ns)
        ends = run.numbers("blocks", "elapsed_ns").cumsum()
        run.blocks["start_ns"] = (ends - run.numbers("blocks", "elapsed_ns")).astype(str)
        begin = run.blocks.groupby("round")["start_ns"].first()
        run.subjects["start_ns"], run.subjects["setup_ns"] = run.subjects["round"].map(begin), "0"
        run.document |= {"wall_ns": None, "share_in_calls": None}

    def unfinished(self) -> None:
        """Let the last round be one that was not finished."""
        self.run.packed = False
        self.run.document |= {"status": "partial", "rounds": ROUNDS - 1, "wall_ns": None, "share_in_calls": None}

    def last_row(self, table: str) -> int:
        """The row that the file ends with."""
        return len(getattr(self.run, table)) - 1


@pytest.fixture
def edge(source: RunTables, tmp_path: Path) -> Edge:
    """That run, to be changed."""
    return Edge(source.copy(), tmp_path)


def calls_of(run: RunTables, row: int) -> list[int]:
    """Rows of the calls of a block."""
    return list(run.samples.index[(run.samples[KEYS] == run.blocks.loc[row, KEYS]).all(axis=1)])


def test_between_two_calls_of_every_block_there_may_be_10_us(edge: Edge) -> None:
    """4 calls of 9 µs may be in blocks of 76 µs, all of them, but in no longer ones."""
    edge.takes("1", 9_000, 4 * 19_000)
    assert edge.said() == ""
    edge.takes("1", 9_000, 4 * 19_000 + 1)
    assert edge.said().endswith("took only 36000 (samples.csv.gz:10), as in all blocks of this role and cell")


def test_calls_may_be_half_of_every_block(edge: Edge) -> None:
    """4 calls of 20 µs may be in blocks of 160 µs, all of them, but in no longer ones."""
    edge.takes("1", 20_000, 160_000)
    assert edge.said() == ""
    edge.takes("1", 20_000, 160_001)
    assert "took only 80000" in edge.said()


def test_one_role_alone_may_not_be_far_shorter_than_its_blocks(edge: Edge) -> None:
    """Blocks of the mechanism that are as long as their calls say nothing for those of the control."""
    edge.takes("0", 50_000, 200_000)
    control = edge.run.blocks["role"] == "control"
    edge.run.samples.loc[edge.run.samples["role"] == "control", "total_ns"] = "10000"
    assert "took only 40000" in edge.said()
    edge.run.samples.loc[edge.run.samples["role"] == "control", "total_ns"] = "50000"
    assert control.any()
    assert edge.said() == ""


@pytest.mark.parametrize(("blocks", "refused"), [(1, False), (2, True)])
def test_two_blocks_may_both_have_been_kept_waiting(tmp_path: Path, blocks: int, refused: bool) -> None:
    """With the warm-up these are two and three blocks of calls that are far shorter than all of them."""
    cells = (FakeCell("thread", 40_000.0, control="", calls=4, blocks=blocks),)
    run = read_tables(write_run(tmp_path / "results", FakeRun(cells, 1, QUIET)))
    edge = Edge(run, tmp_path)
    edge.takes("0", 1_000, 1_000_000)
    assert ("took only" in edge.said()) == refused


def test_blocks_of_an_unfinished_round_do_not_prove_the_others_wrong(edge: Edge) -> None:
    """Only blocks of complete rounds are looked at together; here those of the last one are as they should be."""
    edge.takes("1", 1_000, 1_000_000)
    last = (edge.run.samples["cell"] == "1") & (edge.run.samples["round"] == str(ROUNDS - 1))
    edge.run.samples.loc[last, "total_ns"] = "250000"
    assert edge.said() == ""
    edge.unfinished()
    assert "took only 4000" in edge.said()


@pytest.mark.parametrize("scale", [1, 100])
def test_the_share_in_calls_may_be_off_by_its_digits_and_a_moment(edge: Edge, scale: int) -> None:
    """By 1 % of the calls and 0.0001 of the wall time, up and down, whichever is larger."""
    in_calls = int(edge.run.numbers("samples", "total_ns").sum())
    wall_ns = in_calls * scale
    edge.run.document["wall_ns"] = wall_ns
    for sign in (-1, 1) if scale > 1 else (-1,):
        most = (1 + sign * 0.01) * in_calls / wall_ns + sign * 1e-4
        edge.run.document["share_in_calls"] = most - sign * 1e-9
        assert edge.said() == ""
        edge.run.document["share_in_calls"] = most + sign * 1e-9
        assert edge.said().startswith("run.json: share_in_calls: ")


def test_the_share_of_an_unfinished_round_may_count_or_not(edge: Edge) -> None:
    """With the calls of complete rounds it fits, with all it fits, with fewer or more it does not."""
    edge.unfinished()
    total, rounds = edge.run.numbers("samples", "total_ns"), edge.run.numbers("samples", "round")
    least, most = int(total[rounds < ROUNDS - 1].sum()), int(total.sum())
    edge.run.document["wall_ns"] = 2 * most
    for in_calls, fits in ((least, True), (most, True), (0.9 * least, False), (1.1 * most, False)):
        edge.run.document["share_in_calls"] = in_calls / (2 * most)
        assert (edge.said() == "") == fits
    edge.run.document["wall_ns"] = None
    assert edge.said() == ""


def test_the_last_block_may_end_with_the_run(edge: Edge) -> None:
    """A run that ended a nanosecond earlier did not measure it."""
    last = edge.last_row("blocks")
    end = int(edge.run.blocks["start_ns"][last]) + int(edge.run.blocks["elapsed_ns"][last])
    edge.run.document |= {"wall_ns": end, "share_in_calls": None}
    assert edge.said() == ""
    edge.run.document["wall_ns"] = end - 1
    assert edge.said() == f"blocks.csv:{last + 2}: later than the run ended: wall_ns of run.json is {end - 1}"


def test_the_last_subject_may_start_with_the_end_of_the_run(edge: Edge) -> None:
    """A subject without a block that was started a nanosecond later was started by nobody."""
    edge.unfinished()
    edge.run.drop_blocks(edge.run.blocks["round"] == str(ROUNDS - 1))
    start = int(edge.run.subjects["start_ns"].iloc[-1])
    edge.run.document["wall_ns"] = start
    assert edge.said() == ""
    edge.run.document["wall_ns"] = start - 1
    line = 2 + len(edge.run.subjects) - len(CELLS)
    # The end of the block before is later too, and blocks come first.
    assert edge.said().startswith("blocks.csv:")
    edge.run.document["wall_ns"] = start
    edge.move("subjects", line - 2, "start_ns", 1)
    assert edge.said() == f"subjects.csv:{line}: later than the run ended: wall_ns of run.json is {start}"


def test_another_tool_knows_no_time_between_calls(edge: Edge) -> None:
    """Blocks of an imported run may be any time longer than their calls, and its share is not held."""
    edge.takes("1", 1_000, 1_000_000)
    edge.run.document |= {"source": IMPORTED, "wall_ns": 10**9, "share_in_calls": 0.9}
    assert edge.said() == ""
    edge.run.document["source"] = None
    assert "took only 4000" in edge.said()


def test_calls_beyond_the_last_round_are_of_no_block(edge: Edge) -> None:
    """A complete run has none; in one that was not finished, files end where they end."""
    late = edge.run.samples.iloc[[-1]].assign(round=str(ROUNDS))
    edge.run.samples = pd.concat([edge.run.samples, late], ignore_index=True)
    line = len(edge.run.samples) + 1
    no_such = f"{line}: 1 calls of this block, but 0 in blocks.csv, which has no such block"
    assert edge.said() == f"samples.csv.gz:{no_such}"
    edge.run.packed = False
    edge.run.document |= {"status": "partial", "wall_ns": None, "share_in_calls": None}
    assert edge.said() == ""


def test_a_block_of_an_unfinished_round_may_have_lost_its_calls(edge: Edge) -> None:
    """One of a complete round may not."""
    edge.unfinished()
    first, last = calls_of(edge.run, 0), calls_of(edge.run, edge.last_row("blocks"))
    whole = edge.run.samples
    edge.run.samples = whole.drop(last)
    assert edge.said() == ""
    edge.run.samples = whole.drop(first)
    assert edge.said() == "blocks.csv:2: 4 calls, but samples.csv has none of them"


def test_of_several_blocks_with_a_wrong_number_of_calls_the_first_is_named(edge: Edge) -> None:
    """It is the first in the file, whatever its cell."""
    first = edge.run.blocks.index[edge.run.blocks["cell"] == "1"][0]
    later = calls_of(edge.run, edge.last_row("blocks"))[:1]
    lost = [*calls_of(edge.run, first)[:1], *later]
    edge.run.samples = edge.run.samples.drop(lost).reset_index(drop=True)
    assert edge.said() == "samples.csv.gz:10: 3 calls of this block, but 4 in blocks.csv"


def calibration_failed(run: RunTables, cell: str) -> None:
    """Make the cell one whose calibration failed: an error row is all that there is of it."""
    of_cell = run.cells["cell"] == cell
    run.cells.loc[of_cell, ["block_calls", "control_calls", "blocks", "path"]] = ["0", "0", "0", ""]
    failed = run.subjects[run.subjects["cell"] == cell].iloc[[0]].copy()
    failed[["round", "status", "error", "start_ns", "setup_ns"]] = ["-1", "error", "calibration: no", "0", ""]
    run.drop_blocks(run.blocks["cell"] == cell)
    run.drop("subjects", run.subjects["cell"] == cell)
    run.subjects = pd.concat([failed, run.subjects], ignore_index=True)
    run.settle_share()


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


def warm_ups(run: RunTables, role: str) -> list[int]:
    """Rows of the warm-ups of cell 0 in this role, round by round."""
    blocks = run.blocks
    return list(blocks.index[(blocks["cell"] == "0") & (blocks["role"] == role) & (blocks["block"] == "-1")])


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
