"""First writes after a fork: figures worked out by hand, from fake runs without noise and from plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.model import first_write
from analysis.model.first_write import SHARE_OF_FEW, even_share
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_first_write import objects_cells, page_cells
from tests.fake_run import PYTHON, QUIET, FakeCell, FakeRun, write_run


def analysed(results: Path, cells: Sequence[FakeCell]) -> AnalysedRun:
    """A run of these cells in which every call of a cell takes the same."""
    return AnalysedRun(load_run(write_run(results, FakeRun(cells, noise=QUIET))))


def test_one_page_in_two_mib_is_one_of_512() -> None:
    """2 MiB hold 512 pages of 4 KiB."""
    assert SHARE_OF_FEW == 1 / 512


@pytest.mark.parametrize(
    ("few_lead", "every_lead", "share"),
    [
        (1.0, -1.0, SHARE_OF_FEW + (1 - SHARE_OF_FEW) / 2),
        (1.0, -4.0, 0.2015625),  # 1/512 + 511/512 · 1/5
        (3.0, -1.0, 0.75048828125),  # 1/512 + 511/512 · 3/4
        (0.0, -1.0, SHARE_OF_FEW),
        (-2.0, 5.0, SHARE_OF_FEW),
        (2.0, 0.0, math.inf),
        (2.0, 1.0, math.inf),
    ],
)
def test_a_lead_is_lost_where_the_line_between_both_ends_is_zero(
    few_lead: float, every_lead: float, share: float
) -> None:
    """Between the share of few and all; at the first where there is no lead; never where it is kept to the end."""
    assert even_share(few_lead, every_lead) == pytest.approx(share)


def test_first_writes_stand_side_by_side(tmp_path: Path) -> None:
    """Few: 2 ms and 1 ms. All: 10 ms and 14 ms, of which 80 % are the writes. A lead of 1 ms becomes one of -4 ms."""
    found = first_write.first_writes(analysed(tmp_path, page_cells()), PYTHON, "child", "64MiB")
    assert found is not None
    assert (found.few.small.center, found.few.huge.center, found.few.lead.center) == (2e6, 1e6, 1e6)
    assert (found.every.small.center, found.every.huge.center, found.every.lead.center) == (10e6, 14e6, -4e6)
    assert (found.pass_small.center, found.pass_huge.center) == (8e6, 11.2e6)
    assert (found.faults_small.center, found.faults_huge.center) == (16441, 16441)
    assert found.even_share.center == pytest.approx(0.2015625)
    assert found.even_share.lo == found.even_share.hi == found.even_share.center


def test_a_cell_that_is_missing_leaves_no_figure(tmp_path: Path) -> None:
    """Without one of the four cells there is nothing to compare, and a writer that was not measured has none."""
    for missing in range(2, 6):
        cells = [cell for number, cell in enumerate(page_cells()) if number != missing]
        run = analysed(tmp_path / str(missing), cells)
        assert first_write.first_writes(run, PYTHON, "child", "64MiB") is None
    assert first_write.first_writes(run, PYTHON, "parent", "64MiB") is None
    assert first_write.totals(run, PYTHON, "os_fork", "32MiB") is None


def test_only_levels_of_both_kinds_are_compared(tmp_path: Path) -> None:
    """A size that was measured in 4 KiB pages alone has no partner, and a parent of level 0 has no memory."""
    more = [FakeCell(scenario="rss", level=level, unit="bytes") for level in ("0", "32MiB")]
    run = analysed(tmp_path, [*page_cells(), *more, FakeCell(scenario="thp", level="0", unit="bytes")])
    assert first_write.levels_of(run, PYTHON, "rss", "thp") == ["64MiB"]


def test_the_collector_is_compared_in_three_places(tmp_path: Path) -> None:
    """3 ms alone, 80 % of 10 ms in a child, 80 % of 50 µs when frozen: copies add 5 ms, freezing saves 7.96 ms."""
    run = analysed(tmp_path, objects_cells())
    found = first_write.objects(run, PYTHON, "collects", "1e5")
    assert found is not None
    places = (found.alone, found.child, found.frozen, found.added, found.saved)
    assert [place.center for place in places] == [3e6, 8e6, 40e3, 5e6, 7.96e6]
    assert first_write.objects(run, PYTHON, "reads_objects", "1e4") is None
