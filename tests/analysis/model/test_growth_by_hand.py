"""Parents of several sizes by hand: slopes between neighbours, and where a lead is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.model.memory_growth import (
    break_even_size,
    cells_of_several_sizes,
    growth,
    meeting_range,
)
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.edit_run import change_rows, scale_rounds
from tests.fake_kinds import MIB, sized
from tests.fake_run import BARE, QUIET, FakeCell, FakeRun, write_run

SMALL = FakeCell(calls=1, blocks=1)
LARGE = replace(SMALL, scenario="rss", level="256MiB", unit="bytes", memory=256 * MIB)
PYTHON = "3.11.7"


def program(cell: FakeCell) -> FakeCell:
    """The same parent with another mechanism."""
    return replace(cell, mechanism="subprocess_run", work="exec", control="native_spawn")


def test_each_pair_of_neighbours_has_its_slope_over_rounds(tmp_path: Path) -> None:
    """Seven rounds, three sizes: the median, least and largest slope of each step and of the whole, by hand."""
    middle = replace(LARGE, level="64MiB", memory=64 * MIB)
    cells = [replace(LARGE, total_ns=1e6), replace(SMALL, total_ns=1e6), replace(middle, total_ns=1e6)]
    large = [5.0, 5.5, 5.1, 5.4, 5.2, 5.3, 5.7]
    run = scale_rounds(
        write_run(tmp_path, FakeRun(cells, rounds=7, noise=QUIET)),
        {(0, "mechanism"): large, (1, "mechanism"): [1.0] * 7, (2, "mechanism"): [1.3, 1.6, 1.4, 1.9, 1.5, 1.7, 1.8]},
    )
    found = growth(AnalysedRun(load_run(run)), PYTHON, "os_fork")
    assert found is not None
    # In ms over 64, 192 and 256 MiB.
    first, second, whole = (0.6, 0.3, 0.9), (3.7, 3.5, 3.9), (4.3, 4.0, 4.7)
    for step, over, expected in zip((*found.steps, found.overall), (64, 192, 256), (first, second, whole), strict=True):
        slope = [value * over * MIB / 1e6 for value in (step.slope.center, step.slope.lo, step.slope.hi)]
        assert slope == pytest.approx(expected)
    doses = [BARE["private_bytes"] + more * MIB for more in (0, 64, 256)]
    sizes = [(step.smaller, step.larger) for step in (*found.steps, found.overall)]
    assert sizes == [(doses[0], doses[1]), (doses[1], doses[2]), (doses[0], doses[2])]
    assert found.smallest_parent_ns == 1e6


def test_sizes_are_those_verified_in_each_round(tmp_path: Path) -> None:
    """A parent that held less in one round has that round's slope over what it held."""
    run = write_run(tmp_path, FakeRun([SMALL, replace(LARGE, total_ns=1e6)], rounds=6, noise=QUIET))
    held = [100, 200, 300, 400, 500, 600]

    def dose(row: dict[str, str]) -> None:
        if row["cell"] == "1":
            row["private_bytes"] = str(BARE["private_bytes"] + held[int(row["round"])] * MIB)

    found = growth(AnalysedRun(load_run(change_rows(run, "subjects.csv", dose))), PYTHON, "os_fork")
    assert found is not None
    assert found.overall.slope.lo == pytest.approx(880_000 / (600 * MIB))
    assert found.overall.slope.hi == pytest.approx(880_000 / (100 * MIB))
    assert found.overall.larger == BARE["private_bytes"] + 350 * MIB


def test_each_interpreter_and_mechanism_has_its_own_slopes(tmp_path: Path) -> None:
    """Two interpreters and two mechanisms, measured in one run, do not share sizes, and are listed in order."""
    cells = [
        replace(cell, python=python, total_ns=cell.total_ns * factor)
        for python, factor in (("3.9.1", 3.0), (PYTHON, 1.0))
        for cell in sized()[::-1]
    ]
    alone = replace(program(LARGE), mechanism="popen")
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun([*cells, alone], rounds=6, noise=QUIET))))
    slopes = []
    for python in ("3.9.1", PYTHON):
        each = growth(found, python, "os_fork")
        assert each is not None
        slopes.append(each.overall.slope.center * 4096)
    assert slopes == pytest.approx([150, 50])
    points = cells_of_several_sizes(found)
    expected = [
        (python, mechanism, float(BARE["rss_bytes"] + more))
        for python in (PYTHON, "3.9.1")
        for mechanism in ("os_fork", "subprocess_run")
        for more in (0, 64 * MIB, 256 * MIB)
    ]
    assert list(points[["python", "mechanism", "dose"]].itertuples(index=False, name=None)) == expected
    assert growth(found, PYTHON, "popen") is None
    assert break_even_size(found, PYTHON, "os_fork", "popen") is None


@pytest.mark.parametrize(("more", "counts"), [(4_500_000, True), (4_499_999, False)])
def test_parents_are_of_several_sizes_from_half_as_much_again_on(tmp_path: Path, more: int, counts: bool) -> None:
    """A parent of 13.5 MB is another size beside one of 9 MB; one byte less and it is the same."""
    cells = [SMALL, replace(LARGE, memory=more)]
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET))))
    assert cells_of_several_sizes(found)["dose"].tolist() == ([9e6, 9e6 + more] if counts else [])


