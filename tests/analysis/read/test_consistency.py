"""Turns runs whose files contradict each other into evidence that readers name the place, and take all that can be."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.fake_run import FakeCell, FakeRun, write_run
from tests.impossible_runs import IMPOSSIBLE, NAMED, complaint
from tests.run_tables import RunTables, read_tables
from tests.valid_kinds import VALID

CELLS = (
    FakeCell(calls=6, blocks=2),
    FakeCell("posix_spawn", 177_000.0, 165_000.0, "exec", "native_spawn", calls=4, blocks=3),
    FakeCell("thread", 40_000.0, control="", calls=4, blocks=2),
)
REMEDY = "; the files of the run contradict each other; copy it again or measure again"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    """A small run as text; a test changes a copy."""
    return read_tables(write_run(tmp_path_factory.mktemp("source"), FakeRun(CELLS, rounds=4)))


@pytest.fixture
def run(source: RunTables) -> RunTables:
    """That run, to be changed."""
    return source.copy()


def said(run: RunTables, directory: Path) -> str:
    """What reading the changed run complains of, without the remedy that every such line ends with."""
    text = complaint(run.write(directory / "run"))
    assert not text or text.endswith(REMEDY), text
    return text.removesuffix(REMEDY)


def test_a_run_that_tells_one_story_is_read(run: RunTables, tmp_path: Path) -> None:
    """Nothing is said of a run as it was written."""
    assert said(run, tmp_path) == ""


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_what_cannot_be_is_named_with_its_place(run: RunTables, kind: str, tmp_path: Path) -> None:
    """Each kind of impossible run is refused in one line with file and line, or key, wherever it is changed."""
    for seed in range(2):
        changed = run.copy()
        IMPOSSIBLE[kind](changed, random.Random(seed))
        text = complaint(changed.write(tmp_path / str(seed)))
        assert NAMED.match(text), (seed, text)
        assert "\n" not in text


@pytest.mark.parametrize("kind", VALID)
def test_what_can_be_is_read(run: RunTables, kind: str, tmp_path: Path) -> None:
    """Each kind of thing that happens to real runs leaves them readable."""
    for seed in range(2):
        changed = run.copy()
        VALID[kind](changed, random.Random(seed))
        assert complaint(changed.write(tmp_path / str(seed))) == "", seed


def test_a_subject_of_a_later_sitting_is_started_after_the_blocks_before(run: RunTables, tmp_path: Path) -> None:
    """A warm-up behind measured blocks of its round is refused where its subject had been started before them."""
    sittings = (
        "The subjects of its last round did not fit side by side: one was started when the others had been measured"
    )
    VALID[sittings](run, random.Random(1))
    warm_up = run.blocks.index[(run.blocks["block"] == "-1") & (run.blocks["round"] == "3")][-1]
    later = (run.subjects["round"] == "3") & (run.subjects["cell"] == run.blocks["cell"][warm_up])
    run.subjects.loc[later, "start_ns"] = str(int(run.subjects["start_ns"][later].iloc[0]) - 1)
    assert re.fullmatch(r"blocks.csv:\d+: round and order do not follow the order of start_ns", said(run, tmp_path))


def test_calls_longer_than_their_block_are_named_with_both_places(run: RunTables, tmp_path: Path) -> None:
    """The sum of the calls may be as long as the block, and not a nanosecond longer."""
    elapsed = int(run.blocks["elapsed_ns"][1])
    run.blocks.loc[1, "elapsed_ns"] = str(elapsed - 1)
    line = 2 + int(run.blocks["calls"][0])
    assert said(run, tmp_path) == (
        f"blocks.csv:3: elapsed_ns is {elapsed - 1}, but its calls took {elapsed} (samples.csv.gz:{line})"
    )


def test_a_part_may_be_as_long_as_the_call_and_no_longer(run: RunTables, tmp_path: Path) -> None:
    """A call that returns when the child is reaped is one; one that returns later is none."""
    total = run.samples["total_ns"][3]
    run.samples.loc[3, ["call_ns", "ready_ns"]] = total
    assert said(run, tmp_path / "equal") == ""
    run.samples.loc[3, "ready_ns"] = str(int(total) + 1)
    assert said(run, tmp_path / "more") == f"samples.csv.gz:5: ready_ns is {int(total) + 1}, beyond total_ns {total}"


def test_a_number_of_calls_is_told_beside_that_of_the_block(run: RunTables, tmp_path: Path) -> None:
    """A lost call is named by the first line of its block."""
    run.drop("samples", pd.Series(run.samples.index == 7))
    assert said(run, tmp_path) == "samples.csv.gz:8: 5 calls of this block, but 6 in blocks.csv"


def test_rounds_that_nothing_was_measured_in_are_named_by_the_first(run: RunTables, tmp_path: Path) -> None:
    """However many rounds run.json tells of, the first that has no row is named."""
    run.document["rounds"] = 2**62
    assert said(run, tmp_path) == f"run.json: rounds: {2**62}, but subjects.csv has no row of round 4"


def test_a_cell_whose_last_subject_was_good_was_not_given_up(run: RunTables, tmp_path: Path) -> None:
    """A cell may end before the run only with a subject that failed."""
    late = (run.subjects["cell"] == "1") & (run.numbers("subjects", "round") > 1)
    run.drop_blocks((run.blocks["cell"] == "1") & (run.numbers("blocks", "round") > 1))
    run.drop("subjects", late)
    assert said(run, tmp_path) == "subjects.csv:6: the last of cell 1, with status ok before the last round"


def test_a_partial_run_has_one_round_more_and_no_second(run: RunTables, tmp_path: Path) -> None:
    """Rows of the round that was not finished are valid; those of a round after it are not."""
    run.packed = False
    run.document |= {"status": "partial", "wall_ns": None, "share_in_calls": None, "rounds": 3}
    assert said(run, tmp_path / "one") == ""
    run.document["rounds"] = 2
    assert said(run, tmp_path / "two") == "subjects.csv:11: round 3, but rounds of run.json is 2"


def test_a_round_that_was_not_finished_has_no_more_calls_than_its_blocks(run: RunTables, tmp_path: Path) -> None:
    """Files of a killed run end where they end, but no block has more calls than it made."""
    VALID["It was killed in its last round: each file ends anywhere in it, even inside of a line"](
        run, random.Random(1)
    )
    last = run.samples[run.samples["round"] == "3"].iloc[:1]
    run.torn = ()
    run.samples = pd.concat([run.samples, *[last] * 20])
    assert re.fullmatch(r"samples\.csv:\d+: \d+ calls of this block, but \d+ in blocks\.csv", said(run, tmp_path))


@pytest.mark.parametrize(
    ("column", "most"),
    [
        (f"{whose}_{what}", most)
        for whose in ("parent", "child")
        for what, most in (
            ("faults", 3_000_000),
            ("switches", 3_000_000),
            ("user_ns", 40_000_000),
            ("sys_ns", 40_000_000),
        )
    ],
)
def test_usage_may_be_all_that_the_cpus_could_do(run: RunTables, tmp_path: Path, column: str, most: int) -> None:
    """In 60 ms and 4 calls two CPUs do 3 million things of 10 ns a call, or compute for 30 ms and a tick of 10 ms."""
    run.document |= {"wall_ns": None, "share_in_calls": None}
    last = run.blocks.index[-1]
    end = int(run.subjects["start_ns"].iloc[-1]) + 60_000_000
    run.blocks.loc[last, "elapsed_ns"] = str(end - int(run.blocks["start_ns"][last]))
    run.blocks.loc[last, column] = str(most)
    assert said(run, tmp_path / "most") == ""
    run.blocks.loc[last, column] = str(most + 1)
    assert said(run, tmp_path / "more").startswith(f"blocks.csv:{last + 2}: {column} is ")


def test_calls_may_be_far_shorter_than_all_blocks_but_one(run: RunTables, tmp_path: Path) -> None:
    """A block may be kept waiting between two calls, which not every block of a cell and role is."""
    run.document |= {"wall_ns": None, "share_in_calls": None}
    blocks, last = run.blocks, run.blocks.index[-1]
    start, elapsed = (run.numbers("blocks", name) for name in ("start_ns", "elapsed_ns"))
    waiting = (blocks["cell"] == "2") & (blocks.index != last)
    assert blocks["cell"][last] == "2"
    blocks["start_ns"] = (start + (10**9 * waiting).cumsum().shift(fill_value=0)).astype(str)
    blocks["elapsed_ns"] = (elapsed + 10**9 * waiting).astype(str)
    begin = run.numbers("blocks", "start_ns").groupby(blocks["round"]).min()
    run.subjects["start_ns"] = run.subjects["round"].map(begin).astype(str)
    run.subjects["setup_ns"] = "0"
    assert said(run, tmp_path / "some") == ""
    blocks.loc[last, "elapsed_ns"] = str(elapsed[last] + 10**9)
    first = 2 + int(blocks.index[waiting][0])
    assert re.fullmatch(
        rf"blocks\.csv:{first}: elapsed_ns is \d+, but its calls took only \d+ \(samples\.csv\.gz:\d+\), "
        "as in all blocks of this role and cell",
        said(run, tmp_path / "all"),
    )


def test_an_imported_run_may_overlap_but_not_lose_calls(run: RunTables, tmp_path: Path) -> None:
    """What another tool measured has no order of time that can be held; its counts are held all the same."""
    VALID["A cell, or every one, has no control"](run, random.Random(3))
    run.document |= {"source": {"format": "pyperf", "file": "x.json", "version": None}, "note": "imported"}
    run.blocks["start_ns"] = "0"
    run.subjects["setup_ns"] = ""
    assert said(run, tmp_path / "whole") == ""
    run.drop("samples", pd.Series(run.samples.index == 7))
    assert said(run, tmp_path / "less").startswith("samples.csv.gz:")
