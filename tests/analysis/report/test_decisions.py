"""Holds the table that a report begins with: for each kind of work the cheapest way, and what the others cost more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from analysis.read.run import load_run
from analysis.report.decisions import decisions
from analysis.report.write import other_sentences
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

MIB = 1 << 20
FORK = FakeCell("os_fork", 200_000.0)
SPAWN = FakeCell("posix_spawn", 500_000.0, work="exec", control="native_spawn")


def rows(folder: Path, *cells: FakeCell) -> list[list[str]]:
    """The table of a run without noise."""
    return decisions(AnalysedRun(load_run(write_run(folder, FakeRun(cells, rounds=9, noise=QUIET)))))


def test_each_work_has_its_cheapest_way_and_what_the_others_cost(tmp_path: Path) -> None:
    """500 µs against 600 and 1,000 µs: 1.2 to 2 times as long; a fork alone is shown too, other single ones are not."""
    others = [replace(SPAWN, mechanism="popen", total_ns=600_000.0), replace(SPAWN, mechanism="x", total_ns=1e6)]
    single = FakeCell("python_c", 6e6, work="python_start", control="native_python")
    found = rows(tmp_path, FORK, *others, SPAWN, single)
    assert found == [
        ["fork only", "`os_fork`", "200 µs", "–", "–", "–"],
        ["run a program", "`posix_spawn`", "500 µs", "–", "1.2 to 2 times as long", "–"],
    ]


def test_what_cannot_be_told_from_the_cheapest_is_as_cheap(tmp_path: Path) -> None:
    """Two of the same time are tied, and no time is claimed for the second."""
    found = rows(tmp_path, SPAWN, replace(SPAWN, mechanism="popen"))
    assert [row[3:5] for row in found] in ([["`popen`", "–"]], [["`posix_spawn`", "–"]])


def test_a_fork_says_from_which_size_on_a_program_is_cheaper(tmp_path: Path) -> None:
    """A fork that grows by 100 µs for 64 MiB and more meets a program that does not grow; the nearest is named."""
    sizes = [
        replace(cell, scenario="rss", level=f"{size}MiB", unit="bytes", memory=size * MIB, total_ns=ns)
        for cell, grows in ((FORK, True), (SPAWN, False))
        for size in (64, 256)
        for ns in [cell.total_ns + (size * 5_000.0 if grows else 0.0)]
    ]
    (fork, *_) = rows(tmp_path, FORK, SPAWN, *sizes)
    assert fork[-1].startswith("to start a program, `posix_spawn` takes less time from ")


def test_a_run_without_intervals_has_no_table(tmp_path: Path) -> None:
    """Three rounds rank nothing."""
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun((FORK, SPAWN), rounds=3))))
    assert decisions(run) == []


def test_what_stands_behind_the_first_sentence_is_one_click_away() -> None:
    """Nothing is lost between both, and a single sentence has nothing behind it."""
    assert other_sentences("Use `a`. Next is b. And c.") == "Next is b. And c."
    assert other_sentences("Use `a`.") == ""
