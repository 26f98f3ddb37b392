"""The answer when a cheap fork is dear: lines worked out by hand, and plain words where a run cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.answers.first_write import first_write
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_first_write import objects_cells, page_cells
from tests.fake_run import CELLS, QUIET, FakeCell, FakeRun, Noise, write_run


def lines(results: Path, cells: Sequence[FakeCell], noise: Noise = QUIET, rounds: int = 10) -> list[str]:
    """The answer of a run of these cells."""
    return list(first_write(AnalysedRun(load_run(write_run(results, FakeRun(cells, rounds, noise))))))


def test_huge_pages_save_a_fork_and_lose_it_to_its_writes(tmp_path: Path) -> None:
    """1 ms saved by the fork and at few writes; 4 ms lost at all: even at 1/512 + 511/512 · 1/5 = 20.2 %."""
    fork, writes, objects = lines(tmp_path, page_cells())
    assert fork == (
        "64MiB, child ends at once: `os_fork` takes 1.20 ms (1.20 to 1.20) in pages of 4 KiB and "
        "200 µs (200 to 200) in huge pages; huge pages save 1.00 ms (1.00 to 1.00)."
    )
    assert writes == (
        "64MiB, child writes all pages while both live: fork and writes together take 10.0 ms (10.0 to 10.0) in pages "
        "of 4 KiB and 14.0 ms (14.0 to 14.0) in huge pages; huge pages cost 4.00 ms (4.00 to 4.00) more. The writes "
        "alone are 8.00 ms (8.00 to 8.00) and 11.2 ms (11.2 to 11.2), with 16,441 and 16,441 page faults: the kernel "
        "splits huge pages and copies 4 KiB each time. With one page in each 2 MiB written it is 2.00 ms (2.00 to "
        "2.00) in pages of 4 KiB and 1.00 ms (1.00 to 1.00) in huge pages; huge pages save 1.00 ms (1.00 to 1.00). "
        "Pages of 4 KiB take less time from 20.2 % (20.2 to 20.2) of the pages written on, if time grows evenly "
        "between these two shares."
    )
    assert objects.startswith("This run cannot tell: no pass over objects was measured")


@pytest.mark.parametrize(
    ("every_huge_ns", "few_huge_ns", "said"),
    [
        (9e6, 1e6, "Huge pages take less time at both shares."),
        (14e6, 3e6, "Pages of 4 KiB take less time at both shares."),
        (9e6, 3e6, "Pages of 4 KiB take less time while few are written, and huge pages when all are."),
        (
            10e6,
            1e6,
            "This run cannot tell: from which share of pages written on pages of 4 KiB take less time.",
        ),
    ],
)
def test_which_pages_win_when(tmp_path: Path, every_huge_ns: float, few_huge_ns: float, said: str) -> None:
    """With 2 ms and 10 ms in 4 KiB pages: the sign of the lead at both ends decides, and no lead decides nothing."""
    assert lines(tmp_path, page_cells(every_huge_ns, few_huge_ns))[1].endswith(said)


def test_a_copy_of_whole_huge_pages_is_told_by_its_faults(tmp_path: Path) -> None:
    """89 faults instead of 16,441 cannot have copied 4 KiB each."""
    writes = lines(tmp_path, page_cells(huge_faults=89.0))[1]
    assert "with 16,441 and 89 page faults: the kernel copies whole huge pages." in writes


def test_freezing_helps_the_collector_and_not_the_reader(tmp_path: Path) -> None:
    """Read: 0.2 ms and 80 % of 5 ms, frozen the same. Collect: 3 ms, 8 ms, and 40 µs when frozen, 7.96 ms less."""
    pages, reads, collects = lines(tmp_path, objects_cells())
    assert pages.startswith("This run cannot tell: fork and first writes were not measured")
    assert reads == (
        "1e5 objects, take each object in hand once: 200 µs (200 to 200) without a fork and 4.00 ms (4.00 to 4.00) in "
        "a child, where copies of pages add 3.80 ms (3.80 to 3.80). After `gc.freeze()` in the parent the child takes "
        "4.00 ms (4.00 to 4.00), which this run cannot tell apart."
    )
    assert collects == (
        "1e5 objects, collect garbage: 3.00 ms (3.00 to 3.00) without a fork and 8.00 ms (8.00 to 8.00) in a child, "
        "where copies of pages add 5.00 ms (5.00 to 5.00). After `gc.freeze()` in the parent the child takes "
        "40.0 µs (40.0 to 40.0): 7.96 ms (7.96 to 7.96) less."
    )
    slower = lines(tmp_path / "slower", objects_cells(frozen_reads_ns=6e6))[1]
    assert slower.endswith("the child takes 4.80 ms (4.80 to 4.80): 800 µs (800 to 800) more.")


def test_a_run_without_such_cells_says_what_measures_them(tmp_path: Path) -> None:
    """Both halves name the command."""
    pages, objects = lines(tmp_path, CELLS)
    assert "`python -m bench run --mechanism os_fork --mechanism parent_rewrites " in pages
    assert "--scenario rss=64MiB --scenario thp=64MiB` does so." in pages
    assert "--mechanism child_collects --scenario objects=1e6 --scenario gc_frozen=1e6` does so." in objects


def test_few_rounds_give_no_verdict(tmp_path: Path) -> None:
    """Below six rounds there is no interval, so nothing is said to win."""
    writes = lines(tmp_path, page_cells(), rounds=5)[1]
    assert "This run cannot tell: need at least 6 rounds" in writes
    assert "less time" not in writes
