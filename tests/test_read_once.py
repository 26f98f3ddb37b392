"""Turns runs that were read before into what tests are given of them: the same, unless a byte of theirs changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from analysis.errors import LoadError
from analysis.read import run as reading
from tests.edit_run import change_rows
from tests.fake_run import FakeCell, FakeRun, write_run
from tests.read_once import read_once


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A small run."""
    return write_run(tmp_path, FakeRun([FakeCell(calls=2, blocks=1)], rounds=1))


def test_the_same_bytes_elsewhere_are_read_once_and_lie_there(run: Path, tmp_path: Path) -> None:
    """A copy of a run has its own path and document, and equal tables without a file being parsed."""
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    with read_once():
        first = reading.load_run(run)
        with patch.object(reading, "read_table", side_effect=AssertionError("read anew")):
            again = reading.load_run(copy / "run.json")
            pd.testing.assert_frame_equal(again.samples, first.samples)
    pd.testing.assert_frame_equal(again.blocks, first.blocks)
    assert (first.path, again.path) == (run, copy)
    assert again.document == first.document
    assert again.document is not first.document


def test_what_changed_is_read_anew(run: Path) -> None:
    """Another number in one row is another run, and a damaged file is refused each time."""
    with read_once():
        before = reading.load_run(run)
        change_rows(run, "subjects.csv", lambda row: row.update(rss_bytes="4096"))
        assert reading.load_run(run).subjects["rss_bytes"].tolist() == [4096]
        assert before.subjects["rss_bytes"].tolist() != [4096]
        (run / "cells.csv").write_text("")
        for _ in range(2):
            with pytest.raises(LoadError, match=r"cells\.csv:1: the file is empty"):
                reading.load_run(run)


def test_a_table_that_a_test_changes_is_its_own(run: Path) -> None:
    """What is changed in the tables of a run does not come back with the next one."""
    with read_once():
        blocks = reading.load_run(run).blocks
        blocks.loc[0, "elapsed_ns"] = 7
        assert reading.load_run(run).blocks["elapsed_ns"][0] != 7
