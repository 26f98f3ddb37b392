"""Holds the last time, share and number of calls that can be, and the first that is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.analysis.read.edge import CELLS, IMPORTED, ROUNDS, Edge, calls_of
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run
from tests.run_tables import read_tables


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


@pytest.mark.parametrize(
    "beside",
    [
        {"work": "first_write"},
        {"work": "workers"},
        {"scenario": "threads_busy", "level": "8"},
        {"scenario": "rss+program", "level": "1+server.py@0"},
        {"mechanism": "mine.py:my_fork@0"},
        {"mechanism": "mp_forkserver_cold"},
    ],
)
def test_what_does_more_between_its_calls_may_take_long_for_it(tmp_path: Path, beside: dict[str, str]) -> None:
    """Pages are made anew, a server is stopped, other threads hold the interpreter: that is in no call."""
    what: dict[str, Any] = {"mechanism": "os_fork", "total_ns": 40_000.0, "control": "", "calls": 4, "blocks": 4}
    run = read_tables(write_run(tmp_path / "results", FakeRun((FakeCell(**{**what, **beside}),), 1, QUIET)))
    edge = Edge(run, tmp_path)
    edge.takes("0", 1_000, 1_000_000)
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


def test_a_block_whose_calls_are_in_two_places_is_named_by_the_first(edge: Edge) -> None:
    """Another tool may have put the rows into another order; a lost call is told with the first line of the block."""
    first, second, third, _ = calls_of(edge.run, 0)
    order = [first, second, *range(4, len(edge.run.samples)), third]
    edge.run.samples = edge.run.samples.loc[order].reset_index(drop=True)
    assert edge.said() == "samples.csv.gz:2: 3 calls of this block, but 4 in blocks.csv"


def test_a_block_takes_some_time(edge: Edge) -> None:
    """Not even one whose calls took none."""
    edge.run.samples.loc[calls_of(edge.run, 0), ["total_ns", "call_ns", "ready_ns"]] = ["0", "0", ""]
    edge.run.blocks.loc[0, "elapsed_ns"] = "0"
    edge.run.document["share_in_calls"] = None
    assert edge.said() == "blocks.csv:2: elapsed_ns is 0"


def test_without_a_number_of_cpus_there_may_be_as_many_as_linux_can_have(edge: Edge) -> None:
    """In 60 ms and 4 calls 8192 CPUs compute for 122.88 s a call, and a tick of 10 ms."""
    run, last = edge.run, edge.last_row("blocks")
    run.document |= {"wall_ns": None, "share_in_calls": None}
    run.document["cpus"]["allowed"] = None
    end = int(run.subjects["start_ns"].iloc[-1]) + 60_000_000
    run.blocks.loc[last, "elapsed_ns"] = str(end - int(run.blocks["start_ns"][last]))
    run.blocks.loc[last, "child_user_ns"] = "122890000000"
    assert edge.said() == ""
    run.blocks.loc[last, "child_user_ns"] = "122890000001"
    assert edge.said().startswith(f"blocks.csv:{last + 2}: child_user_ns is ")


def test_a_block_begins_with_its_subject_at_the_earliest(edge: Edge) -> None:
    """A warm-up as the subject is started, another block as it is set up, and not a nanosecond before."""
    said = "begins before its subject was started or set up (start_ns, setup_ns of subjects.csv)"
    edge.move("subjects", 0, "setup_ns", 1)
    assert edge.said() == f"blocks.csv:5: {said}"
    edge.move("subjects", 0, "start_ns", 1)
    edge.move("subjects", 0, "setup_ns", -2)
    assert edge.said() == f"blocks.csv:2: {said}"


def test_a_block_begins_when_the_one_before_has_ended(edge: Edge) -> None:
    """Not a nanosecond earlier."""
    edge.move("blocks", 4, "start_ns", -1)
    assert edge.said() == "blocks.csv:6: begins before the block before it has ended (start_ns, elapsed_ns)"


def test_a_subject_is_started_when_the_round_before_has_ended(edge: Edge) -> None:
    """Not a nanosecond earlier, or the calls of that round had company."""
    first = len(CELLS)
    edge.move("subjects", first, "start_ns", -1)
    edge.move("subjects", first, "setup_ns", 1)
    assert edge.said() == f"subjects.csv:{first + 2}: start_ns is before the end of the round before"


def test_rounds_follow_each_other_where_their_subjects_are_not_known(edge: Edge) -> None:
    """A run that was killed has blocks of its last round, and no rows of their subjects yet; they come last."""
    edge.unfinished()
    run, late = edge.run, edge.run.blocks["round"] == str(ROUNDS - 1)
    run.drop("subjects", run.subjects["round"] == str(ROUNDS - 1))
    assert edge.said() == ""
    start = run.numbers("blocks", "start_ns")
    begin, took = int(start[late].min()), int(run.numbers("blocks", "elapsed_ns")[late].sum())
    run.blocks["start_ns"] = start.where(~late, start - begin - took).add(took).astype(str)
    run.subjects["start_ns"] = (run.numbers("subjects", "start_ns") + took).astype(str)
    first = int(run.blocks.index[~late][0])
    assert edge.said() == f"blocks.csv:{first + 2}: round and order do not follow the order of start_ns"


def test_each_block_of_a_round_has_its_place_in_the_order(edge: Edge) -> None:
    """No two have the same, and no warm-up comes after one."""
    orders = edge.run.blocks["order"].copy()
    edge.run.blocks.loc[4, "order"] = orders[3]
    assert edge.said() == "blocks.csv:6: round and order do not follow the order of start_ns"
    edge.run.blocks["order"] = orders
    rows = [0, 1, 3, 2, *range(4, len(orders))]
    edge.run.blocks = edge.run.blocks.loc[rows].reset_index(drop=True)
    edge.takes("1", 40_000, 160_000)
    assert edge.said() == "blocks.csv:5: round and order do not follow the order of start_ns"
