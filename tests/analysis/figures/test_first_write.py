"""The figure of first writes: which rows it has, what they hold, and that it is refused without such cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.figures import NoPicture, first_write, style
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_first_write import objects_cells, page_cells
from tests.fake_run import CELLS, QUIET, FakeRun, write_run


def test_each_cell_is_a_row_of_fork_and_pass(tmp_path: Path) -> None:
    """Of 10 ms a child's writes are 8 ms, and the rest is 2 ms; what forks nothing has no row."""
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun([*page_cells(), *objects_cells()], noise=QUIET))))
    frame = first_write.data(run)
    assert list(zip(frame["what"], frame["parent"], strict=True)) == [
        ("child writes all", "4 KiB pages"),
        ("child writes all", "huge pages"),
        ("child writes 1 in 512", "4 KiB pages"),
        ("child writes 1 in 512", "huge pages"),
        ("child reads", "objects"),
        ("child reads", "objects, frozen"),
        ("child collects", "objects"),
        ("child collects", "objects, frozen"),
    ]
    assert tuple(frame.iloc[0][["fork", "pass"]]) == (2e6, 8e6)
    assert first_write.says(frame) == (
        "The longest first pass is with huge pages (64MiB): child writes all, 11.2 ms (11.2 to 11.2) after a fork of "
        "2.80 ms (2.80 to 2.80). With objects, frozen (1e5): child reads, 4.00 ms (4.00 to 4.00) after a fork of "
        "1.00 ms (1.00 to 1.00)."
    )
    with style.look():
        picture = first_write.draw(frame)
    labels = [label.get_text() for label in picture.axes[0].get_yticklabels()]
    assert labels[0] == "child writes all, 4 KiB pages"
    assert len(labels) == len(frame)


def test_of_several_sizes_the_last_that_both_have_is_drawn(tmp_path: Path) -> None:
    """16 MiB and 64 MiB in both, 256 MiB in 4 KiB pages alone: 64 MiB it is."""
    small = [replace(cell, level="16MiB") for cell in page_cells()]
    alone = [replace(cell, level="256MiB") for cell in page_cells() if cell.scenario == "rss"]
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun([*small, *page_cells(), *alone], noise=QUIET))))
    assert set(first_write.data(run)["level"]) == {"64MiB"}


def test_a_size_of_forks_alone_hides_no_first_write(tmp_path: Path) -> None:
    """Forks in larger parents of both kinds, without writes, leave the size drawn at which pages were written."""
    larger = [replace(cell, level="1GiB") for cell in page_cells() if cell.mechanism == "os_fork"]
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun([*page_cells(), *larger], noise=QUIET))))
    frame = first_write.data(run)
    assert set(frame["level"]) == {"64MiB"}
    assert len(frame) == 4


def test_a_run_without_first_writes_has_no_such_figure(tmp_path: Path) -> None:
    """The reason says what measures them."""
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun(CELLS, rounds=6))))
    with pytest.raises(NoPicture, match="no first write after a fork was measured; `--mechanism child_rewrites"):
        first_write.data(run)
