"""Holds that subjects at the same time may fill their block each, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import LoadError
from analysis.read.run import load_run
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

TWO = FakeCell(scenario="at_once", level="2", unit="subjects", subjects=2, calls=8, blocks=1, ready_share=None)


def _run(folder: Path) -> Path:
    return write_run(folder, FakeRun([TWO], rounds=6, noise=QUIET))


def _edit(path: Path, column: str, value: int, row: int = 2) -> None:
    frame = pd.read_csv(path, dtype=str)
    frame.loc[row, column] = str(value)
    frame.to_csv(path, index=False, lineterminator="\n")


def _refusal(run: Path) -> str:
    with pytest.raises(LoadError) as caught:
        _ = load_run(run).samples
    return str(caught.value)


def test_calls_of_two_fill_the_block_twice(tmp_path: Path) -> None:
    """8 calls of 120 us by two subjects are 960 us in a block of 480 us, which can be."""
    run = load_run(_run(tmp_path))
    assert run.blocks["elapsed_ns"][2] == 480_000
    assert len(run.samples) == 6 * 2 * 2 * 8


def test_more_than_twice_is_refused(tmp_path: Path) -> None:
    """In a block that is 1 ns too short for two, the calls cannot have been."""
    run = _run(tmp_path)
    _edit(run / "blocks.csv", "elapsed_ns", 479_999)
    assert "blocks.csv:4: elapsed_ns is 479999, but its calls took 960000" in _refusal(run)


def test_a_call_longer_than_its_block_is_refused(tmp_path: Path) -> None:
    """One call of 500 us in a block of 480 us cannot be, though both subjects together have time for it."""
    run = _run(tmp_path)
    samples = run / "samples.csv.gz"
    frame = pd.read_csv(samples)
    block = (frame["block"] == 0) & (frame["role"] == "mechanism") & (frame["round"] == 0)
    frame.loc[block, "total_ns"] = [500_000, *[40_000] * 7]
    frame["call_ns"] = 1
    frame.to_csv(samples, index=False, lineterminator="\n")
    assert "elapsed_ns is 480000, but its longest call took 500000" in _refusal(run)


def test_calls_that_cannot_be_shared_are_refused(tmp_path: Path) -> None:
    """8 calls are not those of three subjects that make as many each."""
    run = _run(tmp_path)
    _edit(run / "cells.csv", "subjects", 3, row=0)
    assert "cells.csv:2: 8 and 8 calls cannot be shared alike by 3 subjects" in _refusal(run)
