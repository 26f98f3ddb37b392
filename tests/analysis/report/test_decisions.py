"""Holds the table that a report begins with: for each kind of work the cheapest way, and what the others cost more."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from analysis.read.run import load_run
from analysis.report.decisions import Decision, decisions, result
from analysis.report.write import other_sentences
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

MIB = 1 << 20
FORK = FakeCell("os_fork", 200_000.0)
SPAWN = FakeCell("posix_spawn", 500_000.0, work="exec", control="native_spawn")


def rows(folder: Path, *cells: FakeCell) -> list[Decision]:
    """The table of a run without noise."""
    return decisions(AnalysedRun(load_run(write_run(folder, FakeRun(cells, rounds=9, noise=QUIET)))))


def test_each_work_has_its_cheapest_way_and_what_the_others_cost(tmp_path: Path) -> None:
    """500 µs against 600 and 1,000 µs: 1.2 to 2 times as long; of what was measured alone no cheapest is told."""
    others = [replace(SPAWN, mechanism="popen", total_ns=600_000.0), replace(SPAWN, mechanism="x", total_ns=1e6)]
    single = FakeCell("python_c", 6e6, work="python_start", control="native_python")
    found = rows(tmp_path, FORK, *others, SPAWN, single)
    assert [row.cells[1:] for row in found] == [
        ["`os_fork`", "200 µs", "–", "–", "–"],
        ["`posix_spawn`", "500 µs", "–", "1.2 (`popen`) to 2 (`x`) times as long", "–"],
        ["`python_c`", "6.00 ms", "–", "no other was measured", "–"],
    ]
    assert found[1].why == (
        "`posix_spawn` takes 500 µs (500 to 500). `popen` takes 1.20 (1.20 to 1.20) times as long. "
        "`x` takes 2.00 (2.00 to 2.00) times as long.",
    )
    assert (
        result(found) == "Cheapest here: fork only with `os_fork` (200 µs); run a program with `posix_spawn` (500 µs)."
    )


def test_what_cannot_be_told_from_the_cheapest_is_as_good(tmp_path: Path) -> None:
    """Two of the same time are tied, and no time is claimed for the second."""
    (row,) = rows(tmp_path, SPAWN, replace(SPAWN, mechanism="popen"))
    assert {row.use, row.as_good} == {"`posix_spawn`", "`popen`"}
    assert row.others == "–"


def test_interpreters_that_agree_share_a_row(tmp_path: Path) -> None:
    """Three interpreters with one first mechanism have a row with their times; the one that differs has its own."""
    slow = replace(SPAWN, mechanism="popen", total_ns=600_000.0)
    pairs = {"3.10": (SPAWN, slow), "3.11": (replace(SPAWN, total_ns=550_000.0), slow), "3.12": (SPAWN, SPAWN)}
    cells = [
        replace(cell, python=python, mechanism=name)
        for python, pair in pairs.items()
        for cell, name in zip(pair, ("posix_spawn", "popen"), strict=True)
    ]
    cells[-1] = replace(cells[-1], total_ns=300_000.0)
    agreed, odd = rows(tmp_path, *cells)
    assert (agreed.task, agreed.takes) == ("run a program (Python 3.10, 3.11)", "500 to 550 µs")
    assert agreed.others == "1.09 to 1.2 (`popen`) times as long"
    assert [sentence[:13] for sentence in agreed.why] == ["Python 3.10: ", "Python 3.11: "]
    assert (odd.task, odd.use) == ("run a program (Python 3.12)", "`popen`")


def test_a_fork_says_what_makes_another_way_cheaper(tmp_path: Path) -> None:
    """A fork that grows by 5 µs a MiB meets a program that does not grow; an import that doubles it is told."""
    sizes = [
        replace(cell, scenario="rss", level=f"{size}MiB", unit="bytes", memory=size * MIB, total_ns=ns)
        for cell, grows in ((FORK, True), (SPAWN, False))
        for size in (64, 256)
        for ns in [cell.total_ns + (size * 5_000.0 if grows else 0.0)]
    ]
    imported = replace(FORK, scenario="imports", level="numpy", total_ns=400_000.0)
    (fork, *_) = rows(tmp_path, FORK, SPAWN, imported, *sizes)
    size, imports = fork.changes
    assert re.fullmatch(r"once the parent has [\d.]+ MiB, `posix_spawn` takes less time to start a program", size)
    assert imports == "after an import it takes 2 (`numpy`) times as long"


def test_a_run_without_intervals_has_no_table(tmp_path: Path) -> None:
    """Three rounds rank nothing."""
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun((FORK, SPAWN), rounds=3))))
    assert decisions(run) == []
    assert result([]) == ""


def test_what_stands_behind_the_first_sentence_is_one_click_away() -> None:
    """Nothing is lost between both, and a single sentence has nothing behind it."""
    assert other_sentences("Use `a`. Next is b. And c.") == "Next is b. And c."
    assert other_sentences("Use `a`.") == ""
