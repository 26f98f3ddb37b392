"""Parents of several sizes: what memory adds, and where starting a program becomes the cheaper way."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.model import memory_growth
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_kinds import MIB, PAGE_NS, SPAWN_NS, sized
from tests.fake_run import BARE, QUIET, FakeRun, write_run

PYTHON = "3.11.7"


def _analysed(results: Path, fake: FakeRun) -> AnalysedRun:
    return AnalysedRun(load_run(write_run(results, fake)))


def test_growth_is_that_of_the_verified_memory(tmp_path: Path) -> None:
    """50 ns a page of 4 KiB are found from three sizes without noise, and no slope where nothing grows."""
    analysed = _analysed(tmp_path, FakeRun(sized(), noise=QUIET))
    grown = memory_growth.growth(analysed, PYTHON, "os_fork")
    assert grown is not None
    assert len(grown.steps) == 2
    assert grown.overall.larger == 256 * MIB + BARE["private_bytes"]
    for step in (*grown.steps, grown.overall):
        assert step.slope.center * 4096 == pytest.approx(PAGE_NS)
        assert step.slope.lo == pytest.approx(step.slope.hi)
    steady = memory_growth.growth(analysed, PYTHON, "subprocess_run")
    assert steady is not None
    assert steady.overall.slope.center * memory_growth.GIB == pytest.approx(0, abs=1.0)


def test_the_crossing_is_where_both_take_as_long(tmp_path: Path) -> None:
    """A fork of 20,000 pages more than bare takes as long as the program: that is the size found."""
    at = memory_growth.break_even_size(
        _analysed(tmp_path, FakeRun(sized(), noise=QUIET)), PYTHON, "os_fork", "subprocess_run"
    )
    assert at is not None
    assert (SPAWN_NS - 120_000) / PAGE_NS == 20_000
    assert at.center == pytest.approx(BARE["rss_bytes"] + 20_000 * 4096)


@pytest.mark.parametrize(("cost", "where"), [(50_000.0, 0.0), (math.inf, math.inf)])
def test_a_crossing_outside_of_all_sizes_is_named_as_such(tmp_path: Path, cost: float, where: float) -> None:
    """A program that is always cheaper crosses at 0, one that grows faster than the fork never does."""
    cells = [
        cell
        if cell.mechanism == "os_fork"
        else replace(cell, total_ns=cost if math.isfinite(cost) else 1e6 + cell.memory)
        for cell in sized()
    ]
    at = memory_growth.break_even_size(
        _analysed(tmp_path, FakeRun(cells, noise=QUIET)), PYTHON, "os_fork", "subprocess_run"
    )
    assert at is not None
    assert at.center == where


def test_without_sizes_there_is_no_growth(fake_run: Path) -> None:
    """Where the verified memory of all parents is the same, whatever was asked for, nothing is claimed."""
    analysed = AnalysedRun(load_run(fake_run))
    assert memory_growth.cells_of_several_sizes(analysed).empty
    assert memory_growth.growth(analysed, PYTHON, "os_fork") is None
    assert memory_growth.break_even_size(analysed, PYTHON, "os_fork", "subprocess_run") is None