def test_parents_whose_size_is_not_known_are_no_points(tmp_path: Path) -> None:
    """Where the dose was not read, or was read as nothing, there is no size."""
    run = write_run(tmp_path, FakeRun([SMALL, LARGE, replace(LARGE, level="1GiB")], rounds=6, noise=QUIET))

    def forget(row: dict[str, str]) -> None:
        if row["cell"] != "0":
            row["rss_bytes"] = "" if row["cell"] == "1" else "0"

    assert cells_of_several_sizes(AnalysedRun(load_run(change_rows(run, "subjects.csv", forget)))).empty


def test_a_size_too_near_to_a_smaller_one_does_not_count(tmp_path: Path) -> None:
    """Of parents of 9, 12, 14 and 20 MB those of 9 and 14 are sizes; 20 is less than half as much again."""
    cells = [SMALL, *(replace(LARGE, level=str(more), memory=more) for more in (3_000_000, 5_000_000, 11_000_000))]
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET))))
    assert cells_of_several_sizes(found)["dose"].tolist() == [9e6, 14e6]


# Lead (ns) at sizes of 1, 2, 4 and 8 units, and the range in which it is lost for good, by hand.
MEETINGS = {
    "lost on the way, two sizes": ([1, 8], [3.0, -1.0], (1.0, 8.0)),
    "exactly a straight line": ([1, 2, 4, 8], [3.0, 2.0, 0.0, -4.0], (4.0, 4.0)),
    # The chord of 2 and 4 meets 0 at 2 + 2 * 1/2 = 3; the line before falls 1 a unit and meets 0 at 3.
    "even before": ([1, 2, 4], [2.0, 1.0, -1.0], (3.0, 3.0)),
    # Falls ever faster: the chord of 2 and 4 says 2 + 2 * 3/4 = 3.5; extended from the left it is lost at 5,
    # beyond the larger size, and from the right at 4 - 1 / 2.5 = 3.6.
    "falls faster": ([1, 2, 4, 8], [4.0, 3.0, -1.0, -11.0], (3.5, 3.6)),
    # Falls ever slower: the chord says 2 + 2 * 1/4 = 2.5, the line from the left 2 + 1 / 3, from the right
    # 4 - 3 / 0.25: smaller than 2.
    "falls slower": ([1, 2, 4, 8], [4.0, 1.0, -3.0, -4.0], (2 + 1 / 3, 2.5)),
    # Neither: from the left 2 + 1 / 3, from the right 4 - 3 / 3 = 3, with the chord 2.5 in between.
    "bends both ways": ([1, 2, 4, 8], [4.0, 1.0, -3.0, -15.0], (2 + 1 / 3, 3.0)),
    "never a lead": ([1, 2], [-1.0, 0.0], (0.0, 0.0)),
    "not lost": ([1, 2], [-1.0, 0.1], (math.inf, math.inf)),
    # The line from the left rises: extended it is never lost, so that the larger size is the end.
    "lost, found and lost": ([1, 2, 4, 8], [1.0, -1.0, 2.0, -2.0], (6.0, 8.0)),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_a_lead_is_lost_between_two_sizes(name: str) -> None:
    """The range holds the straight line and the neighbours' lines, and never leaves the two sizes around it."""
    dose, lead, expected = MEETINGS[name]
    assert meeting_range(np.array(dose, dtype=float), np.array(lead)) == pytest.approx(expected)


def test_the_break_even_spans_what_rounds_leave_open(tmp_path: Path) -> None:
    """Six rounds of three sizes: from the least lower end to the largest upper end, with the middle of the medians."""
    middle = replace(LARGE, level="64MiB", memory=64 * MIB)
    cells = [replace(cell, total_ns=1e6) for cell in (SMALL, middle, LARGE)]
    cells += [replace(program(cell), total_ns=1e6) for cell in (SMALL, middle, LARGE)]
    starts = [1.5, 1.4, 1.3, 1.2, 1.25, 1.35]
    run = scale_rounds(
        write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET)),
        {(2, "mechanism"): [5.0] * 6, (1, "mechanism"): [2.0] * 6, (3, "mechanism"): starts}
        | {(place, "mechanism"): starts for place in (4, 5)},
    )
    found = break_even_size(AnalysedRun(load_run(run)), PYTHON, "os_fork", "subprocess_run")
    assert found is not None
    # The fork grows by 1 ms over the first 64 MiB and by 3 over the next 192, one line, so that both lines agree.
    ends = [BARE["rss_bytes"] + share * 64 * MIB for share in (0.2, 0.325, 0.5)]
    assert (found.lo, found.center, found.hi) == pytest.approx(tuple(ends))


def test_sizes_that_share_no_round_have_no_slope(tmp_path: Path) -> None:
    """Two sizes measured six times each, never in one round: nothing is taken across rounds."""
    cells = [replace(SMALL, failing_rounds=tuple(range(6))), replace(LARGE, failing_rounds=tuple(range(6, 12)))]
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=12, noise=QUIET))))
    assert len(cells_of_several_sizes(found)) == 2
    assert growth(found, PYTHON, "os_fork") is None
    assert break_even_size(found, PYTHON, "os_fork", "os_fork") is None
